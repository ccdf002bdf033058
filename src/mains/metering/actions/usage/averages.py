"""Class averages by month: computed from a sample once, then kept."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.base.db import execute
from mains.metering.actions.usage.facts import compute_use, read_slice_facts
from mains.metering.queries.frames import read_class_averages
from mains.metering.values import Zone

NO_AVERAGES = pl.DataFrame(
    schema={"class_code": pl.String, "zone": pl.Int16, "use_micro": pl.Int64, "days": pl.Int64}
)

NO_CLASS = ""
"""Stands in a kept month in which nobody of the sample was measured, so that it is not looked at again."""

_NOBODY = pl.DataFrame(
    {"class_code": [NO_CLASS], "zone": [int(Zone.TOTAL)], "use_micro": [0], "days": [1]},
    schema=NO_AVERAGES.schema,
)


def keep_averages(*, connection: Connection, samples: Sequence[tuple[date, range, datetime]]) -> pl.DataFrame:
    """The averages of months, each with its sample of buckets and the instant whose facts count; those not yet kept
    are computed and kept, in the connection's transaction.

    Columns: month, class_code, zone, use_micro, days (the average per day is use_micro / days).
    """
    months = [month for month, _, _ in samples]
    kept = read_class_averages(connection=connection, months=months)
    known = set(kept["month"].to_list())
    missing = [sample for sample in samples if sample[0] not in known]
    for month, buckets, as_of in missing:
        found = _average_use(connection, buckets, month, as_of)
        for row in (_NOBODY if found.is_empty() else found).iter_rows(named=True):
            # Another run may keep the same month's at the same time; the first one counts for both.
            execute(
                "INSERT INTO metering_classaverage (month, class_code, zone, use_micro, days, recorded_at)"
                " VALUES (%(month)s, %(class_code)s, %(zone)s, %(use_micro)s, %(days)s, %(as_of)s)"
                " ON CONFLICT DO NOTHING",
                row | {"month": month, "as_of": as_of},
                connection=connection,
            )
    kept = read_class_averages(connection=connection, months=months) if missing else kept
    return kept.filter(pl.col("class_code") != NO_CLASS)


def averages_of(averages: pl.DataFrame, month: date) -> pl.DataFrame:
    """One month's averages in the engine's columns."""
    return averages.filter(pl.col("month") == month).select(NO_AVERAGES.columns)


def _average_use(connection: Connection, buckets: range, month: date, as_of: datetime) -> pl.DataFrame:
    """Average use per day by class and zone in the two months before `month`; only series whose days all come from
    readings, and from no act besides, count."""
    facts = read_slice_facts(
        connection=connection, buckets=buckets, month=month, first_month=month, as_of=as_of, known_since=as_of
    )
    if facts.points.is_empty():
        return NO_AVERAGES
    result = compute_use(
        facts, month=month - timedelta(days=62), month_to=month, as_of=as_of, class_averages=NO_AVERAGES
    )
    measured = result.usage.filter(~pl.col("quality").str.contains("[^MA]"))
    classes = facts.points.select("service_point_id", "class_code").drop_nulls().unique("service_point_id")
    return (
        measured.join(classes, on="service_point_id")
        .group_by("class_code", "zone")
        .agg(
            use_micro=pl.col("total_micro").sum(),
            days=pl.col("quality").str.len_bytes().cast(pl.Int64).sum(),
        )
        .sort("class_code", "zone")
        .select(pl.col(name).cast(kind) for name, kind in NO_AVERAGES.schema.items())
    )
