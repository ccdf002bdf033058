"""The door of the column side: checks a segments frame, sorts it, and numbers tariff editions and seasons."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from mains.engine.columns import rational
from mains.engine.columns.compiled import MISSING, TariffSet
from mains.engine.columns.group import Frame, Ints
from mains.engine.facts import MICRO
from mains.engine.tariff.model import SEASON_KEY

_EPOCH = date(1970, 1, 1).toordinal()
_REQUIRED = {
    "item_id": pl.Int64,
    "from_date": pl.Date,
    "to_date": pl.Date,
    "period_from": pl.Date,
    "period_to": pl.Date,
}


@dataclass(frozen=True)
class Prepared:
    """A checked frame: each item's first row and number of segments, and items refused at the door."""

    frame: Frame
    item_ids: Ints
    first_row: Ints
    count: Ints
    refused: Mapping[int, tuple[str, str]]


def prepare_frame(*, tariffs: TariffSet, segments: pl.DataFrame) -> Prepared:
    """Raises ValueError when a column is missing or of another type: that is the caller's fault, not an
    item's.
    """
    _check_schema(tariffs, segments)
    if not _is_sorted(segments):
        segments = segments.sort("item_id", "from_date", maintain_order=True)
    days = {
        name: segments[name].cast(pl.Int32).to_numpy().astype(np.int64)
        for name in _REQUIRED
        if name != "item_id"
    }
    items = segments["item_id"].to_numpy()
    starts = (
        np.flatnonzero(np.concatenate(([True], items[1:] != items[:-1])))
        if len(items)
        else np.zeros(0, dtype=np.int64)
    )
    count = np.diff(np.append(starts, len(items)))
    codes = segments["tariff"].cast(pl.String)
    edition, season, no_version = _editions(tariffs, codes, days["from_date"])
    # Parts are rounded zone by zone, so the total is summed after that.
    parts = _with_rounded_parts(tariffs, {name: segments[name] for name in segments.columns}, edition, starts)
    frame = Frame(
        tariffs=tariffs,
        columns=dict(_with_total_use(pl.DataFrame(parts)).to_dict()),
        from_day=days["from_date"],
        to_day=days["to_date"],
        edition=edition,
        season=season,
    )
    refused = _refused(tariffs, items, starts, days, codes, no_version)
    return Prepared(frame, items[starts], starts, count, refused)


def _check_schema(tariffs: TariffSet, segments: pl.DataFrame) -> None:
    for name, dtype in _REQUIRED.items():
        if segments.schema.get(name) != dtype:
            raise ValueError(f"Column {name} must be {dtype}, not {segments.schema.get(name)}.")
        if segments[name].null_count():
            raise ValueError(f"Column {name} has nulls.")
    if "tariff" not in segments.columns or segments["tariff"].null_count():
        raise ValueError("Column tariff, the code of the tariff, is missing or has nulls.")
    numbers = [name for name in segments.columns if name.endswith("_micro")]
    for name in numbers:
        if segments.schema[name] != pl.Int64:
            raise ValueError(f"Column {name} must be Int64, not {segments.schema[name]}.")
    for name in tariffs.flag_attributes:
        if name in segments.columns and segments.schema[name] != pl.Boolean:
            raise ValueError(f"Column {name} must be Boolean, not {segments.schema[name]}.")


def _with_total_use(segments: pl.DataFrame) -> pl.DataFrame:
    """Adds `usage_micro` as the sum of the zones where it is not given."""
    zones = [
        name
        for name in segments.columns
        if name.startswith("usage_") and name.endswith("_micro") and name != "usage_micro"
    ]
    if not zones:
        return segments
    known = pl.any_horizontal(pl.col(name).is_not_null() for name in zones)
    total = pl.when(known).then(pl.sum_horizontal(zones))
    if "usage_micro" in segments.columns:
        if not segments["usage_micro"].null_count():
            return segments
        return segments.with_columns(pl.coalesce("usage_micro", total).alias("usage_micro"))
    return segments.with_columns(total.alias("usage_micro"))


def _with_rounded_parts(
    tariffs: TariffSet, columns: dict[str, pl.Series], edition: Ints, starts: Ints
) -> dict[str, pl.Series]:
    """Rounds the parts of use of split periods, for tariffs with `split_usage`: running totals are rounded,
    parts are differences.
    """
    roundings = [edition.tariff.use_rounding for edition in tariffs.editions]
    if not len(starts) or not any(roundings):
        return columns
    last = np.append(starts[1:], len(edition)) - 1
    is_last = np.zeros(len(edition), dtype=bool)
    is_last[last] = True
    first_of = np.repeat(starts, np.diff(np.append(starts, len(edition))))
    for name in _use_names(tariffs, columns):
        series = columns[name]
        known = series.fill_null(0).to_numpy()
        running = np.cumsum(known)
        upto = running - running[first_of] + known[first_of]
        rounded = upto.copy()
        for rounding in {rounding for rounding in roundings if rounding is not None}:
            of_tariff = np.array([other == rounding for other in roundings])[edition] & ~is_last
            if of_tariff.any():
                value = rational.column(pl.Series(upto[of_tariff]), scale=MICRO)
                whole = rational.round_to(value, step=rounding.step, mode=rounding.mode)
                rounded[of_tariff] = rational.to_int64(whole, per_unit=MICRO).to_numpy()
        before = np.concatenate((np.zeros(1, dtype=np.int64), rounded[:-1]))
        before[starts] = 0
        parts = pl.Series(rounded - before)
        nothing = pl.Series([None], dtype=pl.Int64).new_from_index(0, len(parts))
        columns[name] = parts.zip_with(series.is_not_null(), nothing)
    return columns


def _use_names(tariffs: TariffSet, columns: Mapping[str, pl.Series]) -> list[str]:
    measured = {f"{name}_micro" for name in tariffs.quantities}
    return [
        name
        for name in columns
        if name in measured or (name.startswith("usage_") and name.endswith("_micro"))
    ]


def _is_sorted(segments: pl.DataFrame) -> bool:
    item, day = segments["item_id"].to_numpy(), segments["from_date"].cast(pl.Int32).to_numpy()
    return bool(np.all((item[1:] > item[:-1]) | ((item[1:] == item[:-1]) & (day[1:] > day[:-1]))))


def _editions(tariffs: TariffSet, codes: pl.Series, first: Ints) -> tuple[Ints, Ints, npt.NDArray[np.bool_]]:
    """Edition and season number of each row, worked out once for each pair of tariff and day; and rows
    without a version.
    """
    numbers = {code: number for number, code in enumerate(tariffs.by_code)}
    tariff = codes.replace_strict(
        list(numbers), list(numbers.values()), default=MISSING, return_dtype=pl.Int64
    ).to_numpy()
    if len(first) and tariff.min() == tariff.max() and first.min() == first.max():
        unique, places = (
            np.array([tariff[0] * 2**32 + first[0] + 2**31]),
            np.zeros(len(first), dtype=np.int64),
        )
    else:
        unique, places = np.unique(tariff * 2**32 + first + 2**31, return_inverse=True)
    seasons = {name: number for number, name in enumerate(tariffs.vocabulary.get(SEASON_KEY, ()))}
    edition, season = np.zeros(len(unique), dtype=np.int64), np.zeros(len(unique), dtype=np.int64)
    missing = np.zeros(len(unique), dtype=bool)
    known = list(tariffs.by_code.values())
    for at, packed in enumerate(unique.tolist()):
        number, day = packed // 2**32, date.fromordinal(packed % 2**32 - 2**31 + _EPOCH)
        version = known[number].find_version(day) if number != MISSING else None
        if version is None:
            missing[at] = True
            continue
        edition[at] = tariffs.edition_number[known[number].code, version.valid_from]
        season[at] = seasons.get(known[number].season_of(day), len(seasons))
    return edition[places], season[places], missing[places]


def _refused(
    tariffs: TariffSet,
    items: Ints,
    starts: Ints,
    days: Mapping[str, Ints],
    codes: pl.Series,
    no_version: npt.NDArray[np.bool_],
) -> dict[int, tuple[str, str]]:
    """Items whose segments do not cover their period, are of several tariffs, or have no version in force."""
    if not len(items):
        return {}
    later = np.ones(len(items), dtype=bool)
    later[starts] = False
    previous = np.maximum(np.arange(len(items)) - 1, 0)
    last = np.append(starts[1:], len(items)) - 1
    broken = days["to_date"] <= days["from_date"]
    broken |= later & (days["from_date"] != days["to_date"][previous])
    for name in ("period_from", "period_to"):
        broken |= later & (days[name] != days[name][previous])
    broken[starts] |= days["from_date"][starts] != days["period_from"][starts]
    broken[last] |= days["to_date"][last] != days["period_to"][last]
    code_changes = later & (codes != codes.gather(pl.Series(previous))).to_numpy()
    found: dict[int, tuple[str, str]] = {}
    for flags, code, message in (
        (code_changes, "tariffs-mixed", "The segments of the item are of different tariffs."),
        (broken, "segments-do-not-cover", "The segments of the item do not adjoin and cover its period."),
    ):
        found.update((int(item), (code, message)) for item in items[flags])
    for row in np.flatnonzero(no_version):
        code = codes[int(row)]
        known = code in tariffs.by_code
        message = (
            f"Tariff {code} has no version in force on "
            f"{date.fromordinal(int(days['from_date'][row]) + _EPOCH)}."
            if known
            else f"There is no tariff {code}."
        )
        found[int(items[row])] = ("no-version" if known else "no-tariff", message)
    return found
