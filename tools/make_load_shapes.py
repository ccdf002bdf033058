"""Derive the compact load shapes in src/mains/packs/shapes from the sample data of an opendsm wheel.

    python -m pip download --no-deps opendsm==1.2.7 --dest DIR
    python tools/make_load_shapes.py DIR/opendsm-1.2.7-py3-none-any.whl

Needs Polars only. The same wheel gives the same files, byte for byte.
"""

import gzip
import io
import sys
import zipfile
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate, pairwise
from pathlib import Path

import polars as pl

SAMPLES = "opendsm/eemeter/samples/"
TARGET = Path(__file__).parent.parent / "src" / "mains" / "packs" / "shapes"
YEAR_WEIGHT = 1_000_000
DAY_WEIGHT = 10_000
HOURS_WANTED = 23
LEAP_YEAR = [date(2024, 1, 1) + timedelta(days=offset) for offset in range(366)]


@dataclass(frozen=True)
class Sample:
    """One meter of the wheel; `per_hour` is how many values an hour has."""

    code: str
    file: str
    commodity: str
    unit: str
    place: str
    per_hour: int = 1


METERS = [
    Sample("il_electricity_heated_cooled", "il-electricity-cdd-hdd-hourly", "electricity", "kWh", "il"),
    Sample("il_electricity_cooled", "il-electricity-cdd-only-hourly", "electricity", "kWh", "il"),
    Sample("il_gas_heating", "il-gas-hdd-only-hourly", "gas", "therm", "il"),
    Sample("il_gas_steady", "il-gas-intercept-only-hourly", "gas", "therm", "il"),
    Sample("uk_electricity_small", "uk-electricity-hdd-only-hourly-sample-0", "electricity", "kWh", "uk"),
    Sample("uk_electricity_medium", "uk-electricity-hdd-only-hourly-sample-1", "electricity", "kWh", "uk", 2),
    Sample("uk_electricity_large", "uk-electricity-hdd-only-hourly-sample-2", "electricity", "kWh", "uk", 2),
    Sample("uk_gas_heating", "uk-gas-hdd-only-hourly-sample-0", "gas", "kWh", "uk"),
]
TEMPERATURES = {"il": ["il-tempF"], "uk": ["uk-tempC-sample-0", "uk-tempC-sample-1_2"]}


def main(wheel: Path) -> None:
    """Write meters.csv, days.csv, hours.csv, weekdays.csv and temperatures.csv."""
    with zipfile.ZipFile(wheel) as archive:
        use = {
            meter: complete_days(read_values(archive, meter.file), per_hour=meter.per_hour)
            for meter in METERS
        }
        warmth = {place: read_temperature(archive, files) for place, files in TEMPERATURES.items()}
    days = pl.DataFrame({"day": [f"{day:%m-%d}" for day in LEAP_YEAR]})
    tables = {
        "meters": pl.DataFrame([describe(meter, frame) for meter, frame in use.items()]),
        "days": days.with_columns(
            pl.Series(meter.code, shares(by_day_of_year(day_totals(frame)), whole=YEAR_WEIGHT))
            for meter, frame in use.items()
        ),
        "hours": pl.DataFrame([row for meter, frame in use.items() for row in hour_rows(meter, frame)]),
        "weekdays": pl.DataFrame([weekday_row(meter, frame) for meter, frame in use.items()]),
        "temperatures": days.with_columns(
            pl.Series(f"{place}_centi_celsius", [round(100 * value) for value in by_day_of_year(frame)])
            for place, frame in warmth.items()
        ),
    }
    for name, table in tables.items():
        table.write_csv(TARGET / f"{name}.csv")
        print(f"{name}.csv: {table.height} rows, {(TARGET / f'{name}.csv').stat().st_size} bytes")


def read_values(archive: zipfile.ZipFile, name: str) -> pl.DataFrame:
    """Wall-clock `start` and `value` of a sample file; files in UTC are moved to London's clock."""
    content = gzip.decompress(archive.read(f"{SAMPLES}{name}.csv.gz"))
    table = pl.read_csv(io.BytesIO(content), infer_schema=False)
    stamp, value = table.columns[-2:]
    wall = pl.col(stamp).str.slice(0, 19).str.replace("T", " ").str.to_datetime("%Y-%m-%d %H:%M:%S")
    if table[stamp].str.ends_with("+00:00").any():
        wall = (
            wall.dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/London").dt.replace_time_zone(None)
        )
    read = table.select(start=wall, value=pl.col(value).cast(pl.Float64, strict=False))
    return read.filter(pl.col("value").is_finite() & pl.col("start").is_not_null())


def complete_days(values: pl.DataFrame, *, per_hour: int) -> pl.DataFrame:
    """Use by `day` and `hour` of the days with at least 23 whole hours; the rest are gaps."""
    hours = (
        values.unique("start", keep="first", maintain_order=True)
        .filter(pl.col("value") >= 0)
        .group_by(day=pl.col("start").dt.date(), hour=pl.col("start").dt.hour())
        .agg(use=pl.col("value").sum(), count=pl.len())
        .filter(pl.col("count") >= per_hour)
        .sort("day", "hour")
    )
    return hours.filter(pl.len().over("day") >= HOURS_WANTED)


def day_totals(hours: pl.DataFrame) -> pl.DataFrame:
    return hours.group_by("day", maintain_order=True).agg(value=pl.col("use").mean() * 24)


def read_temperature(archive: zipfile.ZipFile, names: list[str]) -> pl.DataFrame:
    """Mean temperature by `day` in degrees Celsius, of one or more files."""
    parts = []
    for name in names:
        read = read_values(archive, name)
        celsius = (pl.col("value") - 32) / 1.8 if name.endswith("tempF") else pl.col("value")
        parts.append(read.with_columns(value=celsius))
    return pl.concat(parts).group_by(day=pl.col("start").dt.date()).agg(pl.col("value").mean()).sort("day")


def by_day_of_year(daily: pl.DataFrame) -> list[float]:
    """Mean of all years for each of 366 days; a day without data lies between its neighbours."""
    means = dict(
        daily.group_by(key=pl.col("day").dt.to_string("%m-%d")).agg(pl.col("value").mean()).iter_rows()
    )
    known = [(place, means[key]) for place, day in enumerate(LEAP_YEAR) if (key := f"{day:%m-%d}") in means]
    ring = [(known[-1][0] - 366, known[-1][1]), *known, (known[0][0] + 366, known[0][1])]
    filled: dict[int, float] = {}
    for (start, low), (end, high) in pairwise(ring):
        for place in range(start, end):
            filled[place % 366] = low + (high - low) * (place - start) / (end - start)
    return [filled[place] for place in range(366)]


def shares(values: list[float], *, whole: int) -> list[int]:
    """Whole numbers in proportion to the values, which sum to `whole` exactly."""
    exact = [round(value * 10**6) for value in values]
    edges = [0, *accumulate(exact)]
    return [whole * high // edges[-1] - whole * low // edges[-1] for low, high in pairwise(edges)]


def hour_rows(meter: Sample, hours: pl.DataFrame) -> list[dict[str, object]]:
    """For each month, how a day's use falls on its 24 hours, in ten-thousandths."""
    rows = []
    for month in range(1, 13):
        chosen = hours.filter(pl.col("day").dt.month() == month)
        mean = dict(chosen.group_by("hour").agg(pl.col("use").mean()).iter_rows())
        parts = shares([mean[hour] for hour in range(24)], whole=DAY_WEIGHT)
        rows.append(
            {"shape_code": meter.code, "month": month} | {f"h{hour:02}": parts[hour] for hour in range(24)}
        )
    return rows


def weekday_row(meter: Sample, hours: pl.DataFrame) -> dict[str, object]:
    """Use of each weekday; 10,000 is the average day."""
    totals = day_totals(hours).group_by(weekday=pl.col("day").dt.weekday()).agg(pl.col("value").mean())
    mean = dict(totals.iter_rows())
    parts = shares([mean[weekday] for weekday in range(1, 8)], whole=7 * DAY_WEIGHT)
    return {"shape_code": meter.code} | dict(
        zip(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), parts, strict=True)
    )


def describe(meter: Sample, hours: pl.DataFrame) -> dict[str, object]:
    totals = day_totals(hours)
    return {
        "shape_code": meter.code,
        "commodity": meter.commodity,
        "place": meter.place,
        "unit": meter.unit,
        "sample": meter.file,
        "first_day": totals["day"].min(),
        "last_day": totals["day"].max(),
        "days_used": totals.height,
        "mean_daily_use_milli": round(1000 * sum(totals["value"]) / totals.height),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
