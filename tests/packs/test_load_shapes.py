"""The load shapes are whole, sum exactly, and look like the seasons they come from."""

from datetime import date

import polars as pl
import pytest

from mains.engine.usage import compute_daily_usage
from mains.packs.shapes import (
    daily_temperatures,
    daily_weights,
    hour_shares,
    list_meters,
    weekday_weights,
    zone_shares,
)


def test_every_shape_sums_to_its_whole() -> None:
    weights = daily_weights()
    assert weights["shape_code"].to_list() == list_meters()["shape_code"].to_list()
    assert weights["weights"].list.len().to_list() == [366] * 8
    assert weights["weights"].list.sum().to_list() == [1_000_000] * 8
    assert weights["weights"].list.min().min() > 0
    assert hour_shares()["shares"].list.sum().to_list() == [10_000] * 96
    assert weekday_weights()["weights"].list.sum().to_list() == [70_000] * 8


def test_gas_follows_the_cold_and_temperature_the_sun() -> None:
    weights = dict(daily_weights().iter_rows())
    for gas in ("il_gas_heating", "uk_gas_heating"):
        assert sum(weights[gas][:31]) > 4 * sum(weights[gas][182:213])  # January against July
    for place, celsius in daily_temperatures().iter_rows():
        assert sum(celsius[182:213]) / 31 > sum(celsius[:31]) / 31 + 1_000, place


def test_zones_take_every_hour_once() -> None:
    split = zone_shares(zones={"day": range(7, 23), "night": [23, *range(7)]})
    assert (split["day"] + split["night"]).to_list() == [10_000] * 96
    uk = split.filter(pl.col("shape_code") == "uk_electricity_small")
    assert uk["day"].min() > 10_000 * 16 / 24  # more by day than an even use would have
    with pytest.raises(ValueError, match="each of the hours"):
        zone_shares(zones={"day": range(7, 23), "night": range(7)})


def test_the_usage_engine_takes_the_shapes() -> None:
    day = pl.lit(date(2026, 1, 1))
    result = compute_daily_usage(
        points=pl.DataFrame({"service_point_id": [1]}).with_columns(
            connected_from=day, connected_to=pl.lit(None, dtype=pl.Date)
        ),
        registers=pl.DataFrame(
            {
                "register_id": [1],
                "service_point_id": [1],
                "zone": [0],
                "digits": [5],
                "multiplier_micro": [10**6],
            }
        ).with_columns(
            installed_from=day, installed_to=pl.lit(None, dtype=pl.Date), shape_code=pl.lit("uk_gas_heating")
        ),
        readings=pl.DataFrame(
            {
                "reading_id": [1, 2],
                "register_id": [1, 1],
                "reading_date": [date(2025, 12, 31), date(2026, 12, 31)],
                "value_micro": [0, 365_000_000],
                "priority": [1, 1],
                "recorded_order": [1, 2],
            }
        ),
        shapes=daily_weights(),
        month_from=date(2026, 1, 1),
        month_to=date(2027, 1, 1),
        as_of_date=date(2027, 1, 1),
        total_zone=0,
    )
    days = result.usage["days_micro"][0]
    assert days.sum() == 365_000_000
    assert days[:31].sum() > 4 * days[181:212].sum()
