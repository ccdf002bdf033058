"""What a what-if must know before its slices: accounts, months without stored use, averages for forecasts."""

from collections.abc import Sequence
from datetime import date, datetime

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.base.db import read_frame
from mains.billing.models import BillRun
from mains.billing.queries.whatif.slices import WhatIfPlan
from mains.billing.values import RunKind, RunStatus, count_sample_buckets
from mains.kernel.period import month_start
from mains.metering.actions.usage import keep_averages


def count_accounts(*, connection: Connection) -> tuple[int, int]:
    """How many accounts there are, and the largest id."""
    found = read_frame(
        "SELECT count(*) AS accounts, coalesce(max(id), 0) AS last FROM customers_account",
        connection=connection,
    )
    return int(found["accounts"][0]), int(found["last"][0])


def months_without_use(*, months: Sequence[date], as_of: datetime) -> list[date]:
    """Those of the months for which no monthly run has stored daily use: they are computed from readings and forecast.

    Use that final settlements have stored of a few service points does not make a month."""
    posted = BillRun.objects.filter(
        kind=RunKind.MONTHLY, status=RunStatus.POSTED, month__in=months, facts_as_of__lte=as_of
    )
    stored = set(posted.values_list("month", flat=True))
    return [month for month in months if month not in stored]


def average_of_classes(*, connection: Connection, plan: WhatIfPlan, accounts: int) -> pl.DataFrame:
    """The average use of each class for points without a history, by month up to the present one.

    Columns as `keep_averages` gives them. What is computed for it must not be committed: the first run of a month
    decides its averages, not a trial.
    """
    present = month_start(plan.as_of.date())
    buckets = range(count_sample_buckets(accounts))
    months = sorted({min(month, present) for month in plan.projected_months})
    return keep_averages(connection=connection, samples=[(month, buckets, plan.as_of) for month in months])
