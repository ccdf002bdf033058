"""Interval data: the exact way and the columns agree on every clock, and what does not fit is refused."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mains.engine.case import UnableToReadCase, read_case, run_case
from mains.engine.columns import compile_tariffs
from mains.engine.columns.roots import half_up_root
from mains.engine.exact.interpreter import number
from mains.engine.facts import MICRO
from mains.engine.intervals import (
    History,
    IntervalSeries,
    Measured,
    MeasuredColumns,
    UnableToMeasure,
    measure_columns,
    measure_exact,
)
from mains.engine.intervals.values import MAX_MICRO
from mains.engine.tariff import Tariff, UnableToReadTariff, read_tariff

# Clocks with whole and half hours, changes of one hour and of half an hour, at two o'clock and at midnight.
CLOCKS = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "America/Havana",
    "Africa/Casablanca",
]
FIRST_DAYS = [date(2024, 2, 28), date(2024, 3, 9), date(2024, 3, 30), date(2024, 4, 6), date(2024, 10, 26)]
EXTREMES = [0, 0, 1, -1, 10**6, 250_000, 10**9 * 10**6 // 40, MAX_MICRO - 1, 1 - MAX_MICRO]
SCHEDULES = [
    None,
    {"night": {"hours": "22:00-06:00"}, "day": "rest"},
    {
        "peak": [
            {"days": "mon-fri", "hours": "08:00-12:00, 17:00-21:00", "seasons": "cold"},
            {"days": "weekends", "hours": "18:00-20:00", "months": [3, 4]},
        ],
        "holy": {"days": "holiday", "hours": "00:00-24:00"},
        "rest_": "rest",
    },
]


def parts(zones: list[str]) -> dict[str, object]:
    """Parts of both registers, by zone and by direction."""
    made: dict[str, object] = {
        "taken": {"unit": "kWh", "of": "usage", "only": "taken"},
        "fed_in": {"unit": "kWh", "of": "usage", "only": "fed_in"},
        "copy": {"unit": "kvarh", "of": "reactive"},
        "worth": {"unit": "EUR", "of": "usage", "price": "spot", "price_unit": "EUR/MWh"},
    }
    if zones:
        made["reactive_last"] = {"unit": "kvarh", "of": "reactive", "zone": zones[-1]}
        made["fed_in_all"] = {"unit": "kWh", "of": "usage", "zone": zones, "only": "fed_in"}
        made["worth_last"] = {
            "unit": "EUR", "of": "usage", "zone": zones[-1], "only": "taken",
            "price": "spot", "price_unit": "ct/kWh",
        }  # fmt: skip
    return made


@st.composite
def tariffs(draw) -> dict[str, object]:
    schedule = draw(st.sampled_from(SCHEDULES))
    zones = [zone for zone in schedule or {} if zone != "holy"]
    demand: dict[str, object] = {
        "kw": {"unit": "kW", "per": draw(st.sampled_from(["period", "month"]))},
        "kw_half": {"window": draw(st.sampled_from(["15 min", "30 min", "60 min"]))},
        "kva": {"of": ["usage", "reactive"], "per": draw(st.sampled_from(["period", "month"]))},
        "before": {"highest": "kw", "months": draw(st.integers(1, 4)), "within": [1, 2, 3, 10]},
        "before_kva": {"highest": "kva", "months": 2},
    }
    demand["kw_three"] = {
        "mean_of": draw(st.integers(2, 4)),
        "per": draw(st.sampled_from(["period", "month"])),
    }
    demand["kva_some"] = {
        "of": ["usage", "reactive"],
        "mean_of": 3,
        "each": draw(st.sampled_from(["day", "interval"])),
    }
    demand["before_three"] = {"highest": "kw_three", "months": 2}
    for zone in zones:
        demand[f"kw_three_{zone}"] = {"zone": zone, "mean_of": 3}
        demand[f"kw_{zone}"] = {"zone": zone, "per": "month"}
    document: dict[str, object] = {
        "tariff": "measured",
        "currency": "EUR",
        "unit": "kWh",
        "time_zone": draw(st.sampled_from(CLOCKS)),
        "quantities": {"reactive": "kvarh"} | parts(zones),
        "seasons": {"cold": {"from": "10-01", "to": "03-31"}, "warm": "rest"},
        "holidays": {"as": "holiday", "dates": ["03-31", "2nd sun of mar", {"date": "10-27", "name": "End"}]},
        "demand": demand,
        "components": {"energy": "usage * 1 [EUR/kWh]"},
    }
    return document | ({"time_of_use": schedule} if schedule else {})


@st.composite
def points(draw, clock: str) -> tuple[tuple[IntervalSeries, ...], date, date]:
    first = draw(st.sampled_from(FIRST_DAYS))
    end = first + timedelta(days=draw(st.sampled_from([1, 2, 3, 30])))
    step = draw(st.sampled_from([15, 30, 60]))
    begin = first - timedelta(days=draw(st.sampled_from([0, 0, 1, 62])))
    start = datetime(begin.year, begin.month, begin.day, tzinfo=ZoneInfo(clock)).astimezone(UTC)
    start += timedelta(minutes=draw(st.sampled_from([0, 0, 0, 30, 60])))
    finish = datetime(end.year, end.month, end.day, tzinfo=ZoneInfo(clock)).astimezone(UTC)
    count = (finish - start) // timedelta(minutes=step) + draw(st.sampled_from([0, 0, 1, 30, -1]))
    made = []
    registers = [["usage", "price:spot"], ["usage", "reactive", "price:spot"], ["usage"]]
    for register in draw(st.sampled_from(registers)):
        figures = st.one_of(st.sampled_from(EXTREMES), st.integers(0, 10**8))
        if register == "price:spot":
            figures = st.integers(-(10**9), 10**10)
        some = draw(st.lists(figures, min_size=1, max_size=9))
        values = tuple(some[at * at % 7 % len(some)] for at in range(max(count, 1)))
        made.append(IntervalSeries(register, start, step, values))
    return tuple(made), first, end


def by_columns(
    tariff: Tariff,
    accounts: list[tuple[tuple[IntervalSeries, ...], date, date]],
    history: list[tuple[int, str, date, int]] | None,
) -> MeasuredColumns:
    items = [(at, 100 + at, tariff.code, first, end) for at, (_, first, end) in enumerate(accounts)]
    rows = [
        (100 + at, item.register, item.start_at, item.step_minutes, list(item.micro))
        for at, (series, _, _) in enumerate(accounts)
        for item in series
    ]
    return measure_columns(
        tariffs=compile_tariffs([tariff]),
        items=pl.DataFrame(
            items,
            schema={
                "item_id": pl.Int64,
                "point_id": pl.Int64,
                "tariff": pl.String,
                "period_from": pl.Date,
                "period_to": pl.Date,
            },
            orient="row",
        ),
        intervals=pl.DataFrame(
            rows,
            schema={
                "point_id": pl.Int64,
                "register": pl.String,
                "start_at": pl.Datetime("us", "UTC"),
                "step_minutes": pl.Int64,
                "values_micro": pl.List(pl.Int64),
            },
            orient="row",
        ),
        history=None
        if history is None
        else pl.DataFrame(
            history,
            schema={"point_id": pl.Int64, "demand": pl.String, "month": pl.Date, "value_micro": pl.Int64},
            orient="row",
        ),
    )


def one_account(columns: MeasuredColumns, item: int) -> tuple[dict[str, object], dict[str, object]]:
    use = {
        name: frame.filter(pl.col("item_id") == item)["days_micro"].to_list()
        for name, frame in columns.usage.items()
    }
    values = {
        name: frame.filter(pl.col("item_id") == item).select("valid_from", "valid_to", "value").rows()
        for name, frame in columns.attributes.items()
    }
    return (
        {name: days[0] for name, days in use.items() if days},
        {name: rows for name, rows in values.items() if rows},
    )


def as_columns(measured: Measured) -> tuple[dict[str, object], dict[str, object]]:
    return (
        {
            f"{name.replace('.', '_')}_micro": [stretch.micro for stretch in stretches]
            for name, stretches in measured.use.items()
        },
        {
            f"{name}_micro": [
                (value.valid_from, value.valid_to, int(Fraction(value.value) * MICRO)) for value in values
            ]
            for name, values in measured.attributes.items()
        },
    )


def exactly(
    tariff: Tariff, series: tuple[IntervalSeries, ...], first: date, end: date, history: History
) -> tuple[Measured, str | None]:
    """What the exact way measures, and the code by which it refuses."""
    try:
        made = measure_exact(tariff=tariff, series=series, period_from=first, period_to=end, history=history)
    except UnableToMeasure as error:
        return Measured(), error.code
    return made, None


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(document=tariffs(), data=st.data(), past=st.sampled_from(["unknown", "none", "some"]))
def test_columns_measure_as_the_exact_way_does(document: dict[str, object], data, past: str) -> None:
    tariff = read_tariff(document)
    accounts = data.draw(st.lists(points(tariff.time_zone), min_size=1, max_size=3))
    known = {"kw": {date(2024, 1, 1): 5 * MICRO, date(2024, 2, 1): 0}, "kva": {date(2024, 3, 1): 7}}
    history = {"unknown": None, "none": {}, "some": known}[past]
    rows = None
    if history is not None:
        rows = [
            (100 + at, name, month, micro)
            for at in range(len(accounts))
            for name, months in history.items()
            for month, micro in months.items()
        ]
    columns = by_columns(tariff, accounts, rows)
    refused = dict(columns.refused.select("item_id", "code").iter_rows())
    for at, (series, first, end) in enumerate(accounts):
        exact, code = exactly(tariff, series, first, end, history)
        # Where several things are wrong, either way may tell another one first.
        assert (at in refused) == (code is not None)
        assert one_account(columns, at) == as_columns(exact)


@settings(deadline=None)
@given(st.lists(st.one_of(st.integers(0, 2**124), st.integers(0, 50)), min_size=1, max_size=30))
def test_roots_are_the_nearest_whole_numbers(squares: list[int]) -> None:
    roots = half_up_root(pl.Series(squares, dtype=pl.Int128)).to_list()
    for square, root in zip(squares, roots, strict=True):
        assert (2 * root - 1) ** 2 < 4 * square or root == 0
        assert 4 * square < (2 * root + 1) ** 2


def test_a_whole_day_is_counted_whatever_its_length() -> None:
    tariff = read_tariff(SIMPLE)
    for day, hours in ((date(2024, 3, 31), 23), (date(2024, 10, 27), 25), (date(2024, 2, 29), 24)):
        start = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)
        series = IntervalSeries("usage", start, 60, (MICRO,) * hours)
        measured = measure_exact(
            tariff=tariff, series=[series], period_from=day, period_to=day + timedelta(days=1)
        )
        total = sum(stretch.micro for stretches in measured.use.values() for stretch in stretches)
        assert total == hours * MICRO


SIMPLE = """
tariff: simple
currency: EUR
unit: kWh
time_zone: Europe/Berlin
time_of_use: {night: {hours: "22:00-06:00"}, day: rest}
quantities: {reactive: kvarh}
demand: {kw: {unit: kW, zone: night}, kw_old: {highest: kw, months: 11}}
prices: {rate: 0.3 EUR/kWh, power: 5 EUR/kW}
components: {energy: usage * rate, demand: "max(kw, kw_old) * power"}
"""


def case(facts: str, tariff: str = SIMPLE, files: dict[str, str] | None = None):
    body = "".join(f"  {line}\n" for line in tariff.strip().splitlines())
    text = f"case: made\nkind: derived\nsource: here\ntariff:\n{body}facts:\n{facts}"
    return read_case(text, name="made", open_tariff=lambda name: (files or {})[name])


DAY = "  period: {from: 2024-06-03, to: 2024-06-04}\n"


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        (DAY + "  intervals: {start: 2024-06-03, step: 60 min, values: [23 x 1]}\n", "intervals-missing"),
        (DAY + "  intervals: {start: 2024-06-03, step: 60 min, values: [12 x 1, ~, 11 x 1]}\n", "intervals-missing"),
        (DAY + "  intervals: {start: 2024-06-03, step: 7 min, values: [300 x 1]}\n", "interval-length"),
        (DAY + "  intervals: {start: 2024-06-03, step: 60 min, unit: m3, values: [24 x 1]}\n", "unit-mismatch"),
        (DAY + "  intervals: {start: 2024-06-02T23:30, step: 60 min, values: [26 x 1]}\n", "intervals-misaligned"),
        (DAY + "  intervals: {start: 2024-06-03, step: 60 min, values: [24 x 90000000]}\n", "too-large"),
        (DAY + "  intervals: {start: 2024-06-03, step: 60 min, values: [24 x 0.0000001]}\n", "too-precise"),
        (DAY + "  intervals: {start: 2024-03-31T02:30, step: 60 min, values: [24 x 1]}\n", "date-unknown"),
        (DAY + "  usage: {night: 3}\n  intervals: {start: 2024-06-03, step: 60 min, values: [24 x 1]}\n", "key-twice"),
        (DAY + "  intervals: {of: export, start: 2024-06-03, step: 60 min, values: [24 x 1]}\n", "unknown-name"),
        (DAY + "  usage: 4\n  history: {kwh: {2024-01: 3}}\n", "unknown-name"),
        (DAY + "  usage: 4\n  history: {kw: {January: 3}}\n", "date-unknown"),
    ],
)  # fmt: skip
def test_bad_intervals_are_refused_with_a_remedy(facts: str, code: str) -> None:
    with pytest.raises(UnableToReadCase) as caught:
        case(facts)
    assert caught.value.code == code
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("clause", "code"),
    [
        ('time_of_use: {night: {hours: "22:00-06:00"}, day: {hours: "07:00-22:00"}}', "time-of-use"),
        ('time_of_use: {night: {hours: "22:00-07:00"}, day: {hours: "06:00-22:00"}}', "time-of-use"),
        ('time_of_use: {night: {hours: "22:00-25:00"}, day: rest}', "time-of-use"),
        ("time_of_use: {night: {days: someday}, day: rest}", "time-of-use"),
        ("time_of_use: {night: {days: holiday}, day: rest}", "time-of-use"),
        ("time_of_use: {night: {seasons: warm}, day: rest}", "unknown-name"),
        ("time_zone: Europe/Nowhere", "time-zone-unknown"),
        ("holidays: [5th mon of nothing]", "date-unknown"),
        ('holidays: ["02-30"]', "date-unknown"),
        ("demand: {kw: {unit: kWh}}", "unit-mismatch"),
        ("demand: {kw: {zone: evening}}", "unknown-name"),
        ("demand: {kw: {of: [reactive, usage]}}", "unit-mismatch"),
        ("demand: {kw: {}, kw_old: {highest: kva, months: 11}}", "unknown-name"),
        ("demand: {kw: {}, kw_old: {highest: kw}}", "ratchet"),
        ("demand: {kw: {mean_of: 1}}", "mean-of"),
        ("demand: {kw: {mean_of: 2.5}}", "mean-of"),
        ("demand: {kw: {each: day}}", "missing"),
        ("demand: {reactive: {}}", "name-taken"),
    ],
)  # fmt: skip
def test_bad_clauses_are_refused(clause: str, code: str) -> None:
    key = clause.partition(":")[0]
    lines = [line for line in SIMPLE.strip().splitlines() if not line.startswith(f"{key}:")]
    with pytest.raises(UnableToReadTariff) as caught:
        read_tariff("\n".join([*lines, clause]) + "\n")
    assert code in {problem.code for problem in caught.value.problems}


def test_holidays_of_an_unknown_year_are_refused() -> None:
    tariff = SIMPLE + "holidays: [2023-12-25, 2023-12-26]\n"
    with pytest.raises(UnableToReadCase) as caught:
        case(DAY + "  intervals: {start: 2024-06-03, step: 60 min, values: [24 x 1]}\n", tariff)
    assert caught.value.code == "holidays-missing"


def test_explanation_names_the_interval_and_the_rule() -> None:
    made = case(
        DAY + "  intervals: {start: 2024-06-03, step: 60 min, values: [4 x 1, 7, 19 x 1]}\n  history: {}\n"
    )
    result = run_case(made)
    sources = {step.label: step.source for step in result.protocols[0].explanation.walk()}
    assert "2024-06-03 04:00–05:00 CEST, highest of 8 values of night (22:00-06:00)" in sources["kw"]
    assert "night: 22:00-06:00 (Europe/Berlin)" in sources["usage"]
    demand = next(line for line in result.protocols[0].lines if line.component == "demand")
    assert number(demand.explanation) == 35


def test_services_share_intervals_that_only_one_of_them_reads() -> None:
    power = "".join(f"      {line}\n" for line in SIMPLE.strip().splitlines())
    water = "{tariff: water, currency: EUR, unit: m3, components: {flow: 'usage * 2 [EUR/m3]'}}"
    text = (
        f"case: shared\nservices:\n  - tariff:\n{power}    facts: {{}}\n  - tariff: {water}\n    facts: {{usage: 3}}\n"
        f"facts:\n{DAY}  intervals:\n    - {{start: 2024-06-03, step: 60 min, values: [24 x 1]}}\n"
        "    - {of: export, start: 2024-06-03, step: 60 min, values: [24 x 1]}\n  history: {other: {2024-01: 3}}\n"
    )
    result = run_case(read_case(text, name="shared", open_tariff=lambda name: name))
    assert [protocol.total_minor for protocol in result.protocols] == [720 + 500, 600]


def test_an_unknown_past_is_not_a_demand_of_zero() -> None:
    made = case(DAY + "  intervals: {start: 2024-06-03, step: 60 min, values: [24 x 1]}\n")
    with pytest.raises(Exception, match="kw_old"):
        run_case(made)


def test_files_count_the_hour_that_comes_twice() -> None:
    hours = ["00:00", "01:00", "02:00", "02:00", *(f"{hour:02}:00" for hour in range(3, 24))]
    text = "time;value\n" + "".join(f"2024-10-27 {hour};{at}\n" for at, hour in enumerate(hours))
    facts = (
        "  period: {from: 2024-10-27, to: 2024-10-28}\n  intervals: {file: a.csv, step: 1 h}\n  history: {}\n"
    )
    made = case(facts, files={"a.csv": text})
    assert made.services[0].intervals[0].micro == tuple(at * MICRO for at in range(25))
    skipped = text.replace("2024-10-27 12:00;13\n", "")
    with pytest.raises(UnableToReadCase, match="1 of 25 intervals are missing"):
        case(facts, files={"a.csv": skipped})
    day_before = facts.replace("step: 1 h", "step: 1 h, missing: neighbours")
    assert case(day_before, files={"a.csv": skipped}).services[0].intervals[0].micro[13] == 13 * MICRO
    with pytest.raises(UnableToReadCase, match="does not follow"):
        case(facts, files={"a.csv": text.replace("03:00", "01:00")})


PARTS = """
tariff: parts
currency: EUR
unit: kWh
time_zone: UTC
time_of_use: {night: {hours: "22:00-06:00"}, day: rest}
quantities: {export: kWh, %s}
components: {energy: "usage * 1 [EUR/kWh]"}
"""


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ("x: {unit: kWh, of: exports}", "Did you mean “export”?"),
        ("x: {unit: kvarh, of: export}", "Write unit: kWh."),
        ("x: {unit: kWh, of: export, zone: nigth}", "Did you mean “night”?"),
        ("x: {unit: kWh, of: export, only: fed}", "fed_in"),
        ("x: {unit: kWh, of: x}", "no quantity “x”"),
        ("x: {unit: kWh, of: export}, y: {unit: kWh, of: x}", "itself a part"),
        ("x: {unit: kWh, off: export}", "Did you mean “of”?"),
        ("x: {of: export}", "unit"),
    ],
)
def test_faulty_parts_of_registers_are_refused(part: str, told: str) -> None:
    with pytest.raises(UnableToReadTariff) as caught:
        read_tariff(PARTS % part)
    assert told in f"{caught.value.message} {caught.value.remedy}"


def test_a_part_that_is_given_is_taken_as_it_is() -> None:
    text = """
case: registers by zone
kind: derived
source: here
tariff:
  tariff: parts
  currency: EUR
  unit: kWh
  quantities: {export: kWh, export_night: {unit: kWh, of: export, zone: night}}
  time_zone: UTC
  time_of_use: {night: {hours: "22:00-06:00"}, day: rest}
  components: {sold: "-(export - export_night) * 0.1 [EUR/kWh] - export_night * 0.02 [EUR/kWh]"}
facts: {period: 2024-05, usage: {day: 1, night: 1}, quantities: {export: 100, export_night: 30}}
expect: {total: -7.60}
"""
    assert run_case(read_case(text, name="case", open_tariff=lambda file: file)).mismatches == ()
