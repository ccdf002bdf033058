"""What service points of each class use on average: the forecast of those without a history of their own."""

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.billing.values import RunPlan
from mains.metering.actions.usage import average_use


def class_averages(*, connection: Connection, plan: RunPlan) -> pl.DataFrame:
    """Average use by class and zone in the run's sample of buckets: the same in every process, and again in a replay.

    Columns as `average_use` gives them.
    """
    return average_use(
        connection=connection,
        buckets=range(plan.sample_buckets),
        month=plan.month,
        as_of=plan.facts_as_of,
    )
