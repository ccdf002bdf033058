"""Whatever becomes known in whatever order, what was posted bit by bit is what a fresh computation posts at once.

A history is played on a small utility: late, corrected, withdrawn and contradicting readings, errors of meters, acts of
unmetered use and absences found and withdrawn, residents that change and change back, opening balances, categories,
payers, exchanges of meters, conditions of supply, prices and bands, all of the past, with bill runs and recalculations
in between. At the end every run, bill, entry and day of use is deleted from a copy of the database, its months are
billed anew with all that is known, and both must agree: by agreement, month and component to the last minor and
micro-unit, in what is carried from bill to bill, and in every day of use with the readings that it comes from.

MAINS_HISTORIES=200 plays more of them; hypothesis prints how to repeat a failing one.
"""

import os
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import polars as pl
import psycopg
import pytest
from django.db import connections
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from billing.conftest import _administer, _connect_to
from billing.population import HOME, OPENED
from billing.prosumers import publish_id
from billing.test_runs import APRIL, MARCH, MAY, assert_sound, rows
from mains.base.address import database_address
from mains.base.buckets import bucket_column
from mains.base.dated import add_fact, record_fact, withdraw_fact
from mains.base.facts import DatedFact
from mains.base.kept_connections import close_kept_connections
from mains.billing.actions.openings import UnableToRecordOpening, record_opening_balance
from mains.billing.actions.recalculations import recalculate, recalculate_account
from mains.billing.actions.runs import plan_run, post_run
from mains.billing.actions.settlements import MoveOrder, UnableToSettle, settle
from mains.billing.models import BillRun
from mains.billing.queries.replay import list_batches, replay_batch
from mains.customers.actions.moves import UnableToMove
from mains.customers.models import Agreement
from mains.customers.queries.records import find_account
from mains.kernel.period import next_month
from mains.metering.models import (
    Installation,
    Meter,
    MeterError,
    MeterErrorWithdrawal,
    Reading,
    Register,
    UnmeteredUse,
    UnmeteredUseWithdrawal,
)
from mains.network.actions.conditions import record_condition
from mains.network.models import Absence, AbsenceWithdrawal, NodeState, PremiseState
from mains.staff.values import EVERYTHING
from mains.tariffs.actions.publish import publish_tariff

POINTS = 40
MONTHS = (MARCH, APRIL, MAY)
BEGIN = datetime(2021, 4, 2, tzinfo=UTC)
HISTORIES = int(os.environ.get("MAINS_HISTORIES", "4"))

COMPUTED = """
    SELECT c.relname FROM pg_class c
    WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
      AND c.relname ~ '^(billing_|ledger_|metering_usagemonth)' AND c.relname !~ '^billing_openingbalance'
"""
"""Everything that runs write. Class averages and opening balances are facts and stay."""

CARRYING = (11, 31)
"""Points whose tariff carries balances, by registers for day and night."""
CARRIED = """
tariff: carried
service: electricity
currency: RUB
unit: kWh
balances: {credit: kWh, owed: RUB}
attributes:
  supply: {type: text, values: [supplied, suspended], default: supplied}
  factor: {type: number, default: 1}
versions:
  - valid_from: 2020-01-01
    prices:
      energy: 3.17 RUB/kWh
      instalment: 310 RUB/month
      back: 120 %
      limit: 90 RUB/bill
      part: {unit: "%", by: supply, supplied: 100, suspended: 30}
    components:
      - {name: net, kind: quantity, unit: kWh, formula: "max(usage.day - usage.night * back - credit, 0)"}
      - {name: used, kind: info, unit: RUB, formula: net * energy, round: 0.01}
      - {name: budget, formula: instalment * months * factor * part}
      - {name: settled, when: owed > limit, formula: owed}
      - {name: credit, kind: balance, formula: "max(credit + usage.night * back - usage.day, 0)"}
      - {name: owed, kind: balance, formula: owed - settled + used - budget}
"""

points = st.one_of(st.integers(1, POINTS), st.sampled_from(CARRYING))
days_back = st.integers(1, 110)
steps = st.one_of(
    st.tuples(st.just("late_reading"), points, days_back, st.integers(0, 100)),
    st.tuples(st.just("odd_reading"), points, days_back, st.integers(-400, 4000)),
    st.tuples(st.just("correct_reading"), points, st.integers(0, 9), st.integers(-60, 60)),
    st.tuples(st.just("withdraw_reading"), points, st.integers(0, 9), st.just(0)),
    st.tuples(st.just("residents"), points, days_back, st.integers(1, 6)),
    st.tuples(st.just("residents_for_a_while"), points, days_back, st.integers(1, 6)),
    st.tuples(st.just("category"), points, days_back, st.sampled_from(["household", "large_family"])),
    st.tuples(st.just("move"), points, days_back, points),
    st.tuples(st.just("settle"), points, st.one_of(st.integers(0, 25), days_back), points),
    st.tuples(st.just("exchange"), points, st.integers(3, 80), st.integers(0, 50)),
    st.tuples(st.just("meter_error"), points, days_back, st.integers(-9_000, 20_000)),
    st.tuples(st.just("unmetered_use"), points, days_back, st.integers(1, 900)),
    st.tuples(st.just("absence"), points, days_back, st.integers(1, 3)),
    st.tuples(st.just("withdraw_finding"), st.integers(0, 4), st.sampled_from([0, 1, 2]), st.just(0)),
    st.tuples(st.just("price"), st.integers(1, 4), st.just(0), st.just(0)),
    st.tuples(st.just("opening"), st.sampled_from(CARRYING), st.integers(3, 5), st.integers(-90, 400)),
    st.tuples(
        st.just("condition"),
        st.sampled_from(CARRYING),
        days_back,
        st.sampled_from(["suspended", "supplied", "", 2, 0]),
    ),
    st.tuples(st.just("band"), st.sampled_from([3, 4]), days_back, st.sampled_from(["A", "B"])),
    st.tuples(st.just("recalculate"), st.just(0), st.just(0), st.just(0)),
    st.tuples(st.just("recalculate_account"), points, st.just(0), st.just(0)),
    st.tuples(st.just("bill"), st.just(0), st.just(0), st.just(0)),
)
histories = st.lists(st.tuples(st.integers(1, 90), steps), min_size=8, max_size=22)


class Play:
    """One history on the connected database; the time of day moves on with every step."""

    def __init__(self) -> None:
        self.now = BEGIN
        with connections[
            "default"
        ].cursor() as cursor:  # the population names its meters by numbers of its own
            for table in ("metering_meter", "metering_register"):
                cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), 10000000)", [table])
        self.billed: list[date] = []
        self.told: dict[str, int] = {}
        tariff_id = publish_id(CARRIED)
        for point in CARRYING:
            self._agree(point, OPENED, tariff_id=tariff_id)
            for balance in ("credit", "owed"):
                assert self.opening(point, MARCH.month, 0, balance=balance) is None

    def step(self, hours: int, what: str, *facts: int | str) -> None:
        self.now += timedelta(hours=hours)
        if getattr(self, what)(*facts) is not False:
            self.told[what] = self.told.get(what, 0) + 1

    def bill(self, *_: object) -> bool | None:
        if len(self.billed) == len(MONTHS):
            return False
        self.bill_next()
        return None

    def bill_next(self) -> None:
        month = next_month(self.billed[-1]) if self.billed else MONTHS[0]
        self.now = max(self.now, datetime(2021, month.month + 1, 4, tzinfo=UTC))
        run = plan_run(month=month, now=self.now, accounts_per_slice=25)
        post_run(run_id=run.pk, now=self.now, processes=1)
        self.billed.append(month)

    def recalculate(self, *_: object) -> bool | None:
        return None if self.billed and recalculate(now=self.now, processes=1) else False

    def recalculate_account(self, account: int, *_: object) -> bool | None:
        return None if self.billed and recalculate_account(account_id=account, now=self.now).run_id else False

    def settle(self, point: int, back: int, account: int) -> bool | None:
        """The payer moves out on a day, or the day of a move turns out to be another; no final reading is known."""
        day = self.now.date() - timedelta(days=back)
        payer = Agreement.objects.filter(
            service_point_id=point, superseded_at=None, valid__contains=day
        ).first()
        found = payer and find_account(number=str(payer.account_id), scope=EVERYTHING, on_date=day)
        if not self.billed or not found:
            return False
        if point in CARRYING and day < MARCH:  # what the next payer brought from before nobody says
            return False
        asked = MoveOrder(
            account=found,
            last_date=day,
            service_point_ids=(point,),
            is_estimate=True,
            next_account_id=account,
        )
        try:
            return None if settle(order=asked, now=self.now, actor=None).run_id else False
        except (UnableToSettle, UnableToMove):
            return False  # too short a history for an estimate, say, or the account follows itself

    def condition(self, point: int, back: int, value: int | str) -> None:
        """A word about the supply or a factor of the instalment, for three weeks or until further notice."""
        first = self.now.date() - timedelta(days=back)
        record_condition(
            service_point_id=point,
            name="supply" if isinstance(value, str) else "factor",
            value=value * 700_000 if isinstance(value, int) else value or None,
            valid_from=first,
            valid_to=first + timedelta(days=21) if back % 2 else None,
            proof="act",
            actor=None,
            now=self.now,
        )

    # --- readings

    def late_reading(self, point: int, back: int, share: int) -> bool | None:
        """Between its neighbours, as a correct one would be."""
        register = self._register(point)
        day = self.now.date() - timedelta(days=back)
        if register is None or self._believed(register).filter(reading_date=day).exists():
            return False
        before = self._believed(register).filter(reading_date__lt=day).order_by("reading_date").last()
        after = self._believed(register).filter(reading_date__gt=day).order_by("reading_date").first()
        if before is None:
            return False
        top = (
            after.value_micro
            if after and after.value_micro >= before.value_micro
            else before.value_micro + 90_000_000
        )
        self._add(register, day, before.value_micro + (top - before.value_micro) * share // 100, source=60)
        return None

    def odd_reading(self, point: int, back: int, by: int) -> bool | None:
        """One that may contradict its neighbours, from a strong source or a weak one."""
        register = self._register(point)
        day = self.now.date() - timedelta(days=back)
        near = (
            register
            and self._believed(register).filter(reading_date__lte=day).order_by("reading_date").last()
        )
        if register is None or not near:
            return False
        value = (near.value_micro + by * 1_000_000) % 100_000_000_000
        self._add(register, day, value, source=10 if by % 2 else 80)
        return None

    def correct_reading(self, point: int, place: int, by: int) -> bool | None:
        reading = self._some(point, place)
        if reading is None or reading.value_micro + by * 1_000_000 < 0:
            return False
        self._end(reading)
        self._add(
            reading.register,
            reading.reading_date,
            reading.value_micro + by * 1_000_000,
            source=reading.source,
        )
        return None

    def withdraw_reading(self, point: int, place: int, _: int) -> bool | None:
        reading = self._some(point, place)
        if reading is None:
            return False
        self._end(reading)
        return None

    def exchange(self, point: int, back: int, start: int) -> bool | None:
        """A meter of one register was exchanged some days ago; nobody had told us."""
        register = self._register(point)
        day = self.now.date() - timedelta(days=back)
        if register is None or register.zone != 0:
            return False
        old = Installation.objects.get(meter=register.meter, superseded_at=None)
        last = self._believed(register).filter(reading_date__lte=day).order_by("reading_date").last()
        if last is None or old.valid.lower >= day or (old.valid.upper and old.valid.upper <= day):
            return False
        record = {"model": Installation, "actor": None, "now": self.now}
        Installation.objects.filter(pk=old.pk).update(superseded_at=self.now)
        values = {"service_point_id": point, "seal_number": ""}
        record_fact(**record, subject={"meter_id": old.meter_id}, values=values, valid_from=old.valid.lower,
                    valid_to=day + timedelta(days=1))  # fmt: skip
        meter = Meter.objects.create(serial=f"{self.now:%m%d%H}-{point}", model="M2", service="electricity")
        new = Register.objects.create(meter=meter, zone=0, digits=5)
        record_fact(
            **record, subject={"meter_id": meter.pk}, values=values, valid_from=day, valid_to=old.valid.upper
        )
        if last.reading_date < day:
            self._add(register, day, last.value_micro + 5_000_000, source=20)
        self._add(new, day - timedelta(days=1), start * 1_000_000, source=20)
        return None

    def _register(self, point: int) -> Register | None:
        installed = Installation.objects.filter(service_point_id=point, superseded_at=None).order_by("valid")
        meters = [each.meter_id for each in installed]
        return Register.objects.filter(meter_id=meters[-1]).order_by("zone").first() if meters else None

    def _believed(self, register: Register):
        return Reading.objects.filter(register=register, superseded_at=None, recorded_at__lte=self.now)

    def _some(self, point: int, place: int) -> Reading | None:
        register = self._register(point)
        found = list(self._believed(register).order_by("-reading_date")[:10]) if register else []
        return found[place] if place < len(found) else None

    def _end(self, reading: Reading) -> None:
        Reading.objects.filter(pk=reading.pk).update(superseded_at=self.now)

    def _add(self, register: Register, day: date, value: int, *, source: int) -> None:
        point = Installation.objects.filter(meter_id=register.meter_id).latest("pk").service_point_id
        bucket = pl.DataFrame({"n": [point]}).select(bucket_column("n")).item()
        Reading.objects.create(
            register=register,
            bucket=bucket,
            reading_date=day,
            value_micro=value,
            source=source,
            recorded_at=self.now,
        )

    # --- what readings do not tell

    def meter_error(self, point: int, back: int, percent: int) -> bool | None:
        """Of two thirds of the days back to now, or without an end."""
        register = self._register(point)
        day = self.now.date() - timedelta(days=back)
        end = None if percent % 3 == 0 else day + timedelta(days=1 + back * 2 // 3)
        if register is None or percent == 0:
            return False
        if MeterError.objects.filter(
            register=register, superseded_at=None, valid__overlap=(day, end)
        ).exists():
            return False
        values = {"register": register, "percent_hundredths": percent}
        self._find(MeterError, values, day, end)
        return None

    def unmetered_use(self, point: int, back: int, kwh: int) -> bool | None:
        """Of half of the days back to now; where no meter is, in the total zone."""
        register = self._register(point)
        zone = register.zone if register else 0
        day = self.now.date() - timedelta(days=back)
        end = day + timedelta(days=1 + back // 2)
        found = UnmeteredUse.objects.filter(
            service_point_id=point, zone=zone, superseded_at=None, valid__overlap=(day, end)
        )
        if found.exists():
            return False
        values = {
            "service_point_id": point,
            "zone": zone,
            "amount_micro": kwh * 1_000_000 + 7,
            "reason": "bypass",
        }
        self._find(UnmeteredUse, values, day, end)
        return None

    def absence(self, point: int, back: int, count: int) -> None:
        """More may be absent than live there: then all of them are."""
        day = self.now.date() - timedelta(days=back)
        values = {"premise_id": point, "residents": count, "reason": "travel"}
        self._find(Absence, values, day, day + timedelta(days=6 + back // 3))

    def _find(self, model: type[DatedFact], values: dict[str, object], day: date, end: date | None) -> None:
        add_fact(
            model=model, values=values, valid_from=day, valid_to=end, actor=None, now=self.now, proof="act"
        )

    def withdraw_finding(self, place: int, which: int, _: int) -> bool | None:
        model, withdrawal = [
            (MeterError, MeterErrorWithdrawal),
            (UnmeteredUse, UnmeteredUseWithdrawal),
            (Absence, AbsenceWithdrawal),
        ][which]
        believed = list(model.objects.filter(superseded_at=None).order_by("pk"))
        if place >= len(believed):
            return False
        withdraw_fact(
            model=model,
            fact_id=believed[place].pk,
            withdrawal=withdrawal,
            reason="an error",
            actor=None,
            now=self.now,
        )
        return None

    # --- the registry and prices

    def residents(self, point: int, back: int, count: int, *, until: date | None = None) -> bool | None:
        state = PremiseState.objects.filter(premise_id=point, superseded_at=None).order_by("valid").last()
        if point % 60 == 7 or state is None:  # the population itself changes these later
            return False
        names = ("rooms", "floor_area_m2_micro", "heated_area_m2_micro", "storey_height_mm", "location", "cooker",
                 "meter_possible")  # fmt: skip
        record_fact(
            model=PremiseState,
            subject={"premise_id": point},
            values={name: getattr(state, name) for name in names} | {"residents": count},
            valid_from=self.now.date() - timedelta(days=back),
            valid_to=until,
            actor=None,
            now=self.now,
        )
        return None

    def residents_for_a_while(self, point: int, back: int, count: int) -> bool | None:
        return self.residents(point, back, count, until=self.now.date() - timedelta(days=back // 2))

    def category(self, point: int, back: int, category: str) -> None:
        self._agree(point, self.now.date() - timedelta(days=back), category=category)

    def move(self, point: int, back: int, account: int) -> bool | None:
        day = self.now.date() - timedelta(days=back)
        if point in CARRYING and day < MARCH:  # what the next payer brought from before nobody says
            return False
        return self._agree(point, day, account_id=account)

    def opening(self, point: int, month: int, value: int, *, balance: str = "") -> bool | None:
        """What is carried into a month by somebody's word, for the payer whom the population gives the point."""
        try:
            record_opening_balance(
                account_id=point, service_point_id=point, balance=balance or ("owed" if value % 2 else "credit"),
                month=date(2021, month, 1), value_micro=value * 1_000_000, actor=None, now=self.now, proof="ruling",
            )  # fmt: skip
        except UnableToRecordOpening:
            return False
        return None

    def _agree(self, point: int, day: date, **changes: object) -> None:
        old = Agreement.objects.get(service_point_id=point, superseded_at=None, valid__contains=day)
        names = (
            "account_id",
            "tariff_id",
            "provider_id",
            "manager_id",
            "category",
            "load_class",
            "contract_number",
        )
        record_fact(
            model=Agreement,
            subject={"service_point_id": point},
            values={name: getattr(old, name) for name in names} | changes,
            valid_from=day,
            valid_to=old.valid.upper,
            actor=None,
            now=self.now,
        )

    def price(self, variant: int, *_: object) -> None:
        """Another standing charge, another first day of the new prices, another price of energy."""
        changed = {
            1: ("standing: {unit: RUB/month, value: 12.50}", "standing: {unit: RUB/month, value: 14.35}"),
            2: ("2021-05-10", "2021-04-20"),
            3: ("price: 3.19", "price: 3.21"),
            4: ("price: 4.57", "price: 4.61"),
        }
        publish_tariff(document=HOME.replace(*changed[variant]), now=self.now)

    def band(self, node: int, back: int, band: str) -> None:
        record_fact(
            model=NodeState,
            subject={"node_id": node},
            values={"band": band, "supply_hours_day": 20 if band == "A" else 16},
            valid_from=self.now.date() - timedelta(days=back),
            actor=None,
            now=self.now,
        )


def posted() -> pl.DataFrame:
    return rows(
        """
        SELECT agreement_id, service_month, component, kind, sum(amount_minor)::bigint AS amount_minor,
               sum(quantity_micro)::bigint AS quantity_micro
        FROM billing_billline GROUP BY 1, 2, 3, 4
        HAVING sum(amount_minor) <> 0 OR sum(quantity_micro) <> 0 ORDER BY 1, 2, 3, 4
        """
    )


def kept_use() -> pl.DataFrame:
    """Every day of use as kept last; series of meters that never hung there are gone, or empty."""
    return rows(
        """
        SELECT month, service_point_id, zone, days_micro, quality, span_days, span_quality, span_opening, span_closing
        FROM (SELECT DISTINCT ON (month, service_point_id, zone) * FROM metering_usagemonth
              ORDER BY month, service_point_id, zone, revision DESC) AS last
        WHERE quality ~ '[^X]' ORDER BY 1, 2, 3
        """
    )


def kept_balances() -> pl.DataFrame:
    """What the items leave as kept last; those that are there no more are left out."""
    return rows(
        """
        SELECT month, account_id, agreement_id, balance, to_date, value_micro
        FROM (SELECT DISTINCT ON (month, account_id, agreement_id, balance) * FROM billing_carriedbalance
              ORDER BY month, account_id, agreement_id, balance, revision DESC) AS last
        WHERE value_micro IS NOT NULL ORDER BY 1, 2, 3, 4
        """
    )


def start_anew(name: str) -> str:
    """A copy of the database with every fact and without anything computed from them."""
    copy = f"{name}_fresh"
    connections["default"].close()
    close_kept_connections()  # nobody may be connected to what is copied
    _administer(f"CREATE DATABASE {copy} TEMPLATE {name}")
    with psycopg.connect(database_address().url(database=copy), autocommit=True) as server:
        tables = server.execute(COMPUTED).fetchall()
        for (table,) in tables:  # the guards are the owner's to take off
            server.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        server.execute("TRUNCATE " + ", ".join(table for (table,) in tables))
        for (table,) in tables:
            server.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    return copy


EVERY_KIND = [
    (2, ("late_reading", 13, 9, 40)), (3, ("odd_reading", 14, 20, -201)), (30, ("residents", 12, 60, 4)),
    (1, ("recalculate_account", 12, 0, 0)), (2, ("correct_reading", 15, 1, -7)), (1, ("recalculate", 0, 0, 0)),
    (5, ("withdraw_reading", 16, 2, 0)), (9, ("residents_for_a_while", 24, 50, 3)), (3, ("bill", 0, 0, 0)),
    (8, ("category", 17, 45, "large_family")), (2, ("move", 18, 70, 19)), (7, ("exchange", 20, 44, 12)),
    (1, ("price", 1, 0, 0)), (2, ("band", 4, 30, "B")), (30, ("settle", 25, 3, 26)), (2, ("settle", 25, 7, 26)),
    (4, ("settle", 31, 5, 30)), (1, ("recalculate", 0, 0, 0)), (40, ("bill", 0, 0, 0)), (50, ("settle", 27, 1, 28)),
    (9, ("settle", 29, 40, 30)),
    (3, ("opening", 31, 4, 55)), (4, ("late_reading", 11, 60, 90)), (5, ("move", 31, 44, 19)),
    (3, ("meter_error", 13, 70, 700)), (2, ("unmetered_use", 14, 60, 90)), (2, ("absence", 12, 50, 2)),
    (1, ("recalculate", 0, 0, 0)), (4, ("meter_error", 25, 40, -1500)), (2, ("unmetered_use", 12, 30, 55)),
    (1, ("absence", 24, 40, 1)), (6, ("withdraw_finding", 0, 1, 0)), (2, ("withdraw_finding", 0, 0, 0)),
    (3, ("condition", 11, 45, "suspended")), (2, ("condition", 11, 30, "")), (1, ("condition", 31, 52, 2)),
    (5, ("odd_reading", 22, 80, 2500)), (4, ("withdraw_reading", 22, 4, 0)), (2, ("price", 2, 0, 0)),
]  # fmt: skip
KINDS = {what for _, (what, *_) in EVERY_KIND}


@pytest.mark.slow
@example(history=EVERY_KIND)
@settings(
    max_examples=HISTORIES,
    deadline=None,
    derandomize="MAINS_HISTORIES" not in os.environ,
    # A history takes seconds: the one that fails is told as it is, not played a hundred times more to shorten it.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(history=histories)
def test_bit_by_bit_equals_at_once(utility: Callable[[int], str], history: list) -> None:
    name = utility(POINTS)
    play = Play()
    play.bill()
    for hours, step in history:
        play.step(hours, *step)
    assert history is not EVERY_KIND or set(play.told) == KINDS, "A step of the full history did nothing."
    while len(play.billed) < 2 or BillRun.objects.filter(month=next_month(play.billed[-1])).exists():
        play.bill_next()  # what was settled in the open month is compared when that is billed
    play.now += timedelta(hours=1)
    recalculate(now=play.now, processes=1)
    for run in BillRun.objects.order_by("facts_as_of"):
        assert_sound(run)
    assert [found for batch in list_batches() for found in replay_batch(batch).differences] == []
    step_by_step = posted(), kept_use(), kept_balances()
    fresh = start_anew(name)
    try:
        _connect_to(fresh)
        for offset, month in enumerate(play.billed, start=1):
            run = plan_run(month=month, now=play.now + timedelta(seconds=offset))
            post_run(run_id=run.pk, now=play.now + timedelta(seconds=offset), processes=1)
        at_once = posted(), kept_use(), kept_balances()
        assert rows("SELECT count(*) AS n FROM billing_billline WHERE service_month < month")["n"][0] == 0
    finally:
        _connect_to(name)
        _administer(f"DROP DATABASE {fresh} WITH (FORCE)")
    assert not step_by_step[2].is_empty()
    for ours, wanted in zip(step_by_step, at_once, strict=True):
        assert_frame_equal(ours, wanted)
