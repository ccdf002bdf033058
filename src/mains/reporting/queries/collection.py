"""Collection at a glance: billed, collected and owed by month and unit, and how old the debt is."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Max, Sum

from mains.ledger.values import Age
from mains.reporting.models import AgeingFigure
from mains.reporting.queries.turnover import CHARGING_WORDS, Figures, turnover
from mains.staff.values import Scope

_MONTHS = f"""
    SELECT date_trunc('month', t.business_date)::date,
           coalesce(sum(p.amount_minor) FILTER (WHERE t.kind IN ({CHARGING_WORDS})), 0)::bigint,
           coalesce(-sum(p.amount_minor) FILTER (
               WHERE t.kind NOT IN ({CHARGING_WORDS}, 'opening')), 0)::bigint,
           sum(p.amount_minor)::bigint
    FROM ledger_posting p JOIN ledger_transaction t ON t.id = p.transaction_id
    WHERE p.control = 'receivable' AND t.business_date < %(month_to)s
      AND (%(everything)s OR p.organisation_id = ANY(%(reached)s))
    GROUP BY 1 ORDER BY 1
"""


@dataclass(frozen=True, kw_only=True)
class CollectionMonth:
    """Minor units: billed with recalculations, collected, and owed at the month's end."""

    month: date
    billed_minor: int
    collected_minor: int
    owed_minor: int


@dataclass(frozen=True, kw_only=True)
class CollectionUnit:
    """The same of one unit with all below it, over a period; `rate_percent` of what was billed, None when
    nothing.
    """

    organisation_id: int
    code: str
    name: str
    billed_minor: int
    collected_minor: int
    owed_minor: int

    @property
    def rate_percent(self) -> int | None:
        """Collected in whole percent of billed, rounded down: 99 is never shown as everything."""
        return self.collected_minor * 100 // self.billed_minor if self.billed_minor > 0 else None


@dataclass(frozen=True, kw_only=True)
class AgeShare:
    """Debt of one age class; `credit` is negative. `accounts` have an item of this age."""

    age: Age
    amount_minor: int
    accounts: int


@dataclass(frozen=True, kw_only=True)
class Ageing:
    """Age classes in order, all of them; they sum to what was owed at the end of `on_date`."""

    on_date: date
    computed_at: datetime
    shares: tuple[AgeShare, ...]

    @property
    def total_minor(self) -> int:
        return sum(share.amount_minor for share in self.shares)


def collection_by_month(*, scope: Scope, month_from: date, month_to: date) -> list[CollectionMonth]:
    """Every month of [month_from, month_to) in order, also those in which nothing moved."""
    params: dict[str, Any] = {
        "month_to": month_to,
        "everything": scope.organisation_ids is None,
        "reached": sorted(scope.organisation_ids or ()),
    }
    with connection.cursor() as cursor:
        cursor.execute(_MONTHS, params)
        moved = {row[0]: row[1:] for row in cursor.fetchall()}
    owed_minor = sum(figures[2] for month, figures in moved.items() if month < month_from)
    found = []
    month = month_from
    while month < month_to:
        billed_minor, collected_minor, change_minor = moved.get(month, (0, 0, 0))
        owed_minor += change_minor
        found.append(
            CollectionMonth(
                month=month, billed_minor=billed_minor, collected_minor=collected_minor, owed_minor=owed_minor
            )
        )
        month = (month + timedelta(days=31)).replace(day=1)
    return found


def collection_by_unit(
    *, scope: Scope, month_from: date, month_to: date, organisation_id: int | None = None
) -> list[CollectionUnit]:
    """The units below the top of the scope, or below the given one. Raises UnableToReportTurnover."""
    level = turnover(
        scope=scope, month_from=month_from, month_to=month_to, organisation_id=organisation_id, limit=1
    )
    return [
        CollectionUnit(
            organisation_id=row.id,
            code=row.code,
            name=row.name,
            billed_minor=_billed(row.figures),
            collected_minor=row.figures.paid_minor,
            owed_minor=row.figures.closing_minor,
        )
        for row in level.rows
        if row.kind != "account"
    ]


def find_ageing(*, scope: Scope, on_date: date | None = None) -> Ageing | None:
    """The kept ageing of the latest date (not after `on_date`), of the scope; None when none is kept."""
    kept = (
        AgeingFigure.objects.all() if on_date is None else AgeingFigure.objects.filter(on_date__lte=on_date)
    )
    latest = kept.aggregate(day=Max("on_date"))["day"]
    if latest is None:
        return None
    figures = AgeingFigure.objects.filter(on_date=latest)
    computed_at = figures.aggregate(at=Max("computed_at"))["at"]
    if scope.organisation_ids is not None:
        figures = figures.filter(organisation_id__in=scope.organisation_ids)
    sums = {
        row["age"]: (row["minor"], row["counted"])
        for row in figures.values("age").annotate(minor=Sum("amount_minor"), counted=Sum("accounts"))
    }
    return Ageing(
        on_date=latest,
        computed_at=computed_at,
        shares=tuple(
            AgeShare(age=age, amount_minor=sums.get(age, (0, 0))[0], accounts=sums.get(age, (0, 0))[1])
            for age in Age
        ),
    )


def _billed(figures: Figures) -> int:
    return figures.accrued_minor + figures.recalculated_minor
