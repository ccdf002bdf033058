"""Turns exact points into the engine's frames, so that both interpreters see the same facts."""

from collections.abc import Callable, Sequence
from datetime import date
from fractions import Fraction

import polars as pl
import pytest

from mains.engine.usage import UsageResult, UsageRules, compute_daily_usage
from mains.engine.usage.exact import Point

Compute = Callable[..., UsageResult]


@pytest.fixture(scope="session")
def compute() -> Compute:
    return compute_columns


def compute_columns(
    points: Sequence[Point],
    *,
    month_from: date,
    month_to: date,
    as_of_date: date = date(2099, 1, 1),
    rules: UsageRules | None = None,
) -> UsageResult:
    """Run the column engine; service points are numbered from 1 in the order given."""
    numbered = list(enumerate(points, start=1))
    shapes = sorted({each.shape for point in points for each in point.installations if each.shape})
    averages = {
        (each.class_average, each.zone)
        for point in points
        for each in point.installations
        if each.class_average is not None
    }
    return compute_daily_usage(
        points=pl.DataFrame(
            [(number, *period) for number, point in numbered for period in point.connected],
            schema={"service_point_id": pl.Int64, "connected_from": pl.Date, "connected_to": pl.Date},
            orient="row",
        ),
        registers=_registers(numbered, shapes),
        readings=_readings(numbered),
        norms=_norms(numbered),
        class_averages=pl.DataFrame(
            [(_class_code(rate), zone, rate.numerator, rate.denominator) for rate, zone in averages],
            schema={"class_code": pl.String, "zone": pl.String, "use_micro": pl.Int64, "days": pl.Int64},
            orient="row",
        ),
        shapes=pl.DataFrame(
            {
                "shape_code": [f"shape {place}" for place in range(len(shapes))],
                "weights": [[*s] for s in shapes],
            },
            schema={"shape_code": pl.String, "weights": pl.List(pl.Int64)},
        ),
        meter_errors=_errors(numbered),
        unmetered=_acts(numbered),
        month_from=month_from,
        month_to=month_to,
        as_of_date=as_of_date,
        rules=rules,
    )


def _errors(numbered: list[tuple[int, Point]]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            (each.register_id, each.valid_from, each.valid_to, each.percent_hundredths)
            for _, point in numbered
            for each in point.errors
        ],
        schema={
            "register_id": pl.Int64,
            "valid_from": pl.Date,
            "valid_to": pl.Date,
            "percent_hundredths": pl.Int32,
        },
        orient="row",
    )


def _acts(numbered: list[tuple[int, Point]]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            (number, each.zone, each.valid_from, each.valid_to, each.amount_micro)
            for number, point in numbered
            for each in point.acts
        ],
        schema={
            "service_point_id": pl.Int64,
            "zone": pl.String,
            "valid_from": pl.Date,
            "valid_to": pl.Date,
            "amount_micro": pl.Int64,
        },
        orient="row",
    )


def _class_code(rate: Fraction | None) -> str | None:
    return None if rate is None else f"class {rate}"


def _registers(numbered: list[tuple[int, Point]], shapes: list[tuple[int, ...]]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            (
                each.register_id,
                number,
                each.zone,
                each.digits,
                int(each.multiplier * 10**6),
                each.installed_from,
                each.installed_to,
                _class_code(each.class_average),
                f"shape {shapes.index(each.shape)}" if each.shape else None,
            )
            for number, point in numbered
            for each in point.installations
        ],
        schema={
            "register_id": pl.Int64,
            "service_point_id": pl.Int64,
            "zone": pl.String,
            "digits": pl.Int16,
            "multiplier_micro": pl.Int64,
            "installed_from": pl.Date,
            "installed_to": pl.Date,
            "class_code": pl.String,
            "shape_code": pl.String,
        },
        orient="row",
    )


def _readings(numbered: list[tuple[int, Point]]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            (
                each.reading_id,
                each.register_id,
                each.reading_date,
                each.value_micro,
                each.priority,
                each.recorded_order,
                each.rollover,
            )
            for _, point in numbered
            for each in point.readings
        ],
        schema={
            "reading_id": pl.Int64,
            "register_id": pl.Int64,
            "reading_date": pl.Date,
            "value_micro": pl.Int64,
            "priority": pl.Int16,
            "recorded_order": pl.Int64,
            "rollover": pl.Boolean,
        },
        orient="row",
    )


def _norms(numbered: list[tuple[int, Point]]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            (number, each.zone, each.valid_from, each.valid_to, each.amount_micro, each.per)
            for number, point in numbered
            for each in point.norms
        ],
        schema={
            "service_point_id": pl.Int64,
            "zone": pl.String,
            "valid_from": pl.Date,
            "valid_to": pl.Date,
            "amount_micro": pl.Int64,
            "per": pl.String,
        },
        orient="row",
    )
