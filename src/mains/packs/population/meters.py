"""Meters, registers and installations of a slice, with exchanges inside the billed months."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mains.packs.definition import Pack
from mains.packs.population.accounts import NEVER, Dates, Slice, split_facts
from mains.packs.population.draws import Draws, Integers

# Registers of a meter by the zones it counts, in the order of their shares. Numbers are metering.values.Zone.
REGISTERS: dict[str, tuple[int, ...]] = {
    "total": (0,),
    "day_night": (1, 2),
    "three": (3, 4, 2),
    "total_export": (0, 5),
}
ONE_DAY = np.timedelta64(1, "D")
DAY_BEFORE = np.timedelta64(-1, "D")
CT_FROM_MONTHLY_KWH = 2_500


@dataclass(frozen=True)
class Meters:
    """Meters (one element each): the position of their point in the slice, what they are and when they hang
    there.

    `installed_to` is exclusive, NaT when the meter still hangs. An exchange on day X: the old meter has X +
    1, the new one is installed from X.
    """

    id: Integers
    position: Integers
    model: NDArray[np.object_]
    digits: Integers
    multiplier: Integers
    installed_from: Dates
    installed_to: Dates
    is_replacement: NDArray[np.bool_]


@dataclass(frozen=True)
class Registers:
    """Registers (one element each): the position of their meter, their zone and their place among its
    registers.
    """

    id: Integers
    meter: Integers
    zone: Integers
    place: Integers


def draw_meters(pack: Pack, part: Slice, *, first_id: int, draws: Draws) -> Meters:
    """A meter for each metered point, and a second one where the first was exchanged."""
    shares, calendar = pack.population, pack.billing
    first = np.flatnonzero(part.metered)
    count = len(first)
    oldest = np.datetime64("2012-01-01", "D")
    last = np.datetime64(calendar.history_from, "D")
    length = np.maximum((last - oldest).astype(np.int64), 1)
    hung = np.maximum(
        oldest + (draws.integers(0, 1 << 30, count) % length).astype("timedelta64[D]"),
        part.connected_on[first],
    )
    exchanged = draws.chance(shares.exchange_share, count)
    day = draws.days(calendar.months[0] + timedelta(days=4), calendar.months[-1] + timedelta(days=20), count)
    exchanged &= hung + 30 < day
    second = first[exchanged]
    position = np.concatenate((first, second))
    is_replacement = np.arange(len(position)) >= count
    number = draws.integers(0, 1 << 20, len(position))
    model, digits = np.full(len(position), "", dtype=object), np.zeros(len(position), dtype=np.int64)
    for zones, models in shares.meter_models.items():
        rows = np.flatnonzero(part.zones[position] == zones)
        limits = np.cumsum([item.weight for item in models])
        chosen = np.searchsorted(limits, number[rows] % limits[-1], side="right")
        model[rows] = np.array([item.name for item in models], dtype=object)[chosen]
        digits[rows] = np.array([item.digits for item in models], dtype=np.int64)[chosen]
    ratios = np.array(shares.transformer_ratios, dtype=np.int64)
    large = part.monthly_kwh[position] > CT_FROM_MONTHLY_KWH
    return Meters(
        id=first_id + np.arange(len(position), dtype=np.int64),
        position=position,
        model=model,
        digits=digits,
        multiplier=np.where(large, ratios[part.point[position] % len(ratios)], 1),
        installed_from=np.concatenate((hung, day[exchanged])),
        installed_to=np.concatenate((np.where(exchanged, day + ONE_DAY, NEVER), np.full(len(second), NEVER))),
        is_replacement=is_replacement,
    )


def list_registers(part: Slice, meters: Meters, *, first_id: int) -> Registers:
    """The registers of the meters, meter by meter."""
    zones = part.zones[meters.position]
    count = np.array([len(numbers) for numbers in REGISTERS.values()], dtype=np.int64)
    kind = np.searchsorted(sorted(REGISTERS), zones.astype(str))
    order = np.argsort(list(REGISTERS))
    kind = order[kind]
    meter = np.repeat(np.arange(len(kind), dtype=np.int64), count[kind])
    first = np.cumsum(count[kind]) - count[kind]
    place = np.arange(len(meter), dtype=np.int64) - first[meter]
    table = np.zeros((len(REGISTERS), int(count.max())), dtype=np.int64)
    for row, numbers in enumerate(REGISTERS.values()):
        table[row, : len(numbers)] = numbers
    return Registers(
        id=first_id + np.arange(len(meter), dtype=np.int64),
        meter=meter,
        zone=table[kind[meter], place],
        place=place,
    )


def meter_rows(pack: Pack, meters: Meters, *, draws: Draws) -> pl.DataFrame:
    """Columns of Meter: made in the year before it was hung, verified when made, again due after sixteen
    years.
    """
    hung = pl.Series(meters.installed_from).cast(pl.Date)
    frame = pl.DataFrame(
        {"id": meters.id, "model": meters.model, "installed_from": hung},
        schema_overrides={"model": pl.String},
    )
    made = pl.col("installed_from").dt.year() - pl.Series(draws.integers(0, 2, len(meters.id)))
    return (
        frame.with_columns(made_year=made)
        .with_columns(verified_on=pl.date(pl.col("made_year"), 3, 1))
        .select(
            "id",
            serial=(pl.col("made_year") % 100).cast(pl.String).str.zfill(2)
            + pl.col("id").cast(pl.String).str.zfill(8),
            model="model",
            service=pl.lit(pack.service),
            made_year=pl.col("made_year").cast(pl.Int16),
            verified_on="verified_on",
            verify_by=pl.col("verified_on").dt.offset_by("16y"),
        )
    )


def register_rows(meters: Meters, registers: Registers) -> pl.DataFrame:
    """Columns of Register."""
    return pl.DataFrame(
        {
            "id": registers.id,
            "meter_id": meters.id[registers.meter],
            "zone": registers.zone,
            "digits": meters.digits[registers.meter],
            "decimals": np.zeros(len(registers.id), dtype=np.int64),
            "multiplier_micro": meters.multiplier[registers.meter] * 1_000_000,
        }
    )


def installation_rows(part: Slice, meters: Meters) -> pl.DataFrame:
    """Installations with `valid_from`, `valid_to`, `known_on`, `superseded_on`: an exchange supersedes the
    open one.
    """
    frame = pl.DataFrame(
        {
            "meter_id": meters.id,
            "service_point_id": part.point[meters.position],
            "valid_from": meters.installed_from,
            "removed_on": meters.installed_to,
            "is_replacement": meters.is_replacement,
        }
    ).with_columns(seal_number=pl.lit("P") + pl.col("meter_id").cast(pl.String).str.zfill(8))
    rows = split_facts(frame, changed_on="removed_on", changes={}, delay_days=1)
    known = pl.when("is_replacement").then(pl.col("valid_from") + pl.duration(days=2)).otherwise("known_on")
    return rows.with_columns(known_on=known).drop("is_replacement")


def installed_on(meters: Meters, first_day: date) -> Dates:
    """The day of each meter's first reading: the day before it was hung, or before the demo's first day."""
    hung: Dates = np.maximum(meters.installed_from, np.datetime64(first_day, "D"))
    return hung + DAY_BEFORE
