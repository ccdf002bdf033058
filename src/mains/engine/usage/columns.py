"""Daily use of a slice of the utility, in columns. The contract is in README.md."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mains.engine.usage.chains import Chains, chain_readings
from mains.engine.usage.days import Acts, Calendar, DayRows, Layout, Norms, Spans, day_columns, fill_days
from mains.engine.usage.errors import check_errors, cut_by_errors
from mains.engine.usage.frames import (
    CLASS_AVERAGES,
    DIGITS_MAX,
    METER_ERRORS,
    MONTH_DAYS_MAX,
    MULTIPLIER_MICRO_MAX,
    NORMS,
    POINTS,
    READINGS,
    REGISTERS,
    SHAPES,
    STRETCH_USE_MICRO_MAX,
    UNMETERED,
    UnableToComputeUsage,
    UsageRules,
    admit_frame,
    refuse_rows,
)
from mains.engine.usage.gaps import Installations, Pieces, gap_pieces, stretch_pieces
from mains.engine.usage.weights import (
    DayWeights,
    check_shapes,
    day_fractions,
    days_since_epoch,
    shape_numbers,
)

Ints = NDArray[np.int64]
_OPEN_END = 2**31
_BLOCK_POINTS = 8_192


@dataclass(frozen=True)
class UsageResult:
    """`usage`: one row per series. `exceptions`: readings set aside or assumed to have rolled over."""

    usage: pl.DataFrame
    exceptions: pl.DataFrame


@dataclass(frozen=True)
class _Facts:
    """The input frames after the door, in contract columns."""

    points: pl.DataFrame
    registers: pl.DataFrame
    readings: pl.DataFrame
    norms: pl.DataFrame
    class_averages: pl.DataFrame
    shapes: pl.DataFrame
    meter_errors: pl.DataFrame
    unmetered: pl.DataFrame
    total_zone: str | int


def compute_daily_usage(
    *,
    points: pl.DataFrame,
    registers: pl.DataFrame,
    readings: pl.DataFrame,
    month_from: date,
    month_to: date,
    as_of_date: date,
    norms: pl.DataFrame | None = None,
    class_averages: pl.DataFrame | None = None,
    shapes: pl.DataFrame | None = None,
    meter_errors: pl.DataFrame | None = None,
    unmetered: pl.DataFrame | None = None,
    rules: UsageRules | None = None,
    total_zone: str | int = "total",
) -> UsageResult:
    """Compute the use of each day of [month_from, month_to) for every service point and zone.

    Frames, units (micro-units) and results are those of README.md in this package. Raises
    UnableToComputeUsage when a frame breaks the contract; bad readings do not raise, they are set aside and
    listed.
    """
    if not 1 <= (month_to - month_from).days <= MONTH_DAYS_MAX:
        raise UnableToComputeUsage(
            code="usage-month-impossible",
            message=f"From {month_from} to {month_to} is not 1 to {MONTH_DAYS_MAX} days.",
            place="month_from, month_to",
            remedy="Ask for a stretch with the end after the start.",
        )
    zone_type = registers.schema.get("zone", pl.String())
    facts = _Facts(
        points=admit_frame(points, spec=POINTS, zone_type=zone_type),
        registers=admit_frame(registers, spec=REGISTERS, zone_type=zone_type).with_row_index("installation"),
        readings=admit_frame(readings, spec=READINGS, zone_type=zone_type),
        norms=admit_frame(norms, spec=NORMS, zone_type=zone_type),
        class_averages=admit_frame(class_averages, spec=CLASS_AVERAGES, zone_type=zone_type),
        shapes=admit_frame(shapes, spec=SHAPES, zone_type=zone_type),
        meter_errors=admit_frame(meter_errors, spec=METER_ERRORS, zone_type=zone_type),
        unmetered=admit_frame(unmetered, spec=UNMETERED, zone_type=zone_type),
        total_zone=total_zone,
    )
    _check_facts(facts)
    chains, exceptions = chain_readings(
        readings=facts.readings, registers=facts.registers, as_of_date=as_of_date
    )
    usage = _usage(
        facts=facts, chains=chains, month_from=month_from, month_to=month_to, rules=rules or UsageRules()
    )
    return UsageResult(usage=usage, exceptions=exceptions)


def find_exceptions(*, registers: pl.DataFrame, readings: pl.DataFrame, as_of_date: date) -> pl.DataFrame:
    """The exceptions that `compute_daily_usage` would list of these readings, without computing any use."""
    zone_type = registers.schema.get("zone", pl.String())
    admitted = admit_frame(registers, spec=REGISTERS, zone_type=zone_type).with_row_index("installation")
    taken = admit_frame(readings, spec=READINGS, zone_type=zone_type)
    _, exceptions = chain_readings(readings=taken, registers=admitted, as_of_date=as_of_date)
    return exceptions


def _usage(
    *, facts: _Facts, chains: Chains, month_from: date, month_to: date, rules: UsageRules
) -> pl.DataFrame:
    month_start, month_end = days_since_epoch(month_from), days_since_epoch(month_to)
    series = _series_of(facts, month_from=month_from, month_to=month_to)
    register_series = facts.registers.join(
        series, on=["service_point_id", "zone"], how="left", maintain_order="left"
    )
    start, end = _boundaries(facts.registers, "installed_from", "installed_to")
    edges = [chains.boundary, start, np.array([month_start, month_end])]
    weights = DayWeights(
        shapes=facts.shapes,
        first=min(int(edge.min(initial=month_start)) for edge in edges),
        last=max(int(edge.max(initial=month_end)) for edge in edges),
    )
    averages = register_series.select("class_code", "zone").join(
        facts.class_averages, on=["class_code", "zone"], how="left", maintain_order="left"
    )
    installations = Installations(
        series=register_series["series"].cast(pl.Int64).to_numpy(),
        start=start,
        end=end,
        shape=shape_numbers(codes=facts.registers["shape_code"], weights=weights),
        class_use_micro=averages["use_micro"].fill_null(0).to_numpy(),
        class_days=averages["days"].fill_null(0).to_numpy(),
    )
    stretches = cut_by_errors(
        stretches=stretch_pieces(chains=chains, shape=installations.shape, weights=weights),
        registers=facts.registers["register_id"].to_numpy(),
        errors=facts.meter_errors,
    )
    gaps = gap_pieces(
        chains=chains,
        stretches=stretches,
        installations=installations,
        month_start=month_start,
        month_end=month_end,
        rules=rules,
        weights=weights,
    )
    shown = stretches.take((stretches.start < month_end) & (stretches.end > month_start))
    pieces = Pieces.join([shown, gaps])
    order = np.lexsort(
        (
            pieces.start,
            pieces.installation,
            installations.start[pieces.installation],
            installations.series[pieces.installation],
        )
    )
    pieces = pieces.take(order)
    day_of_month, month_days = day_fractions(month_from=month_from, month_to=month_to)
    blocks = _blocks(
        facts=facts,
        series=series,
        installations=installations,
        pieces=pieces,
        calendar=Calendar(np.arange(month_start, month_end + 1), day_of_month, month_days),
        weights=weights,
    )
    return pl.concat([_empty_usage(series), *blocks])


def _blocks(
    *,
    facts: _Facts,
    series: pl.DataFrame,
    installations: Installations,
    pieces: Pieces,
    calendar: Calendar,
    weights: DayWeights,
) -> Iterator[pl.DataFrame]:
    """Compute the usage frame block by block of points."""
    point = series["point"].cast(pl.Int64).to_numpy()
    total = (series["zone"] == facts.total_zone).to_numpy()
    overlapping = (installations.start < calendar.boundaries[-1]) & (
        installations.end > calendar.boundaries[0]
    )
    installed_now = np.zeros(series.height, dtype=np.bool_)
    installed_now[installations.series[overlapping]] = True
    numbers = series.select("service_point_id", "point").unique()
    connected = _spans(
        facts.points.join(numbers, on="service_point_id"), "connected_from", "connected_to", row="point"
    )
    by_point = np.argsort(point[installations.series], kind="stable")
    installed = Spans(
        point[installations.series][by_point], installations.start[by_point], installations.end[by_point]
    )
    norms = _norms(facts.norms.join(series, on=["service_point_id", "zone"]))
    acts = _acts(facts.unmetered.join(series, on=["service_point_id", "zone"]))
    piece_series = installations.series[pieces.installation]
    for low in range(0, int(point.max(initial=-1)) + 1, _BLOCK_POINTS):
        high = low + _BLOCK_POINTS
        rows_from, rows_to = (int(edge) for edge in np.searchsorted(point, [low, high]))
        part = slice(*np.searchsorted(piece_series, [rows_from, rows_to]))
        block = slice(rows_from, rows_to)
        layout = Layout(
            point=point[block] - low,
            total=total[block],
            connected=connected.within(low, high),
            installed=installed.within(low, high),
        )
        taken = pieces.take(part)
        rows = fill_days(
            pieces=taken,
            piece_series=piece_series[part] - rows_from,
            norms=norms.within(rows_from, rows_to),
            acts=acts.within(rows_from, rows_to),
            layout=layout,
            calendar=calendar,
            weights=weights,
        )
        keep = _rows_to_show(rows, layout=layout, installed_now=installed_now[block])
        names = series[block].select("service_point_id", "zone")[keep]
        yield names.with_columns(**day_columns(rows=rows, keep=keep, pieces=taken))


def _rows_to_show(rows: DayRows, *, layout: Layout, installed_now: NDArray[np.bool_]) -> Ints:
    """Series with an installation or use in the month; a connected point with none of these shows its total
    zone.
    """
    shown = installed_now | (rows.rank > 0).any(axis=1)
    point_shown = np.zeros(int(layout.point[-1]) + 1, dtype=np.bool_)
    point_shown[layout.point[shown]] = True
    bare = layout.total & ~point_shown[layout.point] & rows.connected.any(axis=1)
    return np.flatnonzero(shown | bare)


def _series_of(facts: _Facts, *, month_from: date, month_to: date) -> pl.DataFrame:
    """All series of the slice, sorted, with their number and their point's number."""
    keys = ["service_point_id", "zone"]
    open_in_month = (pl.col("connected_from") < month_to) & (
        pl.col("connected_to").is_null() | (pl.col("connected_to") > month_from)
    )
    zone_type = facts.registers.schema["zone"]
    connected = facts.points.filter(open_in_month).select(
        "service_point_id", pl.lit(facts.total_zone).cast(zone_type).alias("zone")
    )
    series = (
        pl.concat(
            [
                facts.registers.select(keys),
                facts.norms.select(keys),
                facts.unmetered.select(keys),
                connected,
            ]
        )
        .unique()
        .sort(keys)
    )
    return series.with_row_index("series").with_columns(
        point=pl.col("service_point_id").rank("dense").cast(pl.Int64) - 1
    )


def _boundaries(frame: pl.DataFrame, start: str, end: str) -> tuple[Ints, Ints]:
    chosen = frame.select(
        pl.col(start).cast(pl.Int32).cast(pl.Int64),
        pl.col(end).cast(pl.Int32).cast(pl.Int64).fill_null(_OPEN_END),
    )
    return chosen[start].to_numpy(), chosen[end].to_numpy()


def _spans(frame: pl.DataFrame, start: str, end: str, *, row: str) -> Spans:
    ordered = frame.sort(row, start)
    return Spans(ordered[row].cast(pl.Int64).to_numpy(), *_boundaries(ordered, start, end))


def _norms(frame: pl.DataFrame) -> Norms:
    ordered = frame.sort("series", "valid_from")
    overlap = (pl.col("series") == pl.col("series").shift()) & (
        pl.col("valid_from") < pl.col("valid_to").fill_null(date.max).shift()
    )
    refuse_rows(ordered, spec=NORMS, bad=overlap, column="valid_from", message="Norms of one series overlap.")
    return Norms(
        spans=_spans(ordered, "valid_from", "valid_to", row="series"),
        amount_micro=ordered["amount_micro"].to_numpy(),
        monthly=(ordered["per"] == "month").to_numpy(),
    )


def _acts(frame: pl.DataFrame) -> Acts:
    ordered = frame.sort("series", "valid_from")
    return Acts(
        spans=_spans(ordered, "valid_from", "valid_to", row="series"),
        amount_micro=ordered["amount_micro"].to_numpy(),
    )


def _empty_usage(series: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame(
        schema={
            "service_point_id": pl.Int64,
            "zone": series.schema["zone"],
            "days_micro": pl.List(pl.Int64),
            "total_micro": pl.Int64,
            "quality": pl.String,
            "span_days": pl.List(pl.Int16),
            "span_quality": pl.String,
            "span_opening": pl.List(pl.Int64),
            "span_closing": pl.List(pl.Int64),
        }
    )


def _check_facts(facts: _Facts) -> None:
    """Refuse values that the arithmetic could not carry, before any of it begins."""
    refuse_rows(
        facts.registers,
        spec=REGISTERS,
        bad=~pl.col("digits").is_between(1, DIGITS_MAX)
        | ~pl.col("multiplier_micro").is_between(1, MULTIPLIER_MICRO_MAX),
        column="digits, multiplier_micro",
        message=f"Digits lie in 1 … {DIGITS_MAX}, the multiplier in 10^-6 … 10^6.",
    )
    refuse_rows(
        facts.registers,
        spec=REGISTERS,
        bad=pl.col("installed_to") <= pl.col("installed_from"),
        column="installed_to",
        message="An installation ends after it begins.",
    )
    refuse_rows(
        facts.norms,
        spec=NORMS,
        bad=~pl.col("per").is_in(["day", "month"])
        | ~pl.col("amount_micro").is_between(0, STRETCH_USE_MICRO_MAX),
        column="per, amount_micro",
        message="A norm is per 'day' or 'month' and lies in 0 … 10^17 micro-units.",
    )
    refuse_rows(
        facts.class_averages,
        spec=CLASS_AVERAGES,
        bad=(pl.col("days") < 1)
        | ~pl.col("use_micro").is_between(0, 2**61)
        | pl.struct("class_code", "zone").is_duplicated(),
        column="class_code, use_micro, days",
        message="A class average has at least one day, is not negative, and is given once.",
    )
    refuse_rows(
        facts.unmetered,
        spec=UNMETERED,
        bad=(pl.col("valid_to") <= pl.col("valid_from"))
        | ~pl.col("amount_micro").is_between(0, STRETCH_USE_MICRO_MAX),
        column="valid_to, amount_micro",
        message="Use by an act has days and lies in 0 … 10^17 micro-units.",
    )
    check_errors(facts.meter_errors)
    check_shapes(facts.shapes)
