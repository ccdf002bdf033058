"""What service points of each class use on average: the forecast of those without a history of their own."""

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.billing.values import RunPlan
from mains.metering.actions.usage import keep_averages


def class_averages(*, connection: Connection, plan: RunPlan) -> pl.DataFrame:
    """The averages of the run's month and of all earlier months by class and zone, kept with the first run of each.

    Columns as `keep_averages` gives them. What is computed is written in the connection's transaction.
    """
    return keep_averages(connection=connection, samples=plan.samples)
