"""How many months one bill covers, of an account or of classes; and the bills that wait for their invoice."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl
from django.db.backends.postgresql.psycopg_any import DateRange

from mains.base.columns import fetch_frame
from mains.base.rows import fetch_rows
from mains.invoicing.models import AccountInterval, ClassInterval, DeferredBill
from mains.invoicing.queries.groups import scope_params
from mains.invoicing.values import Interval
from mains.kernel.invoice_numbers import invoice_number
from mains.kernel.period import next_month
from mains.staff.values import EVERYTHING, Scope

# What holds for a bill `b` on the last day of its month: the account's own choice, or the shortest interval of the
# classes of its agreements. An account without agreements in the month has no class.
_CHOICE = """
    LEFT JOIN invoicing_accountinterval o ON o.account_id = b.account_id AND o.superseded_at IS NULL
     AND o.valid @> (b.month + interval '1 month - 1 day')::date
    LEFT JOIN LATERAL (
        SELECT coalesce(c.months, 1) AS months, c.closes_in, upper(c.valid) AS valid_to
        FROM customers_agreement g
        LEFT JOIN invoicing_classinterval c ON c.category = g.category AND c.superseded_at IS NULL
         AND c.valid @> (b.month + interval '1 month - 1 day')::date
        WHERE g.account_id = b.account_id AND g.superseded_at IS NULL
          AND g.valid && daterange(b.month, (b.month + interval '1 month')::date)
        ORDER BY 1, c.id LIMIT 1
    ) k ON o.id IS NULL
"""
_CHOSEN = """
    coalesce(o.months, k.months, 1)::int, coalesce(o.closes_in, k.closes_in),
    CASE WHEN o.id IS NULL THEN k.valid_to ELSE upper(o.valid) END
"""
_NEW = f"""
    SELECT b.month, b.id, b.account_id, a.number, b.organisation_id, b.issued_on, b.due_on, r.kind = 'monthly',
           {_CHOSEN}, coalesce(o.instalments, '[]'::jsonb)::text
    FROM billing_bill b JOIN billing_billrun r ON r.id = b.run_id JOIN customers_account a ON a.id = b.account_id
    {_CHOICE}
    WHERE b.month = ANY(%(months)s) AND b.run_id = ANY(%(runs)s) AND r.kind <> 'on_site'
      AND coalesce(o.months, k.months, 1) > 1
      AND NOT EXISTS (SELECT FROM invoicing_deferredbill d WHERE d.bill_id = b.id)
      AND NOT EXISTS (SELECT FROM invoicing_groupmember m WHERE m.account_id = b.account_id
                      AND m.superseded_at IS NULL AND m.valid @> (b.month + interval '1 month - 1 day')::date)
      AND NOT EXISTS (SELECT FROM invoicing_shareplan s WHERE s.account_id = b.account_id
                      AND s.superseded_at IS NULL AND jsonb_array_length(s.shares) > 0
                      AND s.valid @> (b.month + interval '1 month - 1 day')::date)
    ORDER BY b.account_id, b.month, b.id
"""
_HELD = f"""
    SELECT b.month, b.id, b.account_id, b.organisation_id, b.issued_on, b.due_on, b.amount_minor, {_CHOSEN},
           NOT EXISTS (SELECT FROM customers_agreement g
                       WHERE g.account_id = b.account_id AND g.superseded_at IS NULL
                         AND (upper_inf(g.valid) OR upper(g.valid) >= (b.month + interval '1 month')::date))
    FROM invoicing_deferredbill d JOIN billing_bill b ON b.month = d.bill_month AND b.id = d.bill_id
    {_CHOICE}
    WHERE NOT EXISTS (SELECT FROM invoicing_invoicepart p
                      WHERE p.is_collective AND p.bill_month = d.bill_month AND p.bill_id = d.bill_id)
      AND (%(everything)s OR b.organisation_id = ANY(%(reached)s))
      AND (%(account)s::bigint IS NULL OR b.account_id = %(account)s)
    ORDER BY b.account_id, b.month, b.id
"""


@dataclass(frozen=True)
class NewBill:
    """A posted bill of a month for which an interval of several months holds, not looked at yet."""

    month: date
    bill_id: int
    account_id: int
    account_number: str
    organisation_id: int
    issued_on: date
    due_on: date
    is_monthly: bool
    interval: Interval
    instalments: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class HeldBill:
    """A bill that waits for its invoice, with the month for which that is drawn up. `is_gone`: nobody is supplied any
    more at the end of its month, so that nothing more is to come."""

    month: date
    bill_id: int
    account_id: int
    organisation_id: int
    issued_on: date
    due_on: date
    amount_minor: int
    is_gone: bool
    closing: date


@dataclass(frozen=True)
class WaitingSpan:
    """Charges of accounts that are asked for with the invoices of one month, in minor units."""

    closing: date
    accounts: int
    bills: int
    amount_minor: int


@dataclass(frozen=True, kw_only=True)
class Asking:
    """What asks for a bill's charges: the invoice of this number, or one for the month `closing` that is to come."""

    number: str = ""
    closing: date | None = None


@dataclass(frozen=True, kw_only=True)
class IntervalRecord:
    """How many months one bill covers since when: of an account, or of a class."""

    category: str
    months: int
    closes_in: date
    valid_from: date
    valid_to: date | None
    instalments: tuple[tuple[str, int], ...]
    proof: str

    @property
    def last_day(self) -> date | None:
        return self.valid_to - timedelta(days=1) if self.valid_to else None


def list_account_intervals(*, account_id: int) -> list[IntervalRecord]:
    """What the account chose, by date."""
    found = AccountInterval.objects.filter(account_id=account_id, superseded_at=None).order_by("valid")
    return [_record(one, "", one.instalments) for one in found]


def list_class_intervals() -> list[IntervalRecord]:
    """What holds for classes, by class and date."""
    found = ClassInterval.objects.filter(superseded_at=None).order_by("category", "valid")
    return [_record(one, one.category, []) for one in found]


def has_intervals() -> bool:
    """Whether any bill of several months was ever agreed."""
    return AccountInterval.objects.exists() or ClassInterval.objects.exists()


def is_deferred(*, account_id: int, valid_from: date, valid_to: date | None) -> bool:
    """Whether the account chose one invoice for several months for any of the days."""
    return AccountInterval.objects.filter(
        account_id=account_id,
        superseded_at=None,
        months__gt=1,
        valid__overlap=DateRange(valid_from, valid_to),
    ).exists()


def is_deferred_bill(*, bill_id: int) -> bool:
    """Whether an invoice for several months asks for the bill, one that was issued or one that is to come."""
    return DeferredBill.objects.filter(bill_id=bill_id).exists()


def list_new_bills(*, runs: Sequence[tuple[int, date]]) -> list[NewBill]:
    """Bills of posted runs (id, month) that wait for a later invoice; by account. Bills at the door are paid there."""
    found = fetch_frame(
        _NEW,
        {"runs": [run for run, _month in runs], "months": sorted({month for _run, month in runs})},
        schema={
            "month": pl.Date,
            "bill_id": pl.Int64,
            "account_id": pl.Int64,
            "account_number": pl.String,
            "organisation_id": pl.Int64,
            "issued_on": pl.Date,
            "due_on": pl.Date,
            "is_monthly": pl.Boolean,
            "months": pl.Int64,
            "closes_in": pl.Date,
            "valid_to": pl.Date,
            "instalments": pl.String,
        },
    )
    bills = []
    for row in found.iter_rows(named=True):
        interval, instalments = _interval(row), _instalments(json.loads(row.pop("instalments")))
        assert interval is not None, "More than one month was chosen."
        bills.append(NewBill(**row, interval=interval, instalments=instalments))
    return bills


def list_held_bills(*, scope: Scope = EVERYTHING, account_id: int | None = None) -> list[HeldBill]:
    """Bills that wait for their invoice, by account, month and id. What is stated no more
    lets a bill wait no longer."""
    found = fetch_frame(
        _HELD,
        scope_params(scope) | {"account": account_id},
        schema={
            "month": pl.Date,
            "bill_id": pl.Int64,
            "account_id": pl.Int64,
            "organisation_id": pl.Int64,
            "issued_on": pl.Date,
            "due_on": pl.Date,
            "amount_minor": pl.Int64,
            "months": pl.Int64,
            "closes_in": pl.Date,
            "valid_to": pl.Date,
            "is_gone": pl.Boolean,
        },
    )
    held = []
    for row in found.iter_rows(named=True):
        interval = _interval(row)
        waits = interval is not None and not row["is_gone"]
        held.append(
            HeldBill(**row, closing=interval.closing(row["month"]) if interval and waits else row["month"])
        )
    return held


def list_waiting_spans(*, scope: Scope) -> list[WaitingSpan]:
    """What was charged and waits for its invoice, by the month for which that is drawn up."""
    spans: dict[date, list[HeldBill]] = {}
    for bill in list_held_bills(scope=scope):
        spans.setdefault(bill.closing, []).append(bill)
    return [
        WaitingSpan(
            closing, len({bill.account_id for bill in bills}), len(bills), sum(b.amount_minor for b in bills)
        )
        for closing, bills in sorted(spans.items())
    ]


def last_billed_month() -> date | None:
    """The latest month whose run is posted."""
    found = fetch_frame(
        "SELECT max(month) FROM billing_billrun WHERE kind = 'monthly' AND status = 'posted'",
        schema={"month": pl.Date},
    )
    last: date | None = found["month"][0]
    return last


def open_month(*, today: date) -> date:
    """The first month that is not billed yet; a choice can hold from it on. Before any run, that of the day."""
    last = last_billed_month()
    return next_month(last) if last else today.replace(day=1)


def find_asking(*, month: date, bill_id: int, account_id: int) -> Asking | None:
    """The invoice of whole bills that has the bill, or the month for which it will be; None where it asks itself."""
    found = fetch_rows(
        invoice_number,
        "SELECT DISTINCT i.kind, i.id FROM invoicing_invoicepart p JOIN invoicing_invoice i ON i.id = p.invoice_id"
        " WHERE p.is_collective AND p.bill_month = %(month)s AND p.bill_id = %(bill)s",
        {"month": month, "bill": bill_id},
    )
    if found:
        return Asking(number=found[0])
    waits = [bill for bill in list_held_bills(account_id=account_id) if bill.bill_id == bill_id]
    return Asking(closing=waits[0].closing) if waits else None


def _interval(row: dict[str, Any]) -> Interval | None:
    """What holds for a row with months, closes_in and valid_to, which it is left without."""
    months, closes_in, valid_to = (row.pop(name) for name in ("months", "closes_in", "valid_to"))
    if closes_in is None:
        return None
    return Interval(months=months, closes_in=closes_in, valid_to=valid_to)


def _record(one: AccountInterval | ClassInterval, category: str, instalments: Any) -> IntervalRecord:
    return IntervalRecord(
        category=category,
        months=one.months,
        closes_in=one.closes_in,
        valid_from=one.valid.lower,
        valid_to=one.valid.upper,
        instalments=_instalments(instalments),
        proof=one.proof,
    )


def _instalments(stored: Any) -> tuple[tuple[str, int], ...]:
    return tuple((one["service"], int(one["amount_minor"])) for one in stored)
