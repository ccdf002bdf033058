"""What a slice has to rate: agreements by month, with their tariff, and the use of their days.

An item is one agreement in one month. Agreement rows of the same account, service point, tariff and provider that
follow one another without a gap (the category changed, say) are one item, so that the tiers of a month are not
counted twice. The item carries the oldest id that ever spoke of it, also of a row that is no longer believed: when an
agreement is cut at a move, what remains of it is recorded anew, and nothing posted for it must move to another id.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

import numpy as np
import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.balance.queries.frames import read_shares, read_shares_of_points
from mains.base.column_runs import begins_run
from mains.billing.queries.attributes import outside_points
from mains.billing.values import COMMON_USE, FED_IN
from mains.engine.columns import TariffSet
from mains.engine.segments import cut_segments
from mains.metering.queries.frames import read_usage, read_usage_of_points
from mains.metering.values import Zone

_SAME_ITEM = ("account_id", "service_point_id", "tariff_id", "provider_id", "service_month")
_OF_POINT = ("premise_id", "node_id", "point_bucket", "service")
_KEPT = pl.Schema(
    {
        "month": pl.Date(),
        "service_point_id": pl.Int64(),
        "zone": pl.Int16(),
        "days_micro": pl.List(pl.Int64),
        "quality": pl.String(),
    }
)
_COLUMNS = ("days_micro", "quality")
_DENSE_SHARE = 5
"""A month is read slice-wise when it has at least a fifth of the items of the fullest month."""

USAGE_COLUMN_OF_ZONE = {
    Zone.DAY: "usage_day_micro",
    Zone.NIGHT: "usage_night_micro",
    Zone.PEAK: "usage_peak_micro",
    Zone.HALF_PEAK: "usage_half_peak_micro",
}


def make_items(
    *, agreements: pl.DataFrame, months: Sequence[date], changed: pl.DataFrame, editions: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Items of the believed agreements in each of `months`, and in earlier ones of the (service_point_id,
    service_month) pairs of `changed`; and the agreement rows of each item.

    Items: item_id, agreement_id, account_id, service_point_id, tariff_id, tariff, tariff_edition_id, changed_from,
    provider_id, service, premise_id, node_id, point_bucket, service_month, period_from, period_to; `tariff` is null
    where no edition is in force. Agreement rows: item_id, valid_from, valid_to, category, load_class.
    """
    own = pl.DataFrame({"service_month": months}, schema={"service_month": pl.Date})
    earlier = agreements.join(changed.select("service_point_id", "service_month"), on="service_point_id")
    ever = _in_months(pl.concat([agreements.join(own, how="cross"), earlier]))
    clipped = ever.filter("is_believed").sort(*_SAME_ITEM, "period_from", "agreement_id")
    begins = ~pl.all_horizontal(
        *(pl.col(name) == pl.col(name).shift() for name in _SAME_ITEM),
        pl.col("period_from") == pl.col("period_to").shift(),
    ).fill_null(value=False)
    rows = clipped.with_columns(item_id=begins.cast(pl.Int64).cum_sum())
    first = pl.col("agreement_id", *_OF_POINT).first()
    oldest = ever.group_by(_SAME_ITEM).agg(oldest_id=pl.col("agreement_id").min())
    # Two stretches of one supply in a month, with a gap between them, keep ids of their own.
    begins_supply = begins_run(*_SAME_ITEM)
    is_only = begins_supply & begins_supply.shift(-1, fill_value=True)
    items = (
        rows.group_by("item_id", *_SAME_ITEM, maintain_order=True)
        .agg(first, pl.col("period_from").first(), pl.col("period_to").last())
        .join(oldest, on=_SAME_ITEM, how="left", maintain_order="left")
        .with_columns(agreement_id=pl.when(is_only).then("oldest_id").otherwise("agreement_id"))
        .drop("oldest_id")
        .join(editions, on="tariff_id", how="left", maintain_order="left")
    )
    return items, rows.select(
        "item_id", "category", "load_class", valid_from="period_from", valid_to="period_to"
    )


def read_item_usage(
    *, connection: Connection, items: pl.DataFrame, buckets: range, as_of: datetime
) -> dict[str, pl.DataFrame]:
    """The use of the items' months by name of the engine's column: item_id, first_date, days_micro, quality.

    `usage_micro` has a row for every item: the sum of the point's registers; all zero and without quality where
    nothing is stored. Zone columns, and that of what is fed in, have rows for the items that have such a register.
    """
    dense, sparse = _by_density(items, buckets)
    kept = [pl.DataFrame(schema=_KEPT)]
    if not sparse.is_empty():
        of_points = read_usage_of_points(
            connection=connection,
            months=sorted(sparse["service_month"].unique()),
            as_of=as_of,
            service_point_ids=sparse["service_point_id"].unique().sort(),
            columns=_COLUMNS,
        )
        kept.append(of_points.select(_KEPT.names()))
    for month, part in dense:
        of_slice = _usage_of_slice(connection, part, month, buckets, as_of)
        kept.append(of_slice.select(_KEPT.names()))
    return usage_columns(items, pl.concat(kept))


def read_item_shares(
    *,
    connection: Connection,
    tariffs: TariffSet,
    items: pl.DataFrame,
    buckets: range,
    as_of: datetime,
    has_shares: bool = True,
) -> pl.DataFrame | None:
    """What the items' service points were given of the remainders of nodes: item_id, first_date, days_micro.

    Items that were given nothing have no row, and nobody has one without `has_shares`. None where no tariff reads it.
    """
    if COMMON_USE not in tariffs.quantities:
        return None
    if not has_shares:
        return pl.DataFrame(
            schema={"item_id": pl.Int64, "first_date": pl.Date, "days_micro": pl.List(pl.Int64)}
        )
    dense, sparse = _by_density(items, buckets)
    shares = read_shares_of_points(
        connection=connection,
        months=sorted(sparse["service_month"].unique()),
        as_of=as_of,
        service_point_ids=sparse["service_point_id"].unique().sort(),
    )
    found = [shares]
    for month, part in dense:
        of_slice = read_shares(
            connection=connection,
            month=month,
            as_of=as_of,
            buckets=buckets,
            service_point_ids=outside_points(part, buckets),
        )
        found.append(of_slice.select(pl.lit(month).alias("month"), "service_point_id", "days_micro"))
    return (
        items.select("item_id", "service_point_id", month="service_month")
        .join(pl.concat(found), on=["service_point_id", "month"])
        .select("item_id", "days_micro", first_date="month")
        .select("item_id", "first_date", "days_micro")
    )


def _by_density(items: pl.DataFrame, buckets: range) -> tuple[list[tuple[date, pl.DataFrame]], pl.DataFrame]:
    """Items by month, of the months in which so many are wanted that all of the slice is read; and the other items."""
    counts = dict(items.group_by("service_month").len().iter_rows())
    most = max(counts.values(), default=0)
    dense = {month for month, count in counts.items() if buckets and count * _DENSE_SHARE >= most}
    is_dense = pl.col("service_month").is_in(list(dense))
    parts = [(month, items.filter(pl.col("service_month") == month)) for month in sorted(dense)]
    return parts, items.filter(~is_dense)


def cut_items(
    *,
    items: pl.DataFrame,
    tariffs: TariffSet,
    attributes: Mapping[str, pl.DataFrame],
    usage: Mapping[str, pl.DataFrame],
    shares: pl.DataFrame | None,
) -> pl.DataFrame:
    """Segments of items (item_id, tariff, period_from, period_to), as the rating takes them.

    `usage` as `read_item_usage` gives it, `shares` as `read_item_shares` does; None where no tariff reads them.
    """
    days = {name: frame.select("item_id", "first_date", "days_micro") for name, frame in usage.items()}
    if shares is None:
        return cut_segments(items=items, tariffs=tariffs, attributes=attributes, usage=days)
    name = f"{COMMON_USE}_micro"
    segments = cut_segments(items=items, tariffs=tariffs, attributes=attributes, usage=days | {name: shares})
    # Whoever was given nothing has no days of it.
    return segments.with_columns(pl.col(name).fill_null(0))


def _in_months(agreements: pl.DataFrame) -> pl.DataFrame:
    """The days of each agreement within its `service_month`; without those that have none."""
    month = pl.col("service_month")
    following = month.dt.offset_by("1mo")
    return agreements.with_columns(
        period_from=pl.max_horizontal("valid_from", month),
        period_to=pl.min_horizontal(pl.col("valid_to").fill_null(following), following),
    ).filter(pl.col("period_from") < pl.col("period_to"))


def _usage_of_slice(
    connection: Connection, items: pl.DataFrame, month: date, buckets: range, as_of: datetime
) -> pl.DataFrame:
    outside = outside_points(items, buckets)
    rows = [read_usage(connection=connection, month=month, as_of=as_of, buckets=buckets, columns=_COLUMNS)]
    if not outside.is_empty():
        rows.append(
            read_usage(
                connection=connection, month=month, as_of=as_of, service_point_ids=outside, columns=_COLUMNS
            )
        )
    return pl.concat(rows)


def usage_columns(items: pl.DataFrame, usage: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The use of the items by name of the engine's column, as `read_item_usage` gives it.

    `usage`: month, service_point_id, zone, days_micro, quality of the items' service points.
    """
    usage = usage.select("month", "service_point_id", "zone", "days_micro", "quality")
    points = items.select("item_id", "service_point_id", month="service_month")
    found = points.join(usage, on=["service_point_id", "month"])
    fed_in = found.filter(pl.col("zone") == int(Zone.EXPORT))
    if not fed_in.is_empty():
        found = found.filter(pl.col("zone") != int(Zone.EXPORT))
    columns = {"usage_micro": _total(found, points)}
    if not fed_in.is_empty():
        columns[f"{FED_IN}_micro"] = fed_in
    for zone, name in USAGE_COLUMN_OF_ZONE.items():
        of_zone = found.filter(pl.col("zone") == int(zone))
        if not of_zone.is_empty():
            columns[name] = of_zone
    return {
        name: frame.select("item_id", pl.col("month").alias("first_date"), "days_micro", "quality")
        for name, frame in columns.items()
    }


def _total(found: pl.DataFrame, points: pl.DataFrame) -> pl.DataFrame:
    """One row per item: the sum over its registers' zones; the quality letters of its weakest zone are kept apart."""
    columns = ("item_id", "month", "days_micro", "quality")
    found = found.with_columns(is_alone=~pl.col("item_id").is_duplicated())
    single = found.filter("is_alone").select(columns)
    several = found.filter(~pl.col("is_alone")).sort("item_id", "zone").select(columns)
    missing = (
        points.select("item_id", "month")
        .join(found, on="item_id", how="anti")
        .with_columns(
            days_micro=pl.lit(0, pl.Int64).repeat_by(pl.col("month").dt.days_in_month()),
            quality=pl.lit(""),
        )
    )
    lengths = several["days_micro"].list.len()
    summed = [_summed(several.filter(lengths == length)) for length in lengths.unique().sort()]
    return pl.concat([single, *summed, missing])


def _summed(several: pl.DataFrame) -> pl.DataFrame:
    """Items whose months are equally long."""
    starts = np.flatnonzero(several.select(pl.col("item_id").is_first_distinct())["item_id"].to_numpy())
    days = several["days_micro"].explode(empty_as_null=False).to_numpy().reshape(several.height, -1)
    summed = np.add.reduceat(days, starts, axis=0)
    return several[starts].with_columns(days_micro=pl.Series(summed).arr.to_list())
