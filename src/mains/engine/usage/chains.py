"""From readings to chains: the valid readings of each installation in order of days, and what was set aside.

A chain never falls, save at a rollover. Where two neighbours contradict each other the weaker source goes,
and between equals the later reading goes; then the chain is looked at again. Passes repeat over the affected
installations only, so their number is that of the worst register's bad readings.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mains.engine.usage.frames import MICRO, STRETCH_USE_MICRO_MAX

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

LOWER, HIGHER, TOO_LARGE = "lower-than-last", "higher-than-next", "use-too-large"
CONTRADICTING = (LOWER, HIGHER, TOO_LARGE)
"""Codes of readings that were set aside because of another one."""

EXCEPTION_SCHEMA = {
    "service_point_id": pl.Int64,
    "register_id": pl.Int64,
    "reading_id": pl.Int64,
    "code": pl.String,
    "set_aside": pl.Boolean,
    "reading_date": pl.Date,
    "value_micro": pl.Int64,
    "other_reading_id": pl.Int64,
    "other_value_micro": pl.Int64,
}


@dataclass(frozen=True)
class Chains:
    """Valid readings sorted by installation and day, as parallel arrays.

    `installation` is a row number of the registers frame, `boundary` days since 1970-01-01 (the day after the
    reading), `value_micro` the face of the register, `reading_id` its origin. `use_micro[i]` is the use
    between readings i and i + 1, multiplier applied, where both belong to one installation (`joined[i]`),
    otherwise 0.
    """

    installation: Ints
    boundary: Ints
    reading_id: Ints
    use_micro: Ints
    joined: Flags


@dataclass(frozen=True)
class _Faces:
    """Arrays of candidate readings, sorted by installation and day."""

    installation: Ints
    boundary: Ints
    reading_id: Ints
    value_micro: Ints
    priority: Ints
    confirmed: Flags
    range_micro: Ints
    multiplier_micro: Ints

    def take(self, rows: Ints) -> "_Faces":
        return _Faces(*(column[rows] for column in vars(self).values()))


@dataclass(frozen=True)
class _Links:
    """What lies between neighbours i and i + 1 of a set of faces."""

    joined: Flags
    fell: Flags
    lower: Flags
    too_large: Flags
    use_micro: Ints


def chain_readings(
    *, readings: pl.DataFrame, registers: pl.DataFrame, as_of_date: date
) -> tuple[Chains, pl.DataFrame]:
    """Return the chains of all installations and the exceptions frame (contract in README.md).

    `registers` carries `installation` (row number), the other columns are those of the contract.
    """
    placed, refused = _place(readings=readings, registers=registers, as_of_date=as_of_date)
    faces = _faces(_strongest_of_day(placed))
    kept, dropped, partners, codes = _settle(faces)
    chosen = faces.take(kept)
    links = _link(chosen)
    chains = Chains(chosen.installation, chosen.boundary, chosen.reading_id, links.use_micro, links.joined)

    assumed = np.flatnonzero(links.fell & ~chosen.confirmed[1:])
    exceptions = [
        refused,
        _exceptions(faces, rows=dropped, others=partners, codes=codes, set_aside=True, registers=registers),
        _exceptions(
            faces,
            rows=kept[assumed + 1],
            others=kept[assumed],
            codes=np.full(len(assumed), "rollover-assumed"),
            set_aside=False,
            registers=registers,
        ),
    ]
    return chains, pl.concat(exceptions).sort("register_id", "reading_date", "reading_id", "code")


def _place(
    *, readings: pl.DataFrame, registers: pl.DataFrame, as_of_date: date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Put each reading to the installation it was taken in; readings that fit nowhere become exceptions.

    One reading may close an installation and open the next one of the same register.
    """
    opened = pl.col("reading_date") >= pl.col("installed_from") - timedelta(days=1)
    closed = pl.col("installed_to").is_not_null() & (pl.col("reading_date") >= pl.col("installed_to"))
    # 10^digits units by a table, because integer powers in columns are not checked for overflow.
    ranges = pl.Series([10**digits * MICRO for digits in range(13)], dtype=pl.Int64)
    sites = registers.select(
        "register_id",
        "service_point_id",
        "installation",
        "installed_from",
        "installed_to",
        "multiplier_micro",
        range_micro=pl.lit(ranges).gather(pl.col("digits")),
    )
    joined = readings.join(sites, on="register_id", how="left").with_columns(
        fault=pl.when(pl.col("installation").is_null())
        .then(pl.lit("unknown-register"))
        .when(pl.col("reading_date") > as_of_date)
        .then(pl.lit("future-reading"))
        .when((pl.col("value_micro") < 0) | (pl.col("value_micro") >= pl.col("range_micro")))
        .then(pl.lit("beyond-digits"))
        .when(opened & ~closed)
        .then(pl.lit(None, dtype=pl.String))
        .otherwise(pl.lit("outside-installation"))
    )
    placed = joined.filter(pl.col("fault").is_null())
    faulty = joined.filter(pl.col("fault").is_not_null())
    if faulty.height:
        # A relocated register is outside all of its installations but one: that is no fault.
        faulty = faulty.join(placed.select("reading_id"), on="reading_id", how="anti")
        faulty = faulty.unique("reading_id", keep="first", maintain_order=True)
    refused = faulty.select(
        "service_point_id",
        "register_id",
        "reading_id",
        code="fault",
        set_aside=pl.lit(value=True),
        reading_date="reading_date",
        value_micro="value_micro",
        other_reading_id=pl.lit(None, dtype=pl.Int64),
        other_value_micro=pl.lit(None, dtype=pl.Int64),
    )
    return placed, refused


def _strongest_of_day(placed: pl.DataFrame) -> pl.DataFrame:
    """Sort by installation and day and keep one reading a day: strongest source, then latest recorded."""
    ordered = placed.sort(
        "installation",
        "reading_date",
        "priority",
        "recorded_order",
        "reading_id",
        descending=[False, False, False, True, True],
    )
    again = (pl.col("installation") == pl.col("installation").shift()) & (
        pl.col("reading_date") == pl.col("reading_date").shift()
    )
    return ordered.filter(~again.fill_null(value=False))


def _faces(ordered: pl.DataFrame) -> _Faces:
    return _Faces(
        installation=ordered["installation"].cast(pl.Int64).to_numpy(),
        boundary=ordered["reading_date"].cast(pl.Int32).cast(pl.Int64).to_numpy() + 1,
        reading_id=ordered["reading_id"].to_numpy(),
        value_micro=ordered["value_micro"].to_numpy(),
        priority=ordered["priority"].to_numpy(),
        confirmed=ordered["rollover"].fill_null(value=False).to_numpy(),
        range_micro=ordered["range_micro"].to_numpy(),
        multiplier_micro=ordered["multiplier_micro"].to_numpy(),
    )


def _link(faces: _Faces) -> _Links:
    joined = faces.installation[1:] == faces.installation[:-1]
    difference = faces.value_micro[1:] - faces.value_micro[:-1]
    fell = joined & (difference < 0)
    difference = np.where(fell, difference + faces.range_micro[1:], difference)
    difference = np.where(joined, difference, 0)
    lower = fell & ~faces.confirmed[1:] & (2 * difference > faces.range_micro[1:])
    multiplier = faces.multiplier_micro[1:]
    # Whole and broken units apart, and the whole ones capped just over the limit, so that nothing wraps.
    whole = np.minimum(difference // MICRO, STRETCH_USE_MICRO_MAX // multiplier + 1)
    use = whole * multiplier + (difference % MICRO * multiplier + MICRO // 2) // MICRO
    return _Links(joined=joined, fell=fell, lower=lower, too_large=use > STRETCH_USE_MICRO_MAX, use_micro=use)


def _settle(faces: _Faces) -> tuple[Ints, Ints, Ints, NDArray[np.str_]]:
    """Return the rows that stand; those that go, the neighbour each disagreed with, and the codes."""
    stands = np.ones(len(faces.boundary), dtype=np.bool_)
    work = np.arange(len(stands))
    dropped: list[Ints] = []
    partners: list[Ints] = []
    codes: list[NDArray[np.str_]] = []
    while True:
        part = faces.take(work)
        links = _link(part)
        bad = np.flatnonzero(links.lower | links.too_large)
        if not len(bad):
            break
        affected, first = np.unique(part.installation[bad], return_index=True)
        bad = bad[first]
        earlier_goes = part.priority[bad + 1] < part.priority[bad]
        dropped.append(work[np.where(earlier_goes, bad, bad + 1)])
        partners.append(work[np.where(earlier_goes, bad + 1, bad)])
        named = np.where(earlier_goes, HIGHER, LOWER)
        codes.append(np.where(links.too_large[bad] & ~links.lower[bad], TOO_LARGE, named))
        stands[dropped[-1]] = False
        work = work[stands[work] & np.isin(part.installation, affected)]
    none = np.empty(0, dtype=np.int64)
    return (
        np.flatnonzero(stands),
        np.concatenate([none, *dropped]),
        np.concatenate([none, *partners]),
        np.concatenate([np.empty(0, dtype="<U16"), *codes]),
    )


def _exceptions(
    faces: _Faces,
    *,
    rows: Ints,
    others: Ints,
    codes: NDArray[np.str_],
    set_aside: bool,
    registers: pl.DataFrame,
) -> pl.DataFrame:
    site = registers[faces.installation[rows]] if len(rows) else registers.clear()
    return pl.DataFrame(
        {
            "service_point_id": site["service_point_id"],
            "register_id": site["register_id"],
            "reading_id": faces.reading_id[rows],
            "code": pl.Series(codes.tolist(), dtype=pl.String),
            "set_aside": pl.Series([set_aside], dtype=pl.Boolean).new_from_index(0, len(rows)),
            "reading_date": pl.Series(faces.boundary[rows] - 1, dtype=pl.Int64).cast(pl.Int32).cast(pl.Date),
            "value_micro": faces.value_micro[rows],
            "other_reading_id": faces.reading_id[others],
            "other_value_micro": faces.value_micro[others],
        },
        schema=EXCEPTION_SCHEMA,
    )
