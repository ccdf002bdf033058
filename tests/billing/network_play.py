"""The history's network: houses with meters, rules and a managing company, and gas billed by figures of nodes.

House 11 shares its remainder by area under a cap, whose rest a managing company takes; house 14 gives back what its
flats used more than it, house 13 carries it on; feeder 3 loses what it loses. Their meters are named by their nodes,
below nought.
"""

from datetime import date, timedelta

from django.db import connection

from balance.houses import (
    KWH,
    LONG_AGO,
    RULES,
    add_rest_point,
    agree_on_rest,
    hang_meter,
    tariff_with_common_use,
)
from billing.play import Play
from billing.population import OPENED
from billing.prosumers import PLAIN, add_account
from billing.test_node_figures import GAS, gas_node, tell
from billing.test_runs import MARCH
from mains.balance.actions.rules import set_balance_rule
from mains.base.dated import record_fact
from mains.metering.models import Register
from mains.metering.values import Zone
from mains.network.actions.registry import place_node
from mains.network.models import Node, PremiseState, ServicePoint
from mains.tariffs.actions.publish import publish_tariff

HOUSES = {11: 900, 14: 150, 13: 200, 3: 4_000}
"""Nodes with meters and what flows into them in a month; each house has two of the forty flats."""
PANELS = 8101
"""An account with panels in house 14, which feeds in what others of the house use; what it does is read at
`-PANELS`."""
METERS = (*(-node for node in HOUSES), -PANELS)
GAS_POINTS = (8001, 8002)
_SEQUENCES = (
    "network_servicepoint", "network_premise", "network_building", "metering_meter", "metering_register",
    "customers_customer", "customers_account",
)  # fmt: skip


class NetworkPlay(Play):
    """A history of the network too."""

    homes = tariff_with_common_use()

    def __init__(self) -> None:
        super().__init__()
        with connection.cursor() as cursor:  # the population names its rows by numbers of its own
            for table in _SEQUENCES:
                cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), 20000000)", [table])
        self.registers = {-node: hang_meter(node, kwh) for node, kwh in HOUSES.items()}
        for node, rule in RULES.items():
            self._rule(node, OPENED, now=LONG_AGO, **rule)
        publish_tariff(document=self.homes, now=LONG_AGO + timedelta(days=1))
        self.rest_point = add_rest_point(11)
        self.manager = agree_on_rest(self.rest_point)
        station = gas_node("station")
        self.gas = [station, gas_node("first", station), gas_node("second", station), gas_node("other")]
        tell(station, "calorific", 36_000_000)
        tell(self.gas[3], "calorific", 35_100_000)
        tell(self.gas[1], "correction", 1_020_000)
        for number, node in zip(GAS_POINTS, self.gas[1:3], strict=True):
            add_account(
                number, tariff=GAS, months=[(310,), (300,), (310,), (290,)], first_month=MARCH, zones=(Zone.TOTAL,),
                gas_node_id=node.pk,
            )  # fmt: skip

        add_account(
            PANELS, tariff=PLAIN, months=[(90, 40), (80, 95), (70, 150), (60, 160)], first_month=MARCH
        )
        ServicePoint.objects.filter(pk=PANELS).update(node_id=14)
        self.registers[-PANELS] = Register.objects.get(meter_id=PANELS, zone=Zone.EXPORT)

    def rule(self, node: int, months_back: int, variant: int) -> None:
        """The rule of a house was another from a month on: another cap, another key, or nobody takes the rest."""
        month = date(2021, max(1, self.now.month - months_back), 1)
        told = dict(RULES[node])
        if variant == 0 and node == 11:
            told |= {"cap_norm_m2_micro": 3 * KWH, "rest_point_id": self.rest_point.pk}
        elif variant == 1:
            told["key"] = "use"
        elif variant == 2:
            told["negative"] = "give_back" if told["negative"] == "carry" else "carry"
        self._rule(node, month, now=self.now, **told)

    def _rule(self, node: int, month: date, **told: object) -> None:
        set_balance_rule(
            node_id=node, valid_from=month, norm_person_micro=25 * KWH, actor=None, proof="meeting", **told
        )  # fmt: skip

    def rest_payer(self, back: int, account: int, *_: object) -> None:
        """Somebody else manages the house, or the manager again."""
        day = self.now.date() - timedelta(days=back)
        self._agree(self.rest_point.pk, day, account_id=account or self.manager.pk)

    def area(self, point: int, back: int, tenths_m2: int) -> bool | None:
        """The flat is larger or smaller than was recorded, so is its share of the house."""
        day = self.now.date() - timedelta(days=back)
        state = PremiseState.objects.filter(premise_id=point, superseded_at=None, valid__contains=day).first()
        if state is None or point % 60 == 7:
            return False
        names = ("residents", "rooms", "heated_area_m2_micro", "storey_height_mm", "location", "cooker",
                 "meter_possible")  # fmt: skip
        record_fact(
            model=PremiseState,
            subject={"premise_id": point},
            values={name: getattr(state, name) for name in names}
            | {"floor_area_m2_micro": tenths_m2 * 100_000},
            valid_from=day,
            valid_to=state.valid.upper,
            actor=None,
            now=self.now,
        )
        return None

    def figure(self, place: int, back: int, value: int) -> None:
        """A figure of a gas node from a day on; of the station it may not be taken away."""
        name = "correction" if value % 2 else "calorific"
        micro = 1_000_000 + value * 1_000 if name == "correction" else 35_000_000 + value * 10_000
        taken_away = place in (1, 2) and value % 7 == 0
        day = self.now.date() - timedelta(days=back)
        tell(self.gas[place], name, None if taken_away else micro, day, proof="passport", now=self.now)

    def feed(self, place: int, back: int, above: int) -> None:
        """A gas node hangs below another one from a day on; its figures are inherited from there."""
        place_node(
            node=self.gas[place], parent=self.gas[above], valid_from=self.now.date() - timedelta(days=back), actor=None,
            now=self.now,
        )  # fmt: skip

    def house_fed(self, house: int, back: int, feeder: int) -> None:
        """A house hangs at another feeder."""
        place_node(
            node=Node.objects.get(pk=house), parent=Node.objects.get(pk=feeder), actor=None, now=self.now,
            valid_from=self.now.date() - timedelta(days=back),
        )  # fmt: skip

    def _register(self, point: int) -> Register | None:
        return self.registers[point] if point < 0 else super()._register(point)
