"""Whose bills are divided among payers, by which shares, and which bills wait for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from mains.base.columns import fetch_frame
from mains.billing.values import bill_number
from mains.invoicing.models import SharedBill, SharePlan
from mains.invoicing.values import Charge, Share
from mains.kernel.period import next_month

_BILLS = """
    SELECT b.month, b.id, b.account_id, b.issued_on, b.due_on, r.kind = 'monthly',
           min(e.business_date), array_agg(e.id ORDER BY e.id)
    FROM (SELECT DISTINCT account_id FROM invoicing_shareplan
          WHERE superseded_at IS NULL AND jsonb_array_length(shares) > 0) s
    JOIN billing_bill b ON b.account_id = s.account_id
    JOIN billing_billrun r ON r.id = b.run_id AND r.status = 'posted'
    JOIN ledger_entry e ON e.account_id = b.account_id AND e.kind = 'bill' AND e.document_id = b.id
    WHERE (%(accounts)s::bigint[] IS NULL OR b.account_id = ANY(%(accounts)s))
      AND NOT EXISTS (SELECT FROM invoicing_sharedbill d WHERE d.bill_id = b.id)
      AND EXISTS (
          SELECT FROM billing_billline l JOIN invoicing_shareplan p ON p.account_id = b.account_id
          WHERE l.month = b.month AND l.bill_id = b.id AND p.superseded_at IS NULL
            AND jsonb_array_length(p.shares) > 0
            AND p.valid @> (l.service_month + interval '1 month - 1 day')::date)
    GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 3, 1, 2
"""
_LINES = """
    SELECT l.service_month, g.provider_id, p.service, l.component, sum(l.amount_minor)::bigint
    FROM billing_billline l JOIN customers_agreement g ON g.id = l.agreement_id
    JOIN network_servicepoint p ON p.id = l.service_point_id
    WHERE l.month = %(month)s AND l.bill_id = %(bill)s AND l.kind <> 'tax_included'
    GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""


@dataclass(frozen=True)
class BillToShare:
    """A posted bill with its open items, that is not divided yet."""

    month: date
    bill_id: int
    account_id: int
    issued_on: date
    due_on: date
    is_monthly: bool
    business_date: date
    entry_ids: tuple[int, ...]

    @property
    def number(self) -> str:
        return bill_number(self.month, self.bill_id)


@dataclass(frozen=True, kw_only=True)
class PlanRecord:
    """Who pays what of an account's charges from a day on."""

    valid_from: date
    valid_to: date | None
    shares: tuple[Share, ...]
    proof: str


def list_plans(*, account_id: int) -> list[PlanRecord]:
    """The account's share plans that are believed, by date."""
    return [
        PlanRecord(
            valid_from=plan.valid.lower,
            valid_to=plan.valid.upper,
            shares=tuple(Share(**share) for share in plan.shares),
            proof=plan.proof,
        )
        for plan in SharePlan.objects.filter(account_id=account_id, superseded_at=None).order_by("valid")
    ]


def list_bills_to_share(*, account_ids: Sequence[int] | None) -> list[BillToShare]:
    """Posted bills with a charge of a day for which shares are stated, that were not divided yet; by account."""
    found = fetch_frame(
        _BILLS,
        {"accounts": None if account_ids is None else list(account_ids)},
        schema={
            "month": pl.Date,
            "bill_id": pl.Int64,
            "account_id": pl.Int64,
            "issued_on": pl.Date,
            "due_on": pl.Date,
            "is_monthly": pl.Boolean,
            "business_date": pl.Date,
            "entry_ids": pl.List(pl.Int64),
        },
    )
    rows = found.iter_rows(named=True)
    return [BillToShare(**row | {"entry_ids": tuple(row["entry_ids"])}) for row in rows]


def charges_of(bill: BillToShare) -> tuple[list[Charge], list[Share]]:
    """The bill's charges, each with the shares of the last day of its month of use; and the fixed shares, which only a
    month's own bill has, so that a correction takes no second one."""
    plans = list_plans(account_id=bill.account_id)
    lines = fetch_frame(
        _LINES,
        {"month": bill.month, "bill": bill.bill_id},
        schema={
            "service_month": pl.Date,
            "provider_id": pl.Int64,
            "service": pl.String,
            "component": pl.String,
            "amount_minor": pl.Int64,
        },
    )
    charges = [
        Charge(
            provider_id=row["provider_id"],
            service=row["service"],
            component=row["component"],
            amount_minor=row["amount_minor"],
            shares=_on(plans, row["service_month"]),
        )
        for row in lines.iter_rows(named=True)
    ]
    own = _on(plans, bill.month) if bill.is_monthly else ()
    return charges, [share for share in own if share.amount_minor is not None]


def passed_on_of_bill(*, account_id: int, bill_id: int) -> int:
    """What of a bill other payers took over, in minor units."""
    shared = SharedBill.objects.filter(account_id=account_id, bill_id=bill_id)
    return shared.values_list("shared_minor", flat=True).first() or 0


def divided_of_bill(*, bill_id: int) -> dict[tuple[int, str], dict[int, int]]:
    """What each other payer owes of a bill, in minor units by the payer's account, of each provider's service."""
    found = fetch_frame(
        """
        SELECT p.provider_id, p.service, i.account_id, sum(p.amount_minor)::bigint
        FROM invoicing_invoice i JOIN invoicing_invoicepart p ON p.invoice_id = i.id
        WHERE i.kind = 'shared' AND i.source_bill_id = %(bill)s GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
        """,
        {"bill": bill_id},
        schema={
            "provider_id": pl.Int64,
            "service": pl.String,
            "payer_id": pl.Int64,
            "amount_minor": pl.Int64,
        },
    )
    divided: dict[tuple[int, str], dict[int, int]] = {}
    for provider_id, service, payer_id, minor in found.iter_rows():
        divided.setdefault((provider_id, service), {})[payer_id] = minor
    return divided


def units_of_accounts(account_ids: Sequence[int]) -> dict[int, int]:
    """The organisation of each account."""
    found = fetch_frame(
        "SELECT id, organisation_id FROM customers_account WHERE id = ANY(%(ids)s)",
        {"ids": list(account_ids)},
        schema={"id": pl.Int64, "organisation_id": pl.Int64},
    )
    return dict(found.iter_rows())


def _on(plans: Sequence[PlanRecord], month: date) -> tuple[Share, ...]:
    day = next_month(month) - timedelta(days=1)
    return next(
        (
            plan.shares
            for plan in plans
            if plan.valid_from <= day and (plan.valid_to is None or day < plan.valid_to)
        ),
        (),
    )
