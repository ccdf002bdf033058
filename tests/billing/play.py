"""What happens in a random history: facts that become known late, contradict and are taken back, runs in between.

Each step is a method of `Play`, which moves on the time of day. `False` says that a step found nothing to do.
"""

import re
from datetime import UTC, date, datetime, timedelta

import polars as pl
from django.db import connections

from billing.population import HOME, OPENED
from billing.prosumers import publish_id
from billing.test_runs import APRIL, MARCH, MAY
from billing.test_stored_intervals import HOURS
from mains.base.buckets import bucket_column
from mains.base.dated import add_fact, record_fact, withdraw_fact
from mains.base.facts import DatedFact
from mains.billing.actions.conditions import UnableToTellCondition, tell_condition
from mains.billing.actions.openings import UnableToRecordOpening, record_opening_balance
from mains.billing.actions.recalculations import recalculate, recalculate_account
from mains.billing.actions.runs import plan_run, post_run
from mains.billing.actions.settlements import MoveOrder, UnableToSettle, settle
from mains.billing.models import BillException, BillRun
from mains.billing.values import ExceptionCode
from mains.customers.actions.moves import UnableToMove
from mains.customers.models import Agreement
from mains.customers.queries.records import find_account
from mains.kernel.period import next_month
from mains.metering.actions.interval_files import import_intervals
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

_ASKS = re.compile(r"what was left of (?P<balance>\w+) before (?P<day>[\d-]+)")
MONTHS = (MARCH, APRIL, MAY)
BEGIN = datetime(2021, 4, 2, tzinfo=UTC)

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

BY_HOURS = 8
"""A point whose tariff reads hours and a demand with a ratchet; each month's hours come before its bill."""


class Play:
    """One history on the connected database; the time of day moves on with every step."""

    homes = HOME
    """The tariff of the homes, whose prices change."""

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
        self._agree(BY_HOURS, OPENED, tariff_id=publish_id(HOURS))
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
        # A run counts later facts than the one before it, if only by an instant.
        self.now = max(self.now + timedelta(minutes=1), datetime(2021, month.month + 1, 4, tzinfo=UTC))
        self._send_hours(BY_HOURS, month, next_month(month), size=3)
        run = plan_run(month=month, now=self.now, accounts_per_slice=25)
        post_run(run_id=run.pk, now=self.now, processes=1)
        self.billed.append(month)

    def follow_remedies(self) -> None:
        """Record what exceptions ask for: opening balances that nobody has told of."""
        for _ in range(3):
            asked = self._openings_asked()
            if not asked:
                return
            for number, (account, point, balance, month) in enumerate(sorted(asked)):
                self.now += timedelta(minutes=1)
                record_opening_balance(
                    account_id=account, service_point_id=point, balance=balance, month=month,
                    value_micro=number * 17_000_000, actor=None, now=self.now, proof="statement",
                )  # fmt: skip
            self.now += timedelta(minutes=1)
            recalculate(now=self.now, processes=1)
        raise AssertionError("Accounts are blocked for ever.")

    def _openings_asked(self) -> set[tuple[int, int, str, date]]:
        last = BillRun.objects.filter(account=None).latest("facts_as_of")
        found = BillException.objects.filter(run=last, code=ExceptionCode.OPENING_MISSING)
        told = [(each.account_id, each.service_point_id, _ASKS.search(each.message)) for each in found]
        return {
            (account, point, words["balance"], date.fromisoformat(words["day"]).replace(day=1))
            for account, point, words in told
            if account and point and words
        }

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

    def intervals(self, point: int, back: int, size: int) -> bool | None:
        """Up to nine days of hours of the meter that hangs there, some of them missing."""
        first = self.now.date() - timedelta(days=back)
        return self._send_hours(point, first, min(first + timedelta(days=9), self.now.date()), size=size)

    def _send_hours(self, point: int, first: date, end: date, *, size: int) -> bool | None:
        hung = Installation.objects.filter(
            service_point_id=point, superseded_at=None, valid__contains=first
        ).first()
        if hung is None:
            return False
        lines = ["meter,model,start,length,value"]
        for day in range((end - first).days):
            for hour in range(24):
                if (day * 24 + hour * size) % 17 or size < 5:
                    start = f"{first + timedelta(days=day)}T{hour:02}:00+03:00"
                    value = f"{(hour * 7 + day + size) % 11}.{size}"
                    lines.append(f"{hung.meter.serial},{hung.meter.model},{start},60 min,{value}")
        done = import_intervals(
            content="\n".join(lines).encode(),
            file_name="hours.csv",
            clock="Europe/Simferopol",
            actor=None,
            now=self.now,
        )
        return None if done.is_stored and done.days else False

    def demand(self, point: int, months_back: int, kilowatts: int) -> bool | None:
        """What a former system measured of March, or of a month before it, whether or not there are hours of that."""
        month = MARCH
        for _number in range(months_back):
            month = (month - timedelta(days=1)).replace(day=1)
        try:
            tell_condition(
                service_point_id=point,
                name="kw",
                text=str(kilowatts),
                valid_from=month,
                valid_to=next_month(month),
                proof=f"former system, {kilowatts}",
                actor=None,
                now=self.now,
            )
        except UnableToTellCondition:
            return False  # somebody pays for the point by another tariff now
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

    def residents_in_between(self, point: int, back: int, count: int) -> bool | None:
        """What one account's recalculation counts is taken back before the next run for all."""
        before = PremiseState.objects.filter(premise_id=point, superseded_at=None).order_by("valid").last()
        if before is None or self.residents(point, back, count) is False:
            return False
        self.now += timedelta(minutes=1)
        if self.billed:
            recalculate_account(account_id=point, now=self.now)
        self.now += timedelta(minutes=1)
        return self.residents(point, back, before.residents)

    def reading_in_between(self, point: int, back: int, by: int) -> bool | None:
        """A reading that may contradict others counts for one account's recalculation and is withdrawn after it."""
        register = self._register(point)
        if self.odd_reading(point, back, by) is False or register is None:
            return False
        self.now += timedelta(minutes=1)
        if self.billed:
            recalculate_account(account_id=point, now=self.now)
        self.now += timedelta(minutes=1)
        self._end(Reading.objects.filter(register=register).latest("pk"))
        return None

    def residents_for_a_while(self, point: int, back: int, count: int) -> bool | None:
        return self.residents(point, back, count, until=self.now.date() - timedelta(days=back // 2))

    def category(self, point: int, back: int, category: str) -> None:
        self._agree(point, self.now.date() - timedelta(days=back), category=category)

    def move(self, point: int, back: int, account: int) -> bool | None:
        return self._agree(point, self.now.date() - timedelta(days=back), account_id=account)

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
        publish_tariff(document=self.homes.replace(*changed[variant]), now=self.now)

    def band(self, node: int, back: int, band: str) -> None:
        record_fact(
            model=NodeState,
            subject={"node_id": node},
            values={"band": band, "supply_hours_day": 20 if band == "A" else 16},
            valid_from=self.now.date() - timedelta(days=back),
            actor=None,
            now=self.now,
        )
