"""Months computed by the year are those computed one by one."""

import random
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from mains.metering.actions.usage import months as module
from mains.metering.actions.usage.facts import UsageFacts
from mains.metering.queries.findings import METER_ERRORS, UNMETERED, Findings

AS_OF = datetime(2022, 1, 10, tzinfo=UTC)
MONTHS = pl.date_range(date(2019, 1, 1), date(2021, 12, 1), "1mo", eager=True).to_list()


def random_facts(seed: int) -> UsageFacts:
    """Points of any connection, with zones, exchanges, gaps, first readings that come late, and no meter at all."""
    chance = random.Random(seed)
    points, registers, readings = [], [], []
    for point in range(1, 31):
        connected = date(2018, 6, 1) + timedelta(days=chance.randrange(700))
        ends = connected + timedelta(days=chance.randrange(100, 1200)) if chance.random() < 0.2 else None
        points.append((point, connected, ends, "home"))
        start = connected
        for meter in range(chance.choice([0, 1, 1, 2])):
            stop = start + timedelta(days=chance.randrange(60, 500)) if chance.random() < 0.5 else None
            for zone in chance.choice([[0], [1, 2]]):
                register = len(registers) + 1
                klass = "home" if chance.random() < 0.7 else None
                registers.append((register, point, zone, 5, 1_000_000, start, stop, klass))
                day, value = start - timedelta(days=chance.choice([1, 1, -40])), chance.randrange(1000)
                while day < date(2022, 1, 5) and (stop is None or day < stop):
                    readings.append(
                        (len(readings) + 1, register, day, value * 1_000_000, 20, len(readings), True, False)
                    )
                    day, value = day + timedelta(days=chance.randrange(1, 120)), value + chance.randrange(300)
            if stop is None or meter == 1:
                break
            start = stop - timedelta(days=chance.choice([0, 1]))
    return UsageFacts(
        points=pl.DataFrame(
            points,
            schema={
                "service_point_id": pl.Int64, "connected_from": pl.Date, "connected_to": pl.Date,
                "class_code": pl.String,
            },
            orient="row",
        ),
        registers=pl.DataFrame(
            registers,
            schema={
                "register_id": pl.Int64, "service_point_id": pl.Int64, "zone": pl.Int16, "digits": pl.Int16,
                "multiplier_micro": pl.Int64, "installed_from": pl.Date, "installed_to": pl.Date,
                "class_code": pl.String,
            },
            orient="row",
        ),
        readings=pl.DataFrame(
            readings,
            schema={
                "reading_id": pl.Int64, "register_id": pl.Int64, "reading_date": pl.Date, "value_micro": pl.Int64,
                "priority": pl.Int16, "recorded_order": pl.Int64, "is_believed": pl.Boolean, "is_changed": pl.Boolean,
            },
            orient="row",
        ),
        findings=findings(chance, registers),
    )  # fmt: skip


def findings(chance: random.Random, registers: list[tuple]) -> Findings:
    """An error of every third register over some weeks, and an act at every fifth one's point over a turn of year."""
    errors, acts = [], []
    for register, point, zone, _digits, _multiplier, start, *_ in registers:
        if register % 3 == 0:
            since = start + timedelta(days=chance.randrange(1, 90))
            errors.append((register, since, since + timedelta(days=45), chance.choice([-1250, 700])))
        if register % 5 == 0:
            acts.append((point, zone, date(2020, 12, 11), date(2021, 2, 3), 77_000_003))
    return Findings(
        errors=pl.DataFrame(errors, schema=METER_ERRORS, orient="row"),
        acts=pl.DataFrame(acts, schema=UNMETERED, orient="row"),
    )


@pytest.mark.parametrize("seed", range(4))
def test_years_cut_into_months_are_the_months(seed, monkeypatch):
    facts = random_facts(seed)
    averages = pl.DataFrame(
        [
            (month, "home", zone, 5_000_000 + index, 2)
            for index, month in enumerate(MONTHS)
            for zone in (0, 1, 2)
        ],
        schema={
            "month": pl.Date,
            "class_code": pl.String,
            "zone": pl.Int16,
            "use_micro": pl.Int64,
            "days": pl.Int64,
        },
        orient="row",
    )
    by_year = module.compute_months(facts, months=MONTHS, as_of=AS_OF, averages=averages)
    monkeypatch.setattr(module, "_POINTS_MAX", 0)
    by_month = module.compute_months(facts, months=MONTHS, as_of=AS_OF, averages=averages)
    key = ["month", "service_point_id", "zone"]
    assert {"M", "A", "F", "C", "X"} <= set("".join(by_month["quality"]))
    assert_frame_equal(by_year.sort(key), by_month.sort(key))
