"""Keep the figures of the dashboard, so that its first view reads a few rows instead of the whole utility."""

from datetime import date, datetime

from django.db import connection, transaction

from mains.reporting.actions.ageing import rebuild_ageing
from mains.reporting.models import AccountFigure

_MONTHS = """
    INSERT INTO reporting_monthfigure (run_id, organisation_id, bills, quantity_micro, estimated_days)
    SELECT b.run_id, b.organisation_id, count(*), sum(b.quantity_micro), sum(b.estimated_days)
    FROM billing_billrun r JOIN billing_bill b ON b.month = r.month AND b.run_id = r.id
    WHERE r.status = 'posted' AND NOT EXISTS (SELECT FROM reporting_monthfigure f WHERE f.run_id = r.id)
    GROUP BY 1, 2
    ON CONFLICT DO NOTHING
"""
_ACCOUNTS = """
    INSERT INTO reporting_accountfigure (organisation_id, accounts, unmapped, on_date, computed_at)
    SELECT a.organisation_id, count(*), count(*) FILTER (WHERE r.id IS NULL), %(on_date)s, %(now)s
    FROM customers_account a
    LEFT JOIN customers_responsibility r
        ON r.account_id = a.id AND r.superseded_at IS NULL AND r.valid @> %(on_date)s::date
    WHERE a.closed_on IS NULL AND (%(every)s OR a.organisation_id = %(unit)s)
    GROUP BY 1
"""


def refresh_figures(*, on_date: date, now: datetime) -> None:
    """Bring everything that the dashboard keeps up to `on_date`: months billed, accounts, and the ageing.

    Run it when a month is billed, when registers are accepted, and after imports of the registry.
    """
    rebuild_month_figures()
    rebuild_account_figures(on_date=on_date, now=now)
    rebuild_ageing(on_date=on_date, now=now)


def rebuild_month_figures() -> None:
    """Sum up the bills of posted runs that have no figures yet."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_MONTHS)


def rebuild_account_figures(*, on_date: date, now: datetime, organisation_id: int | None = None) -> None:
    """Count accounts and those without an officer, everywhere or in one unit itself."""
    kept = AccountFigure.objects.all()
    if organisation_id is not None:
        kept = kept.filter(organisation_id=organisation_id)
    with transaction.atomic(), connection.cursor() as cursor:
        kept.delete()
        cursor.execute(
            _ACCOUNTS,
            {"on_date": on_date, "now": now, "every": organisation_id is None, "unit": organisation_id},
        )
