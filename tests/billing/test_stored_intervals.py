"""Points measured by intervals: imported, billed by hours and demands, explained, replayed, recalculated."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest

from billing.prosumers import PLAIN, add_account, publish_id
from billing.test_carried_balances import bill_until, charged, differences
from billing.test_runs import assert_sound, rows
from mains.billing.actions.recalculations import preview_account, recalculate, recalculate_account
from mains.billing.actions.whatif import compute_whatif, plan_whatif
from mains.billing.models import BillException, BillRun
from mains.billing.queries.explain import explain_bill
from mains.customers.models import Account
from mains.engine.exact.explanation import Step
from mains.metering.actions.interval_files import IntervalFile, import_intervals
from mains.metering.models import IntervalDay
from mains.staff.values import EVERYTHING
from mains.tariffs.actions.hourly_prices import PriceFile, import_hourly_prices
from mains.tariffs.models import HourlyPrices

MARCH, APRIL, MAY = (date(2021, month, 1) for month in (3, 4, 5))
FACTORY, SILENT, PLAINLY = 7001, 7003, 7004
NOON = datetime.fromisoformat("2021-03-17T12:00")
"""By the clock of the tariff, a Wednesday."""
CLOCK = "Europe/Simferopol"

HOURS = """
tariff: hours
service: electricity
currency: RUB
unit: kWh
time_zone: Europe/Simferopol
time_of_use:
  peak: {days: mon-fri, hours: "10:00-14:00"}
  rest: rest
quantities: {reactive: kvarh}
demand:
  kw: {unit: kW}
  kva: {of: [usage, reactive]}
  kw_before: {highest: kw, months: 2}
versions:
  - valid_from: 2020-01-01
    prices: {peak: 9.00 RUB/kWh, rest: 3.00 RUB/kWh, power: 100.00 RUB/kW}
    components:
      - {name: peak, formula: usage.peak * prices.peak}
      - {name: rest, formula: usage.rest * prices.rest}
      - {name: power, formula: "max(kw, 80 % * kw_before) * prices.power"}
"""


def hourly(
    first: date, end: date, *, high: dict[datetime, str] | None = None, skip: tuple[str, ...] = ()
) -> list[str]:
    """Hours by the clock, 1 kWh each but those named."""
    lines = []
    at = datetime.fromisoformat(first.isoformat())
    while at.date() < end:
        text = at.isoformat(timespec="minutes")
        if text not in skip:
            lines.append(f"{text}+03:00,60 min,{(high or {}).get(at, '1')},kWh")
        at += timedelta(hours=1)
    return lines


def send(
    point: int, lines: list[str], *, now: datetime, quantity: str = "usage", clock: str = CLOCK
) -> IntervalFile:
    content = "\n".join(
        ["meter,quantity,start,length,value,unit", *(f"P{point},{quantity},{line}" for line in lines)]
    )
    done = import_intervals(content=content.encode(), file_name="hours.csv", clock=clock, actor=None, now=now)
    assert done.is_stored, done.faults
    return done


def at(month: int, day: int, hour: int = 6) -> datetime:
    return datetime(2021, month, day, hour, tzinfo=UTC)


def leaves(step: Step) -> list[Step]:
    return [each for each in step.walk() if not each.children]


@pytest.fixture
def factory(utility: object) -> int:
    utility()  # type: ignore[operator]
    publish_id(HOURS)
    add_account(FACTORY, tariff=HOURS, months=[], first_month=MARCH, zones=(0,))
    return FACTORY


def test_a_month_is_billed_by_its_hours_and_its_highest_demand(factory: int) -> None:
    noon = NOON
    send(factory, hourly(MARCH, APRIL, high={noon: "50"}), now=at(4, 2))
    bill_until(MARCH)
    # 744 hours, 23 working days with 4 hours of peak; 49 kWh more in one of them.
    peak, rest = 23 * 4 + 49, 744 - 23 * 4
    assert charged(factory) == {MARCH: peak * 900 + rest * 300 + 50 * 10_000}
    assert differences() == []
    assert_sound(BillRun.objects.latest("pk"))

    bill_id = rows(f"SELECT id FROM billing_bill WHERE account_id = {factory}").item()
    explained = {line.title: line for line in explain_bill(month=MARCH, bill_id=bill_id).lines}
    of_peak = [step for step in leaves(explained["peak"].tree) if "12:00–13:00" in step.label]
    row = IntervalDay.objects.get(service_point_id=factory, day=noon.date())
    assert len(of_peak) == 23
    assert [step.value for step in of_peak if step.label.startswith("2021-03-17")] == [Fraction(50)]
    assert f"interval {row.id}.13, P{factory}, hours.csv, line" in of_peak[12].source
    power = next(step for step in explained["power"].tree.walk() if step.label == "kw")
    assert power.value == 50
    assert "2021-03-17 12:00–13:00 MSK, highest of 744 values" in power.source
    assert f"{row.id}.13" in power.source

    days = rows(
        f"SELECT quality, total_micro FROM metering_usagemonth WHERE service_point_id = {factory} AND zone = 0"
    ).row(0)
    assert days == ("I" * 31, (744 + 49) * 10**6)


def test_late_intervals_and_corrected_ones_are_recalculated_with_the_ratchets_that_follow(
    factory: int,
) -> None:
    account = Account.objects.get(pk=factory)
    send(factory, hourly(MARCH, APRIL), now=at(4, 2))
    bill_until(MARCH)
    send(factory, hourly(APRIL, MAY), now=at(5, 2))
    bill_until(APRIL, first=APRIL)
    before = charged(factory)
    assert before[APRIL] == 22 * 4 * 900 + (720 - 88) * 300 + 10_000
    # An hour of March was 21 kWh: 20 kWh more, and a demand that holds April up.
    noon = NOON
    done = send(factory, hourly(date(2021, 3, 17), date(2021, 3, 18), high={noon: "21"}), now=at(5, 10))
    assert (done.days, done.corrected) == (1, 1)
    seen = preview_account(account_id=account.pk, now=at(5, 11))
    recalculate_account(account_id=account.pk, now=at(5, 11))
    after = charged(factory)
    assert after[MARCH] - before[MARCH] == 20 * 900 + 20 * 10_000
    assert after[APRIL] - before[APRIL] == 1680 * 100 - 10_000
    assert seen.amount_minor == sum(after.values()) - sum(before.values())
    assert {cause.kind for causes in seen.causes.values() for cause in causes} == {"intervals"}
    assert differences() == []
    # The same again says nothing new.
    again = send(factory, hourly(date(2021, 3, 17), date(2021, 3, 18), high={noon: "21"}), now=at(5, 12))
    assert (again.days, again.known) == (0, 24)
    assert recalculate(now=at(5, 13), processes=1) is None or charged(factory) == after


def test_missing_hours_are_those_of_the_week_before_until_they_come(factory: int) -> None:
    noon, week = NOON, timedelta(weeks=1)
    lines = hourly(MARCH, APRIL, high={noon: "50"}, skip=((noon + week).isoformat(timespec="minutes"),))
    assert send(factory, lines, now=at(4, 2)).gaps == 1
    bill_until(MARCH)
    estimated = (23 * 4 + 49 + 49) * 900 + (744 - 92) * 300 + 500_000
    assert charged(factory) == {MARCH: estimated}
    quality = rows(
        f"SELECT quality FROM metering_usagemonth WHERE service_point_id = {factory} AND zone = 0"
    ).item()
    assert quality == "I" * 23 + "E" + "I" * 7
    bill_id = rows(f"SELECT id FROM billing_bill WHERE account_id = {factory}").item()
    (peak,) = [line for line in explain_bill(month=MARCH, bill_id=bill_id).lines if line.title == "peak"]
    (taken,) = [step for step in leaves(peak.tree) if "2021-03-24 12:00" in step.label]
    assert taken.value == 50
    assert taken.source.startswith("missing, estimated by 2021-03-17 12:00: interval ")
    send(factory, [f"{(noon + week).isoformat()}+03:00,60 min,2,kWh"], now=at(4, 10))
    recalculate_account(account_id=factory, now=at(4, 11))
    assert charged(factory)[MARCH] == estimated - 48 * 900
    assert differences() == []


def test_a_point_without_intervals_is_an_exception_and_never_nought(factory: int) -> None:
    add_account(SILENT, tariff=HOURS, months=[(100,)], first_month=MARCH, zones=(0,))
    send(factory, hourly(date(2021, 3, 3), date(2021, 3, 20)), now=at(4, 2))
    bill_until(MARCH)
    assert charged(SILENT) == {}
    assert charged(factory) == {}
    found = {row.account_id: row for row in BillException.objects.filter(blocking=True)}
    assert found[SILENT].code == found[factory].code == "intervals-missing"
    assert f"service point {SILENT} has none from 2021-03-01" in found[SILENT].message
    assert "the first is 2021-03-01 00:00" in found[factory].message
    assert "mains reading import-intervals" in found[factory].message
    # The next run catches the month up.
    send(factory, hourly(MARCH, date(2021, 3, 3)) + hourly(date(2021, 3, 20), MAY), now=at(5, 2))
    bill_until(APRIL, first=APRIL)
    assert sorted(charged(factory)) == [MARCH, APRIL]
    assert differences() == []


def test_daily_use_of_any_tariff_follows_the_intervals(factory: int) -> None:
    add_account(PLAINLY, tariff=PLAIN, months=[(310,)], first_month=MARCH, zones=(0,))
    send(PLAINLY, hourly(date(2021, 3, 10), date(2021, 3, 12)), now=at(3, 20))
    send(factory, hourly(MARCH, APRIL), now=at(4, 2))
    bill_until(MARCH)
    assert charged(PLAINLY) == {MARCH: (29 * 10 + 2 * 24) * 400}
    bill_id = rows(f"SELECT id FROM billing_bill WHERE account_id = {PLAINLY}").item()
    (line,) = explain_bill(month=MARCH, bill_id=bill_id).lines
    told = [step for step in line.tree.walk() if step.label.startswith("Measured by intervals")]
    assert [step.value for step in told] == [24, 24]
    assert len(told[0].children) == 24
    assert differences() == []


SPOT = """
tariff: spot
service: electricity
currency: RUB
unit: kWh
time_zone: Europe/Simferopol
quantities:
  market: {unit: RUB, of: usage, price: day_ahead, price_unit: RUB/MWh}
versions:
  - valid_from: 2020-01-01
    prices: {margin: 0.50 RUB/kWh}
    components:
      - {name: energy, formula: market}
      - {name: margin, formula: usage * prices.margin}
"""


def price(first: date, end: date, *, high: str = "2000", now: datetime) -> PriceFile:
    """2,000 roubles a MWh, and another price at noon."""
    lines = ["start,price"]
    at = datetime.fromisoformat(first.isoformat())
    while at.date() < end:
        lines.append(f"{at.isoformat()},{high if at.hour == 12 else '2000'}")
        at += timedelta(hours=1)
    return import_hourly_prices(
        content="\n".join(lines).encode(), file_name="prices.csv", series="day_ahead", unit="RUB/MWh",
        clock=CLOCK, actor=None, now=now,
    )  # fmt: skip


def test_use_is_priced_hour_by_hour_and_again_when_prices_are_corrected(factory: int) -> None:
    add_account(SILENT, tariff=SPOT, months=[], first_month=MARCH, zones=(0,))
    send(SILENT, hourly(MARCH, APRIL, high={NOON: "50"}), now=at(4, 2))
    send(factory, hourly(MARCH, APRIL), now=at(4, 2))
    bill_until(MARCH)
    (found,) = BillException.objects.filter(blocking=True)
    assert (found.account_id, found.code) == (SILENT, "prices-missing")
    assert "744 prices of the series day_ahead are missing" in found.message

    assert price(MARCH, MAY, now=at(4, 30)).days == 61
    send(SILENT, hourly(APRIL, MAY), now=at(5, 2))
    send(factory, hourly(APRIL, MAY), now=at(5, 2))
    bill_until(APRIL, first=APRIL)
    march, april = 793 * (200 + 50), 720 * (200 + 50)
    assert charged(SILENT) == {MARCH: march, APRIL: april}

    # Noon of March cost 5,000: 3 roubles more for each of 30 kWh, and for 50 kWh on the 17th.
    done = price(MARCH, APRIL, high="5000", now=at(5, 10))
    assert (done.days, done.corrected) == (31, 31)
    assert price(MARCH, APRIL, high="5000", now=at(5, 10)).days == 0
    seen = preview_account(account_id=SILENT, now=at(5, 11))
    assert {cause.kind for causes in seen.causes.values() for cause in causes} == {"hourly_prices"}
    before = charged(factory)
    recalculate(now=at(5, 12), processes=1)
    assert charged(SILENT) == {MARCH: march + 80 * 300, APRIL: april}
    assert charged(factory) == before
    assert differences() == []

    bill_id = rows(
        f"SELECT id FROM billing_bill WHERE account_id = {SILENT} ORDER BY recorded_at DESC LIMIT 1"
    ).item()
    (line,) = explain_bill(month=MAY, bill_id=bill_id).lines
    (noon,) = [step for step in leaves(line.tree) if step.label.startswith("2021-03-17 12:00")]
    assert (noon.value, noon.unit, noon.formula) == (250, "RUB", "50 kWh × 5000 RUB/MWh")
    assert "day_ahead" in noon.source


def test_a_what_if_takes_stored_intervals_and_tells_who_has_none(factory: int) -> None:
    send(factory, hourly(MARCH, APRIL, high={NOON: "50"}), now=at(4, 2))
    bill_until(MARCH)
    now = at(4, 5)
    draft = HOURS.replace("peak: 9.00 RUB/kWh", "peak: 10.00 RUB/kWh")
    planned = plan_whatif(
        documents=[("draft.yaml", draft)], month_from=MARCH, month_to=MARCH, scope=EVERYTHING, now=now
    )
    result = compute_whatif(whatif_id=planned.pk, now=now).result
    assert result["after_minor"] - result["before_minor"] == (23 * 4 + 49) * 100
    assert result["refused"] == []


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (["2021-03-01T00:00,abc"], "price-invalid"),
        (["2021-03-01T00:00,0.0000001"], "price-invalid"),
        (["2021-03-32T00:00,1"], "time-invalid"),
        (["2021-03-01T00:00,1", "2021-02-28T21:00Z,2"], "price-twice"),
        (["2021-03-01T00:00,1"], "price-count"),
    ],
)
def test_a_faulty_file_of_prices_is_kept_out(db: None, lines: list[str], code: str) -> None:
    done = import_hourly_prices(
        content="\n".join(["start,price", *lines]).encode(), file_name="prices.csv", series="day_ahead",
        unit="RUB/MWh", clock=CLOCK, actor=None, now=at(4, 2),
    )  # fmt: skip
    assert code in [fault.code for fault in done.faults]
    assert not HourlyPrices.objects.exists()
