"""Months to come follow the season: the point's own, else its class's; worked by hand."""

from datetime import date

import polars as pl
import pytest

from mains.engine.usage.seasons import (
    HISTORY,
    SHAPE,
    forecast_month,
    history_months,
    month_before,
    put_forecast,
    same_month_before,
    shape_of_classes,
)

PRESENT = date(2021, 6, 1)
JANUARY = date(2022, 1, 1)
KWH = 1_000_000
FLAT = "electricity flat"


def history(*rows: tuple[date, int, int], class_code: str = FLAT) -> pl.DataFrame:
    """Rows of month, service point and kWh."""
    return pl.DataFrame(
        [(month, point, 0, class_code, kwh * KWH) for month, point, kwh in rows], schema=HISTORY, orient="row"
    )


def forecast(
    month: date, *rows: tuple[date, int, int], shape: pl.DataFrame | None = None
) -> dict[int, float]:
    found = forecast_month(
        month=month,
        present=PRESENT,
        history=history(*rows),
        shape=pl.DataFrame(schema=SHAPE) if shape is None else shape,
    )
    return {row["service_point_id"]: row["total_micro"] / KWH for row in found.iter_rows(named=True)}


@pytest.mark.parametrize(
    ("month", "before"),
    [
        (date(2021, 7, 1), date(2020, 7, 1)),
        (date(2022, 5, 1), date(2021, 5, 1)),
        (date(2022, 6, 1), date(2020, 6, 1)),  # June 2021 is not over yet
        (date(2023, 1, 1), date(2021, 1, 1)),
    ],
)
def test_the_latest_such_month_that_is_over_counts(month: date, before: date) -> None:
    assert same_month_before(month, present=PRESENT) == before


def test_the_same_month_of_the_year_before_in_the_proportion_of_the_last_months() -> None:
    """January 2021: 310 kWh. March to May: 300 now, 200 a year before. So January 2022: 310 × 300 / 200 = 465."""
    rows = [(date(2021, 1, 1), 1, 310)]
    rows += [(date(2021, month, 1), 1, 100) for month in (3, 4, 5)]
    rows += [(date(2020, 3, 1), 1, 50), (date(2020, 4, 1), 1, 70), (date(2020, 5, 1), 1, 80)]
    assert forecast(JANUARY, *rows) == {1: 465}


def test_only_months_known_in_both_years_tell_the_proportion() -> None:
    """April is known this year only: 310 × (100 + 120) / (50 + 60)."""
    rows = [(date(2021, 1, 1), 1, 310), (date(2021, 3, 1), 1, 100), (date(2021, 4, 1), 1, 900)]
    rows += [(date(2021, 5, 1), 1, 120), (date(2020, 3, 1), 1, 50), (date(2020, 5, 1), 1, 60)]
    assert forecast(JANUARY, *rows) == {1: 620}


def test_without_a_proportion_the_year_before_stands_as_it_is() -> None:
    assert forecast(JANUARY, (date(2021, 1, 1), 1, 310)) == {1: 310}
    nothing_then = [(date(2021, 1, 1), 1, 310), (date(2021, 5, 1), 1, 80), (date(2020, 5, 1), 1, 0)]
    assert forecast(JANUARY, *nothing_then) == {1: 310}


def test_february_follows_its_days() -> None:
    """28 days in 2023 of 290 kWh in the 29 days of 2024."""
    found = forecast_month(
        month=date(2025, 2, 1),
        present=date(2024, 6, 1),
        history=history((date(2024, 2, 1), 1, 290)),
        shape=pl.DataFrame(schema=SHAPE),
    )
    assert found["total_micro"].to_list() == [280 * KWH]


def test_a_point_without_that_month_follows_its_class() -> None:
    """The class uses 12 kWh a day in January and 6 a day in March to May; the point 3 a day now: 6 a day in January."""
    days = {1: 31, 3: 31, 4: 30, 5: 31}
    shape = pl.DataFrame(
        [
            (FLAT, 0, month, (12 if month == 1 else 6) * count * KWH * 10, count * 10)
            for month, count in days.items()
        ],
        schema=SHAPE,
        orient="row",
    )
    rows = [(date(2021, month, 1), 2, 3 * days[month]) for month in (3, 4, 5)]
    assert forecast(JANUARY, *rows, shape=shape) == {2: 6 * 31}
    only_may = [(date(2021, 5, 1), 2, 3 * 31)]
    assert forecast(JANUARY, *only_may, shape=shape) == {2: 6 * 31}
    unknown_month = forecast(date(2021, 8, 1), *rows, shape=shape)
    assert unknown_month == {}, "the average remains"


def test_the_shape_sums_what_the_points_of_a_class_used() -> None:
    rows = [(date(2021, 1, 1), 1, 310), (date(2021, 1, 1), 2, 62), (date(2021, 2, 1), 1, 56)]
    shape = shape_of_classes(
        pl.concat([history(*rows), history((date(2021, 1, 1), 9, 1), class_code="other")])
    )
    assert shape.rows() == [
        (FLAT, 0, 1, 372 * KWH, 62),
        (FLAT, 0, 2, 56 * KWH, 28),
        ("other", 0, 1, 1 * KWH, 31),
    ]


def test_the_months_that_are_asked_for() -> None:
    assert history_months(months=[JANUARY], present=PRESENT) == [
        *(date(2020, month, 1) for month in (3, 4, 5)),
        *(date(2021, month, 1) for month in (1, 3, 4, 5)),
    ]
    assert month_before(date(2021, 2, 1), 14) == date(2019, 12, 1)


def test_days_sum_to_the_forecast_and_measured_ones_stay() -> None:
    usage = pl.DataFrame(
        {
            "service_point_id": [1, 2, 3],
            "zone": [0, 0, 0],
            "days_micro": [[9] * 31, [7] * 31, [5] * 31],
            "quality": ["F" * 31, "X" * 10 + "F" * 21, "N" * 31],
        },
        schema_overrides={"zone": pl.Int16},
    )
    totals = pl.DataFrame(
        {"service_point_id": [1, 2], "zone": [0, 0], "total_micro": [100, 310]},
        schema_overrides={"zone": pl.Int16},
    )
    found = {
        row["service_point_id"]: row["days_micro"]
        for row in put_forecast(usage, totals).iter_rows(named=True)
    }
    assert sum(found[1]) == 100
    assert set(found[1]) == {3, 4}
    assert found[2] == [7] * 10 + [10] * 21
    assert found[3] == [5] * 31
