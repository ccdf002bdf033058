"""Points whose readings contradict one another are remembered: a run that reads half a year would not see it again."""

from datetime import datetime

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.base.db import Writer, copy_frame
from mains.engine.usage import CONTRADICTING
from mains.metering.queries.contradictions import read_contradicted_points


def note_contradictions(
    *,
    connection: Connection,
    writer: Writer,
    exceptions: pl.DataFrame,
    service_point_ids: pl.Series,
    as_of: datetime,
) -> None:
    """Write down of which of the service points, all judged by everything ever read, readings contradict one another
    now and did not before, or no more. `exceptions` are the engine's of these points."""
    now = exceptions.filter(pl.col("code").is_in(CONTRADICTING))["service_point_id"].drop_nulls().unique()
    before = read_contradicted_points(connection=connection, as_of=as_of)
    before = before.filter(before.is_in(service_point_ids.implode()))
    found = pl.concat(
        [
            now.filter(~now.is_in(before.implode())).to_frame().with_columns(stands=pl.lit(value=True)),
            before.filter(~before.is_in(now.implode())).to_frame().with_columns(stands=pl.lit(value=False)),
        ]
    )
    if not found.is_empty():
        rows = found.sort("service_point_id").with_columns(recorded_at=pl.lit(as_of))
        copy_frame(rows, "metering_contradiction", connection=writer)
