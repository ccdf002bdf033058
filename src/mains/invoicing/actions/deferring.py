"""Bills that are asked for every few months: charges wait until an invoice over several months is drawn up.

The runs post every month as always; what waits is only when it is due and what paper asks for it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import TypeVar

import polars as pl
from django.db import connection, transaction

from mains.base.columns import append_frame, fetch_frame
from mains.customers.queries.records import find_account
from mains.invoicing.actions.advances import issue_advance
from mains.invoicing.actions.collective import DUE_DAYS
from mains.invoicing.models import DeferredBill, Invoice, InvoicePart
from mains.invoicing.queries.advances import Expected, supplies_of_account
from mains.invoicing.queries.intervals import (
    HeldBill,
    NewBill,
    has_intervals,
    last_billed_month,
    list_held_bills,
    list_new_bills,
)
from mains.invoicing.values import InvoiceKind, months_after
from mains.ledger.actions.reallocation import reallocate
from mains.staff.values import EVERYTHING

_CHUNK = 2_000
Row = TypeVar("Row")
_RUNS = """
    SELECT r.id, r.month FROM billing_billrun r
    WHERE r.status = 'posted' AND NOT EXISTS (SELECT FROM invoicing_lookedrun l WHERE l.run_id = r.id)
    ORDER BY r.id
"""
_ITEMS = """
    SELECT e.id AS item_id, e.account_id, e.document_id AS bill_id, e.provider_id, e.service, e.amount_minor,
           e.due_date, e.business_date,
           coalesce((SELECT max(h.due_date) FROM (
               SELECT due_date FROM ledger_deferral f WHERE f.item_id = e.id AND f.plan_id IS NULL
               GROUP BY due_date HAVING sum(f.amount_minor) > 0) h), e.due_date) AS due_now
    FROM ledger_entry e
    WHERE e.account_id = ANY(%(accounts)s) AND e.kind = 'bill' AND e.document_id = ANY(%(bills)s)
    ORDER BY e.id
"""
_ITEM_SCHEMA: dict[str, type[pl.DataType]] = {
    "item_id": pl.Int64,
    "account_id": pl.Int64,
    "bill_id": pl.Int64,
    "provider_id": pl.Int64,
    "service": pl.String,
    "amount_minor": pl.Int64,
    "due_date": pl.Date,
    "business_date": pl.Date,
    "due_now": pl.Date,
}


@dataclass(frozen=True, kw_only=True)
class Deferred:
    """How many bills began to wait, and how many invoices over several months were issued, for how much in minor
    units."""

    bills: int
    invoices: int
    amount_minor: int


def defer_bills(*, now: datetime) -> Deferred:
    """Look through posted runs once: let bills wait where an interval of several months holds, and invoice what has
    waited long enough, because the month for which an invoice is drawn up is billed, the interval has ended, or the
    account has moved out. Doing it again changes nothing."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('mains deferred bills'))")
        runs = fetch_frame(_RUNS, schema={"run_id": pl.Int64, "month": pl.Date})
        # Only a run adds bills, or ends what they wait for: without a new one there is nothing to do.
        bills = list_new_bills(runs=list(runs.iter_rows())) if has_intervals() and runs.height else []
        for part in _chunks(bills):
            _hold(part, now=now)
        issued = list(_invoice_all(now=now)) if has_intervals() and runs.height else []
        append_frame(runs.select("run_id", recorded_at=pl.lit(now)), "invoicing_lookedrun")
    _push_on(now=now)
    return Deferred(bills=len(bills), invoices=len(issued), amount_minor=sum(issued))


def _hold(bills: Sequence[NewBill], *, now: datetime) -> None:
    DeferredBill.objects.bulk_create(
        DeferredBill(bill_id=bill.bill_id, bill_month=bill.month, account_id=bill.account_id, recorded_at=now)
        for bill in bills
    )
    closing = {bill.bill_id: bill.interval.closing(bill.month) for bill in bills}
    wanted = {
        bill.bill_id: _months_on(bill.due_on, bill.month, closing[bill.bill_id])
        for bill in bills
        if closing[bill.bill_id] > bill.month
    }
    _keep_due_dates(_items(bills), wanted, since=None, now=now)
    for bill in bills:
        if bill.is_monthly and closing[bill.bill_id] > bill.month:
            _ask_for_instalments(bill, now=now)


def _ask_for_instalments(bill: NewBill, *, now: datetime) -> None:
    """What is asked for in advance for a month in between, of services that the account still has."""
    if not bill.instalments:
        return
    account = find_account(number=bill.account_number, scope=EVERYTHING, on_date=bill.issued_on)
    assert account is not None, "A bill has an account."
    supplied = supplies_of_account(account_id=bill.account_id, on_date=bill.issued_on)
    for service, minor in bill.instalments:
        if service in supplied:
            issue_advance(
                account=account,
                service=service,
                expected=Expected(amount_minor=minor),
                issued_on=bill.issued_on,
                due_on=bill.due_on,
                actor=None,
                now=now,
            )


def _invoice_all(*, now: datetime) -> Iterator[int]:
    """Invoice what has waited long enough, account by account; the amounts."""
    last = last_billed_month()
    held = [bill for bill in list_held_bills() if bill.is_gone or (last is not None and bill.closing <= last)]
    accounts = [list(bills) for _account, bills in groupby(held, key=lambda bill: bill.account_id)]
    for part in _chunks(accounts):
        yield from _invoice(part, now=now)


def _invoice(accounts: Sequence[Sequence[HeldBill]], *, now: datetime) -> list[int]:
    bills = [bill for own in accounts for bill in own]
    items, issued_on = _items(bills), now.date()
    sums = items.group_by("account_id").agg(pl.col("amount_minor").cast(pl.Int128).sum())
    amounts = dict(sums.iter_rows())
    invoices: list[Invoice] = []
    due: dict[int, date] = {}
    for own in accounts:
        said = max(bill.due_on for bill in own)
        due_on = said if said >= issued_on else issued_on + timedelta(days=DUE_DAYS)
        due |= dict.fromkeys([bill.bill_id for bill in own], due_on)
        invoices.append(
            Invoice(
                kind=InvoiceKind.PERIOD,
                month=max(bill.month for bill in own),
                account_id=own[0].account_id,
                organisation_id=own[0].organisation_id,
                amount_minor=int(amounts.get(own[0].account_id, 0)),
                issued_on=issued_on,
                due_on=due_on,
                recorded_at=now,
            )
        )
    made = {invoice.account_id: invoice for invoice in Invoice.objects.bulk_create(invoices)}
    InvoicePart.objects.bulk_create(_parts(bills, items, made))
    _keep_due_dates(items, due, since=issued_on, now=now)
    return [invoice.amount_minor for invoice in invoices]


def _parts(
    bills: Sequence[HeldBill], items: pl.DataFrame, made: dict[int | None, Invoice]
) -> Iterator[InvoicePart]:
    months = {bill.bill_id: bill.month for bill in bills}
    rows = items.group_by("account_id", "bill_id", "provider_id", "service", maintain_order=True).agg(
        pl.col("amount_minor").sum()
    )
    for row in rows.iter_rows(named=True):
        yield InvoicePart(
            invoice=made[row["account_id"]], bill_month=months[row["bill_id"]], is_collective=True, **row
        )


def _push_on(*, now: datetime) -> None:
    """Charges whose invoice is late, because its month's run is, are not due before it."""
    today, last = now.date(), last_billed_month()
    if last is None or last >= months_after(today, -1) or not has_intervals():
        return
    for bills in _chunks(list_held_bills()):
        with transaction.atomic():
            items = _items(bills).filter(pl.col("due_now") < today)
            late = dict.fromkeys(items["bill_id"].to_list(), today + timedelta(days=DUE_DAYS))
            _keep_due_dates(items, late, since=today, now=now)


def _keep_due_dates(
    items: pl.DataFrame, wanted: dict[int, date], *, since: date | None, now: datetime
) -> None:
    """Let the debts of bills be due on the day wanted, from a business date on (None: from that of each debt on)."""
    days = pl.DataFrame(
        {"bill_id": list(wanted), "wanted": list(wanted.values())},
        schema={"bill_id": pl.Int64, "wanted": pl.Date},
    )
    moved = (
        items.join(days, on="bill_id", maintain_order="left")
        .filter((pl.col("amount_minor") > 0) & (pl.col("wanted") != pl.col("due_now")))
        .with_columns(
            business_date=pl.col("business_date") if since is None else pl.lit(since),
        )
    )
    if moved.is_empty():
        return
    common = {
        "plan_id": pl.lit(None, pl.Int64),
        "is_first": pl.lit(value=False),
        "rests": pl.lit(value=False),
        "recorded_at": pl.lit(now),
    }
    place = ["account_id", "item_id", "business_date"]
    lifted = moved.filter(pl.col("due_now") != pl.col("due_date")).select(
        *place, due_date="due_now", amount_minor=-pl.col("amount_minor"), **common
    )
    held = moved.filter(pl.col("wanted") != pl.col("due_date")).select(
        *place, "amount_minor", due_date="wanted", **common
    )
    rows = pl.concat([lifted, held.select(lifted.columns)])
    append_frame(rows, "ledger_deferral")
    reallocate(account_ids=moved["account_id"].unique().sort().to_list(), now=now)


def _chunks(listed: Sequence[Row]) -> Iterator[Sequence[Row]]:
    return (listed[start : start + _CHUNK] for start in range(0, len(listed), _CHUNK))


def _items(bills: Sequence[NewBill] | Sequence[HeldBill]) -> pl.DataFrame:
    return fetch_frame(
        _ITEMS,
        {
            "accounts": sorted({bill.account_id for bill in bills}),
            "bills": [bill.bill_id for bill in bills],
        },
        schema=_ITEM_SCHEMA,
    )


def _months_on(due_on: date, month: date, closing: date) -> date:
    """The due date of a bill, so many months later as its invoice is drawn up later."""
    later = (closing.year - month.year) * 12 + closing.month - month.month
    first = months_after(due_on.replace(day=1), later)
    last = months_after(first, 1) - timedelta(days=1)
    return min(first + timedelta(days=due_on.day - 1), last)
