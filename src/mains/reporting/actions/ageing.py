"""Keep the ageing of a date, so that pages read a few rows instead of the whole ledger."""

from datetime import date, datetime

import polars as pl
from django.db import connection, transaction

from mains.base.columns import append_frame
from mains.ledger.queries.open_items import age_open_items
from mains.reporting.models import AgeingFigure


def rebuild_ageing(*, on_date: date, now: datetime) -> int:
    """Compute the ageing at the end of `on_date` as known at `now`, in place of an earlier one; its rows.

    Run it when a month is billed and when registers are accepted, or nightly. It reads the whole ledger.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            # The ledger is sorted once by account; with the usual memory that goes through files.
            cursor.execute("SET LOCAL work_mem = '256MB'")
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('reporting_ageing'))")
        figures = age_open_items(on_date=on_date, as_of=now)
        AgeingFigure.objects.filter(on_date=on_date).delete()
        return append_frame(
            figures.with_columns(on_date=pl.lit(on_date), computed_at=pl.lit(now)), "reporting_ageingfigure"
        )
