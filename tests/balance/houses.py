"""Meters at nodes of the billing tests' utility: three houses and the feeder above two of them.

A node "transformer-N" of that population stands for a house with eight flats (flats n with 11 + n mod 20 = N).
House 11 shares its remainder by area under a cap, house 14 used less than its flats and gives back in equal parts,
house 13 carries a negative month on. Feeder A (node 3) has a meter too; what it loses is nobody's.
"""

from datetime import UTC, date, datetime, timedelta

from django.db import connection

from billing.population import HOME, LONG_AGO, OPENED, READ_MONTHS
from mains.balance.actions.rules import set_balance_rule
from mains.billing.actions.runs import plan_run, post_run
from mains.billing.models import BillRun
from mains.customers.actions.registry import open_account, register_customer, sign_agreement
from mains.customers.models import Account, Party
from mains.metering.actions.registry import RegisterSpec, add_meter, install_meter
from mains.metering.models import Reading, Register
from mains.network.actions.registry import add_premise, connect_node_point, connect_service_point
from mains.network.models import Node, ServicePoint
from mains.tariffs.actions.publish import publish_tariff

MARCH, APRIL, MAY = date(2021, 3, 1), date(2021, 4, 1), date(2021, 5, 1)
CLOSE = {
    MARCH: datetime(2021, 4, 4, tzinfo=UTC),
    APRIL: datetime(2021, 5, 4, tzinfo=UTC),
    MAY: datetime(2021, 6, 7, tzinfo=UTC),
}
KWH = 1_000_000
POINTS = 160
KWH_MONTH = {11: 3_000, 14: 900, 13: 800, 3: 30_000}
RULES = {
    11: {"key": "area", "negative": "zero", "cap_norm_m2_micro": 2 * KWH, "common_area_m2_micro": 300 * KWH},
    14: {"key": "equal", "negative": "give_back"},
    13: {"key": "residents", "negative": "carry"},
}
COMMON = """      - {name: common, when: common_use != 0, formula: common_use * common_price, quantity: common_use}
      - name: vat
"""


def tariff_with_common_use() -> str:
    """The homes' tariff with a line for what the house's remainder gives them."""
    return (
        HOME.replace("attributes:", "quantities: {common_use: kWh}\nattributes:", 1)
        .replace("      - name: vat\n", COMMON)
        .replace("      vat: 20 %", "      vat: 20 %\n      common_price: 3.19 RUB/kWh")
    )


def add_house_meters() -> dict[int, Register]:
    """Hang the meters, set the rules, let the homes' tariff read the shares; the registers by node."""
    with connection.cursor() as cursor:
        for table in ("network_servicepoint", "metering_meter", "metering_register"):
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), 20000000)")
    registers = {}
    for node_id, kwh in KWH_MONTH.items():
        registers[node_id] = hang_meter(node_id, kwh)
    for node_id, rule in RULES.items():
        set_balance_rule(
            node_id=node_id,
            norm_person_micro=25 * KWH,
            valid_from=OPENED,
            actor=None,
            now=LONG_AGO,
            proof="meeting",
            **rule,
        )
    publish_tariff(document=tariff_with_common_use(), now=LONG_AGO + timedelta(days=1))
    return registers


REST_TARIFF = """
tariff: common-areas
service: electricity
currency: RUB
unit: kWh
quantities: {common_use: kWh}
components:
  - {name: over_norm, formula: common_use * price, quantity: common_use}
  - {name: vat, kind: tax_included, formula: over_norm * vat / (1 + vat)}
prices: {price: 3.19 RUB/kWh, vat: 20 %}
"""


def add_rest_point(node_id: int = 11) -> ServicePoint:
    """A point at the common areas of a house, named by its rule, for which nobody pays yet."""
    with connection.cursor() as cursor:
        for table in ("customers_customer", "customers_account"):
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), 20000000)")
        cursor.execute("SELECT setval(pg_get_serial_sequence('tariffs_tariff', 'id'), 100)")
    point = connect_at_house(node_id, code=f"CA{node_id}", kind="common", takes_rest=True)
    set_balance_rule(
        node_id=node_id, norm_person_micro=25 * KWH, rest_point_id=point.pk, valid_from=OPENED, actor=None,
        now=LONG_AGO + timedelta(days=2), proof="contract", **RULES[node_id],
    )  # fmt: skip
    return point


def connect_at_house(node_id: int, *, code: str, kind: str, takes_rest: bool = False) -> ServicePoint:
    """A point without a meter in a house."""
    with connection.cursor() as cursor:
        for table in ("network_premise", "network_building"):
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), 20000000)")
    node = Node.objects.get(pk=node_id)
    premise = add_premise(
        city="Town",
        street="Long",
        house=f"house {node_id}",
        latitude=45,
        longitude=34,
        kind=kind,
        node=node,
    )
    return connect_service_point(
        code=code,
        premise=premise,
        service="electricity",
        node=node,
        connected_on=OPENED,
        takes_rest=takes_rest,
    )


def agree_on_rest(point: ServicePoint, *, now: datetime | None = None) -> Account:
    """The managing company's account takes what is over the cap of the point's house."""
    known = now or LONG_AGO + timedelta(days=3)
    tariff = publish_tariff(document=REST_TARIFF, now=known)
    account = open_account(
        customer=register_customer(kind="organisation", name="Manager"), organisation_id=2, opened_on=OPENED
    )
    sign_agreement(
        account=account, service_point_id=point.pk, tariff_id=tariff.tariff_id,
        provider=Party.objects.get(code="power"), category="commercial", valid_from=OPENED, actor=None, now=known,
    )  # fmt: skip
    return account


def hang_meter(node_id: int, kwh_month: int) -> Register:
    point = connect_node_point(code=f"N{node_id}", node=Node.objects.get(pk=node_id), connected_on=OPENED)
    meter = add_meter(
        serial=f"H{node_id}", model="H", service="electricity", registers=[RegisterSpec(digits=8)]
    )
    first = READ_MONTHS[0]
    install_meter(
        meter=meter,
        service_point_id=point.pk,
        installed_from=first,
        opening={0: "1000"},
        actor=None,
        now=LONG_AGO.replace(year=2021, month=1),
    )
    register = Register.objects.get(meter=meter)
    for step, month in enumerate(READ_MONTHS[1:], start=1):
        read_meter(register, month, 1000 + step * kwh_month, bucket=point.bucket)
    return register


def read_meter(
    register: Register, on: date, kwh: int, *, bucket: int, known: datetime | None = None
) -> Reading:
    return Reading.objects.create(
        register=register,
        bucket=bucket,
        reading_date=on,
        value_micro=kwh * KWH,
        source=20,
        recorded_at=known or datetime(on.year, on.month, on.day, 20, tzinfo=UTC),
    )


def bill_month(month: date, *, now: datetime | None = None, slices: int = 3) -> BillRun:
    run = plan_run(month=month, now=now or CLOSE[month], accounts_per_slice=-(-450 // slices))
    post_run(run_id=run.pk, now=now or CLOSE[month], processes=1)
    return BillRun.objects.get(pk=run.pk)
