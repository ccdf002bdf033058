"""Issue a collective invoice: it groups posted bills of many accounts, and changes none of them."""

from datetime import date, datetime, timedelta

import polars as pl
from django.db import models, transaction

from mains.base.columns import fetch_frame
from mains.invoicing.actions.refusals import UnableToInvoice
from mains.invoicing.models import Invoice, InvoiceGroup, InvoicePart
from mains.invoicing.queries.groups import GroupRecord
from mains.invoicing.values import InvoiceKind

DUE_DAYS = 14
_BILLS = """
    SELECT b.month, b.id, b.account_id, e.provider_id, e.service, sum(e.amount_minor)::bigint
    FROM invoicing_groupmember m
    JOIN billing_bill b ON b.account_id = m.account_id AND b.month <= %(month)s
     AND m.valid @> (b.month + interval '1 month - 1 day')::date
    JOIN billing_billrun r ON r.id = b.run_id AND r.status = 'posted'
    JOIN ledger_entry e ON e.account_id = b.account_id AND e.kind = 'bill' AND e.document_id = b.id
    WHERE m.group_id = %(group)s AND m.superseded_at IS NULL
      AND NOT EXISTS (SELECT FROM invoicing_invoicepart p WHERE p.is_collective AND p.bill_id = b.id)
      AND NOT EXISTS (SELECT FROM invoicing_deferredbill d WHERE d.bill_id = b.id)
    GROUP BY 1, 2, 3, 4, 5 ORDER BY 3, 1, 2, 4, 5
"""
_SCHEMA = {
    "bill_month": pl.Date,
    "bill_id": pl.Int64,
    "account_id": pl.Int64,
    "provider_id": pl.Int64,
    "service": pl.String,
    "amount_minor": pl.Int64,
}


def preview_collective(*, group: GroupRecord, month: date) -> pl.DataFrame:
    """The bills that the group's invoice of a month would have: bill_month, bill_id, account_id, provider_id, service,
    amount_minor. Bills of earlier months that are on no invoice yet are among them, corrections too."""
    return fetch_frame(_BILLS, {"group": group.id, "month": month}, schema=_SCHEMA)


def issue_collective(
    *,
    group: GroupRecord,
    month: date,
    issued_on: date,
    due_on: date | None = None,
    actor: models.Model | None,
    now: datetime,
) -> int:
    """Put all bills of the group's accounts up to a month that are on no invoice yet on one; its id.

    Nothing is posted. Raises UnableToInvoice: nothing is left to invoice, a due date before the issue.
    """
    assert month.day == 1, f"A month is named by its first day, not {month}."
    due = due_on or issued_on + timedelta(days=DUE_DAYS)
    if due < issued_on:
        raise UnableToInvoice(
            code="invoice-due",
            message="The invoice would be due before it is issued.",
            place=f"group {group.code}",
            remedy="Give a later due date.",
            params={"field": "due_on"},
        )
    with transaction.atomic():
        InvoiceGroup.objects.select_for_update().get(
            pk=group.id
        )  # of two at once the second finds nothing left
        bills = preview_collective(group=group, month=month)
        if bills.is_empty():
            raise UnableToInvoice(
                code="invoice-nothing",
                message=f"No bill up to {month:%Y-%m} is left to invoice.",
                place=f"group {group.code}",
                remedy="Bill the month first, or look at the group's invoices: each bill is on one.",
                params={"month": f"{month:%Y-%m}"},
            )
        invoice = Invoice.objects.create(
            kind=InvoiceKind.COLLECTIVE,
            month=month,
            group_id=group.id,
            organisation_id=group.organisation_id,
            amount_minor=int(bills["amount_minor"].cast(pl.Int128).sum()),
            issued_on=issued_on,
            due_on=due,
            recorded_at=now,
            recorded_by_id=actor.pk if actor else None,
        )
        InvoicePart.objects.bulk_create(
            InvoicePart(invoice=invoice, is_collective=True, **row) for row in bills.iter_rows(named=True)
        )
    return int(invoice.pk)
