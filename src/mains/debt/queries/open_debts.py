"""Open debts with the interest accrued on them, and the day after which they are time-barred."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from mains.base.rows import fetch_rows
from mains.debt.queries.interest import accrued_by_item
from mains.debt.queries.terms import LimitationRecord, list_limitation_terms
from mains.debt.values import Interruption
from mains.staff.values import Scope

_OPEN = """
    SELECT e.id, e.account_id, a.number, mains_name(k.name), e.kind, e.provider_id, coalesce(p.name, ''), e.service,
           coalesce(e.due_date, e.business_date), e.amount_minor, e.amount_minor - coalesce(c.minor, 0), c.paid_on,
           CASE WHEN h.minor >= e.amount_minor - coalesce(c.minor, 0) THEN h.due_date END, r.lifted_on
    FROM ledger_entry e
    JOIN customers_account a ON a.id = e.account_id
    JOIN customers_customer k ON k.id = a.customer_id
    LEFT JOIN customers_party p ON p.id = e.provider_id
    LEFT JOIN LATERAL (
        SELECT sum(l.amount_minor) AS minor,
               max(f.business_date) FILTER (WHERE f.kind = 'payment') AS paid_on
        FROM (
            SELECT credit_id, sum(amount_minor) AS amount_minor FROM ledger_allocation
            WHERE item_id = e.id GROUP BY 1 HAVING sum(amount_minor) <> 0
        ) l JOIN ledger_entry f ON f.id = l.credit_id AND f.account_id = e.account_id
    ) c ON true
    LEFT JOIN LATERAL (
        SELECT max(s.upto) AS minor,
               min(s.due_date) FILTER (WHERE e.amount_minor - coalesce(c.minor, 0) > s.upto - s.minor) AS due_date
        FROM (
            SELECT due_date, sum(amount_minor) AS minor,
                   sum(sum(amount_minor)) OVER (ORDER BY due_date DESC) AS upto
            FROM ledger_deferral WHERE item_id = e.id AND business_date <= %(today)s
            GROUP BY 1 HAVING sum(amount_minor) > 0
        ) s
    ) h ON true
    LEFT JOIN LATERAL (
        SELECT max(business_date) AS lifted_on FROM (
            SELECT business_date FROM ledger_deferral WHERE item_id = e.id AND business_date <= %(today)s
            GROUP BY 1, plan_id HAVING sum(amount_minor) < 0
        ) l
    ) r ON true
    WHERE e.amount_minor > 0 AND e.amount_minor > coalesce(c.minor, 0)
"""


@dataclass(frozen=True)
class _Row:
    item_id: int
    account_id: int
    number: str
    customer_name: str
    kind: str
    provider_id: int
    provider_name: str
    service: str
    due_date: date
    amount_minor: int
    outstanding_minor: int
    last_paid_on: date | None
    deferred_to: date | None
    lifted_on: date | None


@dataclass(frozen=True, kw_only=True)
class OpenDebt:
    """A debt that is not covered in full; where an instalment plan holds, `due_date` is that of its next instalment.

    `accrued_minor` is interest until today that is not posted yet;
    `barred_after` is the last day of its limitation, None where no rule says."""

    item_id: int
    account_id: int
    number: str
    customer_name: str
    kind: str
    provider_id: int
    provider_name: str
    service: str
    due_date: date
    amount_minor: int
    outstanding_minor: int
    accrued_minor: int
    barred_after: date | None


def list_open_debts(*, account_id: int, today: date) -> list[OpenDebt]:
    """An account's open debts, oldest first, with interest accrued until the end of `today`."""
    rows = fetch_rows(
        _Row,
        f"{_OPEN} AND e.account_id = %(account_id)s ORDER BY 9, 1",
        {"account_id": account_id, "today": today},
    )
    accrued = accrued_by_item(account_id=account_id, until=today)
    terms = list_limitation_terms()
    found = [_debt(row, terms, accrued.get(row.item_id, 0)) for row in rows]
    return sorted(found, key=lambda one: (one.due_date, one.item_id))


def list_barred(*, scope: Scope, by: date, service: str = "", limit: int = 500) -> list[OpenDebt]:
    """Open debts of the scope whose limitation ends by a day, the oldest first, without accrued interest."""
    terms = list_limitation_terms()
    if not terms:
        return []
    least = min(one.years for one in terms)
    rows = fetch_rows(
        _Row,
        f"{_OPEN} AND e.due_date <= %(latest)s"
        " AND (%(organisation_ids)s::bigint[] IS NULL OR e.organisation_id = ANY(%(organisation_ids)s))"
        " AND (%(service)s = '' OR e.service = %(service)s) ORDER BY 9, 1 LIMIT %(limit)s",
        {
            "latest": _years_later(by, -least),
            "today": by,
            "organisation_ids": None if scope.organisation_ids is None else list(scope.organisation_ids),
            "service": service,
            "limit": limit,
        },
    )
    found = [_debt(row, terms, 0) for row in rows]
    return [one for one in found if one.barred_after is not None and one.barred_after <= by]


def _debt(row: _Row, terms: Sequence[LimitationRecord], accrued_minor: int) -> OpenDebt:
    return OpenDebt(
        item_id=row.item_id,
        account_id=row.account_id,
        number=row.number,
        customer_name=row.customer_name,
        kind=row.kind,
        provider_id=row.provider_id,
        provider_name=row.provider_name,
        service=row.service,
        due_date=row.deferred_to or row.due_date,
        amount_minor=row.amount_minor,
        outstanding_minor=row.outstanding_minor,
        accrued_minor=accrued_minor,
        barred_after=barred_after(
            terms, service=row.service, due_date=_starts(row), last_paid_on=row.last_paid_on
        ),
    )


def _starts(row: _Row) -> date:
    """From when limitation runs: under a plan from its next instalment, after one that ended early from its end."""
    if row.deferred_to is not None:
        return row.deferred_to
    return max(row.due_date, row.lifted_on or row.due_date)


def barred_after(
    terms: Sequence[LimitationRecord], *, service: str, due_date: date, last_paid_on: date | None
) -> date | None:
    """The last day of a debt's limitation: so many years from its due date, or from the last part payment where the
    terms of the due date say that it interrupts. Terms of the service go before those of all."""
    in_force = [
        one
        for one in terms
        if one.service in ("", service)
        and one.valid_from <= due_date
        and (one.valid_to is None or due_date < one.valid_to)
    ]
    if not in_force:
        return None
    rule = max(in_force, key=lambda one: one.service != "")
    start = due_date
    # A payment made after the time was up revives nothing.
    paid = last_paid_on if rule.interruption is Interruption.PART_PAYMENT else None
    if paid is not None and due_date < paid <= _years_later(due_date, rule.years):
        start = paid
    return _years_later(start, rule.years)


def _years_later(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


@dataclass(frozen=True)
class Supply:
    """One provider's service at an account; `credit_minor` is money that no debt has used."""

    provider_id: int
    provider_name: str
    service: str
    credit_minor: int


def list_supplies(*, account_id: int) -> list[Supply]:
    """The account's services and providers by its agreements and entries, with the credit of each."""
    return fetch_rows(
        Supply,
        """
        WITH places AS (
            SELECT g.provider_id, p.service, 0::bigint AS minor
            FROM customers_agreement g JOIN network_servicepoint p ON p.id = g.service_point_id
            WHERE g.account_id = %(account_id)s AND g.superseded_at IS NULL
            UNION ALL
            SELECT e.provider_id, e.service, -e.amount_minor - coalesce(u.minor, 0)
            FROM ledger_entry e
            LEFT JOIN (
                SELECT credit_id, sum(amount_minor) AS minor FROM ledger_allocation
                WHERE account_id = %(account_id)s GROUP BY 1
            ) u ON u.credit_id = e.id
            WHERE e.account_id = %(account_id)s AND e.amount_minor < 0
        )
        SELECT l.provider_id, coalesce(p.name, ''), l.service, sum(l.minor)::bigint
        FROM places l LEFT JOIN customers_party p ON p.id = l.provider_id
        GROUP BY 1, 2, 3 ORDER BY 3, 2, 1
        """,
        {"account_id": account_id},
    )
