"""Cuts many items at once into segments: stretches in which tariff version, season and the attributes read
stay the same.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

import numpy as np
import polars as pl

from mains.engine.calendar import start_of_next_unit
from mains.engine.columns.compiled import TariffSet
from mains.engine.facts import MICRO
from mains.engine.tariff.model import Tariff

_FEW_SEGMENTS = 5_000
_DAYS = (pl.col("from_date") - pl.col("first_date")).dt.total_days()


def cut_segments(
    *,
    items: pl.DataFrame,
    tariffs: TariffSet,
    attributes: Mapping[str, pl.DataFrame],
    usage: Mapping[str, pl.DataFrame],
) -> pl.DataFrame:
    """Segments frame for `rate_columns`; inputs and result are described in `mains/engine/README.md`.

    `items`: item_id, tariff, period_from, period_to. `attributes`: column name → item_id, valid_from,
    valid_to, value; the entries of one item do not overlap. `usage`: column name → item_id, first_date,
    days_micro; use is null where the days given do not cover a segment. Only what the item's tariff reads cuts it.
    """
    items = items.with_columns(pl.col("tariff").cast(pl.String))
    read = {name: frame for name, frame in attributes.items() if _readers(tariffs, name)}
    cuts = pl.concat([_tariff_cuts(items, tariffs), _attribute_cuts(items, tariffs, read)])
    # A cut of the tariff stays, whatever the attributes do on that day.
    cuts = (
        cuts.group_by("item_id", "from_date").agg(pl.col("is_tariff_cut").any()).sort("item_id", "from_date")
    )
    segments = cuts.join(items, on="item_id", how="left", maintain_order="left")
    segments = _with_attributes(segments, tariffs, read)
    segments = _merge_alike(segments, list(read))
    for name, frame in usage.items():
        segments = _with_use(segments, name, frame)
    return segments


def cut_alike(one: Tariff, other: Tariff, periods: Iterable[tuple[date, date]]) -> bool:
    """Whether items of these half-open periods are cut into the same segments by either tariff, whatever the facts."""
    read = one.read_attributes
    same_facts = set(read) == set(other.read_attributes) and all(
        one.attributes.get(name) == other.attributes.get(name) for name in read
    )
    return same_facts and all(
        _changes(one, first, end) == _changes(other, first, end) for first, end in periods
    )


def _plain(name: str) -> str:
    return name.removesuffix("_micro")


def _readers(tariffs: TariffSet, name: str) -> list[str]:
    """Codes of the tariffs which read the attribute in column `name`."""
    return [tariff.code for tariff in tariffs.tariffs if _plain(name) in tariff.read_attributes]


def _tariff_cuts(items: pl.DataFrame, tariffs: TariffSet) -> pl.DataFrame:
    """First day of the period, of every version, season and calendar unit that cuts; worked out once per tariff and
    period.
    """
    periods = items.select("tariff", "period_from", "period_to").unique()
    days = [
        _changes(tariffs.by_code.get(code), first, end)
        for code, first, end in periods.select("tariff", "period_from", "period_to").iter_rows()
    ]
    periods = periods.with_columns(pl.Series("from_date", days, dtype=pl.List(pl.Date)))
    joined = items.join(periods, on=["tariff", "period_from", "period_to"], how="left", maintain_order="left")
    return joined.select("item_id", "from_date", is_tariff_cut=pl.lit(value=True)).explode("from_date")


def _changes(tariff: Tariff | None, first: date, end: date) -> list[date]:
    if tariff is None:
        return [first]
    starts = {first} | {version.valid_from for version in tariff.versions if first < version.valid_from < end}
    starts |= {
        version.valid_to for version in tariff.versions if version.valid_to and first < version.valid_to < end
    }
    if tariff.uses_seasons:
        inner = (first + timedelta(days=offset) for offset in range(1, (end - first).days))
        starts |= {day for day in inner if tariff.season_of(day) != tariff.season_of(day - timedelta(days=1))}
    for unit in tariff.calendar_cuts:
        day = start_of_next_unit(first, unit)
        while day < end:
            starts.add(day)
            day = start_of_next_unit(day, unit)
    return sorted(starts)


def _attribute_cuts(
    items: pl.DataFrame, tariffs: TariffSet, attributes: Mapping[str, pl.DataFrame]
) -> pl.DataFrame:
    """Days inside the period on which an entry of an attribute that the item's tariff reads starts or ends."""
    readers = pl.DataFrame(
        [(code, name) for name in attributes for code in _readers(tariffs, name)],
        schema={"tariff": pl.String, "attribute": pl.String},
        orient="row",
    )
    # Most entries last longer than any period, and cut nothing.
    starts_inside = pl.col("valid_from") > pl.lit(items["period_from"].min(), pl.Date)
    ends_inside = pl.col("valid_to") < pl.lit(items["period_to"].max(), pl.Date)
    entries = [
        frame.lazy()
        .filter(starts_inside | ends_inside.fill_null(value=False))
        .select("item_id", "valid_from", "valid_to", attribute=pl.lit(name))
        for name, frame in attributes.items()
    ]
    edges = {"item_id": pl.Int64, "valid_from": pl.Date, "valid_to": pl.Date, "attribute": pl.String}
    dated = (
        pl.concat([pl.LazyFrame(schema=edges), *entries])
        .join(items.lazy().select("item_id", "tariff", "period_from", "period_to"), on="item_id")
        .join(readers.lazy(), on=["tariff", "attribute"], how="semi")
    )
    inside = (pl.col("from_date") > pl.col("period_from")) & (pl.col("from_date") < pl.col("period_to"))
    days = [
        dated.select("item_id", "period_from", "period_to", from_date=column)
        for column in ("valid_from", "valid_to")
    ]
    return (
        pl.concat(days)
        .filter(inside)
        .select("item_id", "from_date", is_tariff_cut=pl.lit(value=False))
        .collect()
    )


def _with_attributes(
    segments: pl.DataFrame, tariffs: TariffSet, attributes: Mapping[str, pl.DataFrame]
) -> pl.DataFrame:
    """Adds each attribute's value in force on the first day of each segment, or the tariff's default; null for
    tariffs that do not read it.
    """
    # One query for all attributes: for a single account, the start of each costs more than its work. For many accounts
    # step by step takes a fraction of it.
    found: pl.DataFrame | pl.LazyFrame = segments if segments.height > _FEW_SEGMENTS else segments.lazy()
    for name, frame in attributes.items():
        entries = _in_order(frame.select("item_id", "valid_from", "valid_to", pl.col("value").alias(name)))
        value = _value(tariffs, name).cast(frame.schema["value"]).alias(name)
        if isinstance(found, pl.DataFrame):
            found = found.join_asof(
                entries, left_on="from_date", right_on="valid_from", by="item_id", check_sortedness=False
            )
        else:
            found = found.join_asof(
                entries.lazy(),
                left_on="from_date",
                right_on="valid_from",
                by="item_id",
                check_sortedness=False,
            )
        found = found.with_columns(value).drop("valid_from", "valid_to")
    return found if isinstance(found, pl.DataFrame) else found.collect()


def _value(tariffs: TariffSet, name: str) -> pl.Expr:
    """The value of the entry joined to a segment."""
    holds = (pl.col("valid_to").is_null() | (pl.col("from_date") < pl.col("valid_to"))) & pl.col(
        "valid_from"
    ).is_not_null()
    value: pl.Expr = pl.when(holds).then(pl.col(name))
    for tariff in tariffs.tariffs:
        kind = tariff.attributes.get(_plain(name))
        if kind is not None and kind.default is not None:
            default = (
                int(kind.default * MICRO)
                if kind.kind == "number" and not isinstance(kind.default, str)
                else kind.default
            )
            value = (
                pl.when(value.is_null() & (pl.col("tariff") == tariff.code))
                .then(pl.lit(default))
                .otherwise(value)
            )
    return pl.when(pl.col("tariff").is_in(_readers(tariffs, name))).then(value)


def _in_order(entries: pl.DataFrame) -> pl.DataFrame:
    """Entries by item and first day; looking whether they are sorted costs far less than sorting them again."""
    item, day = pl.col("item_id"), pl.col("valid_from")
    falls = (item < item.shift()) | ((item == item.shift()) & (day < day.shift()))
    is_sorted = not entries.select(falls.any()).item()
    return entries if is_sorted else entries.sort("item_id", "valid_from")


def _merge_alike(segments: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """Drops cuts at which nothing changed, and closes each segment by the next one's start or the period's
    end.
    """
    first = pl.col("item_id") != pl.col("item_id").shift(1).fill_null(-1)
    differs = [pl.col(name).ne_missing(pl.col(name).shift(1)) for name in names]
    kept = segments.filter(pl.any_horizontal(first, pl.col("is_tariff_cut"), *differs)).drop("is_tariff_cut")
    following = pl.col("from_date").shift(-1)
    same_item = pl.col("item_id").shift(-1) == pl.col("item_id")
    return kept.with_columns(
        to_date=pl.when(same_item.fill_null(value=False)).then(following).otherwise(pl.col("period_to"))
    )


def _with_use(segments: pl.DataFrame, name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Adds the sum of days of each segment, by prefix sums over all items' days laid end to end."""
    lengths = frame["days_micro"].list.len().cast(pl.Int64)
    days = frame["days_micro"].explode(empty_as_null=False).to_numpy()
    # The running sum over all items may wrap; differences within an item are right all the same.
    running = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(days.astype(np.int64))))
    places = frame.select("item_id", "first_date").with_columns(
        day_count=lengths, offset=lengths.cum_sum().shift(1).fill_null(0)
    )
    joined = segments.join(places, on="item_id", how="left", maintain_order="left")
    first = _DAYS
    end = (pl.col("to_date") - pl.col("first_date")).dt.total_days()
    covered = (first >= 0) & (end <= pl.col("day_count"))
    joined = joined.with_columns(
        covered.fill_null(value=False).alias("covered"),
        (pl.col("offset") + first).alias("first"),
        (pl.col("offset") + end).alias("end"),
    )
    known = joined["covered"].to_numpy()
    start_at, end_at = (
        np.where(known, joined[column].fill_null(0).to_numpy(), 0) for column in ("first", "end")
    )
    use = pl.Series(running[end_at] - running[start_at], dtype=pl.Int64)
    nothing = pl.Series([None], dtype=pl.Int64).new_from_index(0, len(use))
    return segments.with_columns(use.zip_with(joined["covered"], nothing).alias(name))
