"""What a what-if must know before its slices: accounts, months without stored use, averages for forecasts."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.base.db import read_frame
from mains.billing.models import BillRun
from mains.billing.queries.whatif.drafts import compile_drafts
from mains.billing.queries.whatif.shares import share_sources
from mains.billing.queries.whatif.slices import WhatIfPlan
from mains.billing.values import COMMON_USE, RunKind, RunStatus, count_sample_buckets
from mains.kernel.period import month_start
from mains.metering.actions.seasons import read_seasons
from mains.metering.actions.usage import keep_averages
from mains.tariffs.queries.editions import list_editions


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
    stored = _months_with_use(as_of)
    return [month for month in months if month not in stored]


def _months_with_use(as_of: datetime) -> frozenset[date]:
    posted = BillRun.objects.filter(kind=RunKind.MONTHLY, status=RunStatus.POSTED, facts_as_of__lte=as_of)
    return frozenset(posted.values_list("month", flat=True))


def draws_on(*, connection: Connection, plan: WhatIfPlan, accounts: int) -> WhatIfPlan:
    """The plan with what its months to come are forecast from, and with where the shares of its months come from."""
    sample = range(count_sample_buckets(accounts))
    editions = list_editions(connection=connection, as_of=plan.as_of, known_since=plan.as_of)
    reads_shares = COMMON_USE in compile_drafts(editions, plan.drafts).run.compiled.quantities
    return replace(
        plan,
        seasons=read_seasons(
            connection=connection,
            months=plan.months,
            as_of=plan.as_of,
            sample=sample,
            stored_months=_months_with_use(plan.as_of),
        ),
        shares=share_sources(connection=connection, months=plan.months, as_of=plan.as_of)
        if reads_shares
        else {},
    )


def average_of_classes(*, connection: Connection, plan: WhatIfPlan, accounts: int) -> pl.DataFrame:
    """The average use of each class for points without a history, by month up to the present one.

    Columns as `keep_averages` gives them. What is computed for it must not be committed: the first run of a month
    decides its averages, not a trial.
    """
    present = month_start(plan.as_of.date())
    buckets = range(count_sample_buckets(accounts))
    months = sorted({min(month, present) for month in plan.projected_months})
    return keep_averages(connection=connection, samples=[(month, buckets, plan.as_of) for month in months])
