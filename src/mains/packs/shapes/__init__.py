"""Load shapes for the demo utilities: how use falls on days, hours and weekdays, and the temperature of the
days.

The files beside this module are derived data; README.md says from what, under which licence, and how to
rebuild. All numbers are whole: weights and shares sum exactly to their whole.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

import polars as pl

_FOLDER = files(__package__)


@cache
def list_meters() -> pl.DataFrame:
    """One row per shape: shape_code, commodity, place, unit, sample, first_day, last_day, days_used,
    mean_daily_use_milli.

    The last is the mean use of a day of that meter, in thousandths of `unit`.
    """
    return _read("meters")


@cache
def daily_weights() -> pl.DataFrame:
    """shape_code and weights: 366 weights (1 January first, 29 February at 59) that sum to 1,000,000.

    It is the `shapes` frame of the usage engine.
    """
    table = _read("days").drop("day")
    return pl.DataFrame(
        {"shape_code": table.columns, "weights": [column.to_list() for column in table]},
        schema={"shape_code": pl.String, "weights": pl.List(pl.Int64)},
    )


@cache
def hour_shares() -> pl.DataFrame:
    """shape_code, month (1 … 12) and shares: 24 parts of a day's use by local hour, in ten-thousandths."""
    hours = [f"h{hour:02}" for hour in range(24)]
    return _read("hours").select("shape_code", "month", shares=pl.concat_list(hours))


@cache
def weekday_weights() -> pl.DataFrame:
    """shape_code and weights: seven, Monday first; 10,000 is the average day."""
    days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    return _read("weekdays").select("shape_code", weights=pl.concat_list(days))


@cache
def daily_temperatures() -> pl.DataFrame:
    """place, and centi_celsius: 366 mean temperatures in hundredths of a degree (29 February at 59)."""
    table = _read("temperatures").drop("day")
    return pl.DataFrame(
        {
            "place": [name.removesuffix("_centi_celsius") for name in table.columns],
            "centi_celsius": [column.to_list() for column in table],
        },
        schema={"place": pl.String, "centi_celsius": pl.List(pl.Int64)},
    )


def zone_shares(*, zones: Mapping[str, Sequence[int]]) -> pl.DataFrame:
    """Share of each tariff zone in a day's use by month, in ten-thousandths.

    `zones` names the hours of each zone, for example `{"day": range(7, 23), "night": [23, 0, 1, 2, 3, 4, 5,
    6]}`; each of the 24 hours belongs to exactly one, or else ValueError. Returns shape_code, month and a
    column per zone.
    """
    hours = sorted(hour for named in zones.values() for hour in named)
    if hours != list(range(24)):
        raise ValueError(f"The zones must have each of the hours 0 … 23 once, not {hours}.")
    shares = pl.col("shares").list
    return hour_shares().select(
        "shape_code",
        "month",
        **{zone: shares.gather(list(named)).list.sum() for zone, named in zones.items()},
    )


def _read(name: str) -> pl.DataFrame:
    return pl.read_csv(_FOLDER.joinpath(f"{name}.csv").read_bytes(), try_parse_dates=name == "meters")
