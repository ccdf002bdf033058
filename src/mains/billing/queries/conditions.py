"""What tariffs read of conditions of supply at service points, as dated attributes of items."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.billing.queries.pieces import complement_of, within
from mains.billing.queries.run_tariffs import RunTariffs
from mains.billing.values import FLAG_WORDS
from mains.network.queries.conditions import read_conditions
from mains.network.values import FILLED_ATTRIBUTES

_DATED = ("item_id", "valid_from", "valid_to", "value")
_VALUES = {
    "number": pl.col("value_micro"),
    "text": pl.col("word"),
    "flag": pl.col("word").replace_strict(FLAG_WORDS, default=None, return_dtype=pl.Boolean),
}


def read_told_conditions(
    *,
    connection: Connection,
    tariffs: RunTariffs,
    items: pl.DataFrame,
    figures: Mapping[str, pl.DataFrame],
    from_date: date,
    to_date: date,
    as_of: datetime,
) -> dict[str, pl.DataFrame]:
    """The columns that conditions tell, as in `read_attributes`: on their days they go before `figures` of the network,
    which count on the others."""
    told = [*_told(tariffs, items)]
    if not told:
        return {}
    conditions = read_conditions(
        connection=connection,
        service_point_ids=items["service_point_id"].unique().sort(),
        names=sorted({name for name, _kind, _items in told}),
        from_date=from_date,
        to_date=to_date,
        as_of=as_of,
    )
    found: dict[str, pl.DataFrame] = {}
    for name, kind, readers in told:
        column = f"{name}_micro" if kind == "number" else name
        found[column] = _over(figures.get(column), readers, conditions.filter(pl.col("name") == name), kind)
    return found


def _told(tariffs: RunTariffs, items: pl.DataFrame) -> Iterator[tuple[str, str, pl.DataFrame]]:
    """The attributes that conditions may tell, by name and kind, with the items whose tariffs read them so."""
    readers: dict[tuple[str, str], list[str]] = {}
    for tariff in tariffs.compiled.tariffs:
        for name in {*tariff.read_figures, *tariff.read_words} - FILLED_ATTRIBUTES:
            readers.setdefault((name, tariff.attributes[name].kind), []).append(tariff.code)
    for (name, kind), codes in sorted(readers.items()):
        yield name, kind, items.filter(pl.col("tariff").cast(pl.String).is_in(codes))


def _over(
    figures: pl.DataFrame | None, items: pl.DataFrame, conditions: pl.DataFrame, kind: str
) -> pl.DataFrame:
    """The conditions of the items, and what figures say on the other days."""
    periods = items.select("item_id", "service_point_id", "period_from", "period_to")
    rows = (
        periods.join(conditions, on="service_point_id")
        .with_columns(
            value=_VALUES[kind],
            valid_from=pl.max_horizontal("valid_from", "period_from"),
            valid_to=pl.min_horizontal(pl.col("valid_to").fill_null(pl.col("period_to")), "period_to"),
        )
        .filter(pl.col("valid_from") < pl.col("valid_to"), pl.col("value").is_not_null())
        .select(_DATED)
        .sort("item_id", "valid_from")
    )
    if figures is None or rows.is_empty():
        return rows if figures is None else figures
    told = periods.join(rows.select("item_id").unique(), on="item_id", how="semi")
    others = figures.join(told, on="item_id", how="anti").select(_DATED)
    rest = within(figures.select(_DATED), complement_of(told, rows))
    return pl.concat([rows, others, rest]).sort("item_id", "valid_from")
