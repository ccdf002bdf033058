"""Readings of a slice's registers as people and devices would have brought them in: spread over the month,
some missing, some late.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mains.metering.values import ReadingSource, Zone
from mains.packs.definition import Pack
from mains.packs.population.accounts import Dates, Slice
from mains.packs.population.demand import Demand, RegisterUse, register_use
from mains.packs.population.draws import Draws, Flags, Integers
from mains.packs.population.meters import DAY_BEFORE, Meters, Registers, installed_on

CONTROL_SHARE = 0.03
SETTLING_IN = np.timedelta64(4, "D")


@dataclass(frozen=True)
class ReadingPlan:
    """Days on which meters are read: one row per meter and month, and whether the reading arrives, and late."""

    day: Dates
    arrives: Flags
    late: Flags
    source: Integers


def plan_readings(pack: Pack, meters: Meters, *, demand: Demand, draws: Draws) -> ReadingPlan:
    """Each meter has its usual day and way; some months are missed, and some meters are not read any more."""
    shares, calendar = pack.population, pack.billing
    count, months = len(meters.id), len(demand.months)
    low, high = calendar.reading_days
    usual = draws.integers(low + 2, high - 2, count)
    jitter = draws.integers(-2, 2, count * months).reshape(count, months)
    first = np.array(demand.months, dtype="datetime64[M]")
    following = (first + 1).astype("datetime64[D]")
    way = np.array([ReadingSource[name.upper()].value for name in shares.sources])[
        draws.pick(shares.sources.values(), count)
    ]
    remote = (way == ReadingSource.REMOTE)[:, None]
    day = first.astype("datetime64[D]")[None, :] + (usual[:, None] + jitter - 1).astype("timedelta64[D]")
    day = np.where(remote, following[None, :] + DAY_BEFORE, day)
    arrives = ~draws.chance(shares.missed_reading_share, count * months).reshape(count, months)
    silent_from = np.where(
        draws.chance(shares.silent_share, count), draws.integers(3, months - 1, count), months
    )
    arrives = (arrives | (remote & draws.chance(0.9, count)[:, None])) & (
        np.arange(months)[None, :] < silent_from[:, None]
    )
    late = draws.chance(shares.late_reading_share, count * months).reshape(count, months)
    late[:, : calendar.history_months] = False
    late[:, -1] = False
    control = draws.chance(CONTROL_SHARE, count * months).reshape(count, months) & ~remote
    source = np.where(control, ReadingSource.CONTROL_VISIT.value, way[:, None])
    # Nobody reads a meter in its first days: it must be known before its readings are.
    inside = (day > (installed_on(meters, demand.first_day) + SETTLING_IN)[:, None]) & (
        np.isnat(meters.installed_to)[:, None] | (day < (meters.installed_to + DAY_BEFORE)[:, None])
    )
    return ReadingPlan(day=day, arrives=arrives & inside, late=late & ~control, source=source)


def use_of_registers(
    part: Slice, meters: Meters, registers: Registers, *, demand: Demand, draws: Draws
) -> RegisterUse:
    position = meters.position[registers.meter]
    return register_use(
        demand,
        shape=part.point[position] % demand.shape_count,
        zones=part.zones[position],
        position_in_meter=registers.place,
        monthly_kwh=part.monthly_kwh[position],
        percent=np.where(registers.zone == Zone.EXPORT, part.fed_in_percent[position], np.int64(100)),
        ends_on=np.where(
            part.second_payer[position] == 0, part.moved_on[position], np.datetime64("NaT", "D")
        ),
        draws=draws,
    )


def reading_rows(
    pack: Pack,
    part: Slice,
    meters: Meters,
    registers: Registers,
    *,
    plan: ReadingPlan,
    use: RegisterUse,
    places: NDArray[np.float64],
    first_id: int,
    draws: Draws,
) -> pl.DataFrame:
    """Columns of Reading but `bucket`: opening and closing readings of installations, and the planned ones.

    Ordered by register and date, ids from `first_id`. `places`: latitude and longitude of the slice's points.
    """
    register, day, source, late, is_edge = _occasions(meters, registers, plan=plan, demand=use.demand)
    order = np.lexsort((day, register))
    register, day, source = register[order], day[order], source[order]
    late, is_edge = late[order], is_edge[order]
    frame = pl.DataFrame(
        {
            "register_id": registers.id[register],
            "position": meters.position[registers.meter[register]],
            "reading_date": day,
            "value_micro": shown_values(meters, registers, use=use, pack=pack, register=register, day=day)
            * 1_000_000,
            "source": source,
            "late": late,
            "is_edge": is_edge,
        }
    )
    frame = frame.with_columns(
        recorded_at=_recorded_at(pack, frame, draws=draws),
        evidence=_evidence(pack, frame, places=places, draws=draws),
        officer=pl.Series(part.officer[meters.position[registers.meter[register]]]),
    )
    by_officer = pl.col("source").is_in([ReadingSource.FIELD.value, ReadingSource.CONTROL_VISIT.value])
    return frame.with_row_index("id", offset=first_id).select(
        pl.col("id").cast(pl.Int64),
        "register_id",
        "position",
        "reading_date",
        "value_micro",
        "source",
        "recorded_at",
        "evidence",
        recorded_by_id=pl.when(by_officer & (pl.col("officer") > 0)).then("officer"),
    )


def shown_values(
    meters: Meters, registers: Registers, *, use: RegisterUse, pack: Pack, register: Integers, day: Dates
) -> Integers:
    """Whole units that the registers show at the end of those days."""
    meter = registers.meter[register]
    opened = installed_on(meters, use.demand.first_day)[meter]
    used_wh = use.until(register, day) - use.until(register, opened)
    shown = _start_values(meters, registers, use=use, pack=pack)[register] + used_wh // (
        1000 * meters.multiplier[meter]
    )
    return shown % 10 ** meters.digits[meter]


def _start_values(meters: Meters, registers: Registers, *, use: RegisterUse, pack: Pack) -> Integers:
    """What registers showed when the demo begins: new meters nearly nothing, some old ones nearly the last
    number.
    """
    mixed = registers.id * 2_654_435_761 % (1 << 32)
    capacity = 10 ** meters.digits[registers.meter]
    used = mixed % (capacity * 6 // 10)
    months = len(use.demand.months)
    year_kwh = use.year_wh // 1000 // meters.multiplier[registers.meter]
    share = use.part.sum(axis=1) // months
    in_billed_months = year_kwh * (months - 1) // 12 * share // 1_000_000
    threshold = round(pack.population.near_rollover_share * (1 << 16))
    near = (mixed >> 16) % (1 << 16) < threshold
    start = np.where(near, np.maximum(capacity - 1 - in_billed_months, 0), used)
    hung_now = meters.installed_from[registers.meter] >= np.datetime64(use.demand.first_day, "D")
    return np.where(hung_now, mixed % 4, start)


def _occasions(
    meters: Meters, registers: Registers, *, plan: ReadingPlan, demand: Demand
) -> tuple[Integers, Dates, Integers, Flags, Flags]:
    """Register, day, source, late, edge of an installation: of every reading, in no order."""
    register, month = np.nonzero(plan.arrives[registers.meter])
    meter = registers.meter[register]
    control = ReadingSource.CONTROL_VISIT.value
    opening = np.arange(len(registers.id), dtype=np.int64)
    closing = np.flatnonzero(~np.isnat(meters.installed_to[registers.meter]))
    edges = np.concatenate((opening, closing))
    days = np.concatenate(
        (
            installed_on(meters, demand.first_day)[registers.meter],
            meters.installed_to[registers.meter[closing]] + DAY_BEFORE,
        )
    )
    return (
        np.concatenate((register, edges)),
        np.concatenate((plan.day[meter, month], days)),
        np.concatenate((plan.source[meter, month], np.full(len(edges), control))),
        np.concatenate((plan.late[meter, month], np.zeros(len(edges), dtype=np.bool_))),
        np.concatenate((np.zeros(len(register), dtype=np.bool_), np.ones(len(edges), dtype=np.bool_))),
    )


def _recorded_at(pack: Pack, frame: pl.DataFrame, *, draws: Draws) -> pl.Expr:
    """When a reading became known: within two days, and so before its month's bill; a late one after it.

    Readings of an exchange come with the fact of it, afternoon of the second or third day.
    """
    count = frame.height
    prompt = pl.Series(draws.integers(0, 2, count))
    delay = pl.Series(draws.integers(12, 26, count))
    minutes = pl.Series(draws.integers(6 * 60, 19 * 60, count))
    cut_off = pl.col("reading_date").dt.month_start().dt.offset_by("1mo") + pl.duration(
        days=pack.billing.cut_off_day
    )
    edge = pl.col("is_edge")
    late_day = cut_off + pl.duration(days=pl.lit(delay))
    days = pl.when(edge).then(3).otherwise(pl.lit(prompt))
    day = pl.when("late").then(late_day).otherwise(pl.col("reading_date") + pl.duration(days=days))
    minute = pl.when(edge).then(15 * 60).otherwise(pl.lit(minutes))
    return (day.cast(pl.Datetime("us")) + pl.duration(minutes=minute)).dt.replace_time_zone("UTC")


def _evidence(pack: Pack, frame: pl.DataFrame, *, places: NDArray[np.float64], draws: Draws) -> pl.Expr:
    """Where the officer stood and with which device, for visits in the billed months; JSON text or null."""
    count = frame.height
    latitude = places[frame["position"].to_numpy(), 0] + draws.integers(-90, 90, count) / 1_000_000
    longitude = places[frame["position"].to_numpy(), 1] + draws.integers(-90, 90, count) / 1_000_000
    text = pl.concat_str(
        pl.lit('{"latitude": '),
        pl.Series(latitude.round(6)).cast(pl.String),
        pl.lit(', "longitude": '),
        pl.Series(longitude.round(6)).cast(pl.String),
        pl.lit(', "accuracy_m": '),
        pl.Series(draws.integers(4, 18, count)).cast(pl.String),
        pl.lit(', "device": "M-'),
        pl.Series(draws.integers(100, 999, count)).cast(pl.String),
        pl.lit('"}'),
    )
    visited = pl.col("source").is_in([ReadingSource.FIELD.value, ReadingSource.CONTROL_VISIT.value])
    return pl.when(visited & (pl.col("reading_date") >= pack.billing.months[0])).then(text)
