"""Ask for money before the use: an advance invoice, which nobody owes and no book shows until it is paid."""

from datetime import date, datetime, timedelta

from django.db import models, transaction

from mains.customers.queries.records import AccountRecord
from mains.invoicing.actions.collective import DUE_DAYS
from mains.invoicing.actions.refusals import UnableToInvoice
from mains.invoicing.models import Invoice, InvoiceCancellation, InvoicePart, InvoicePayment
from mains.invoicing.queries.advance_vat import vat_of_advance
from mains.invoicing.queries.advances import Expected, supplies_of_account
from mains.invoicing.values import InvoiceKind

_MAX_MINOR = 10**15


def issue_advance(
    *,
    account: AccountRecord,
    service: str,
    expected: Expected,
    issued_on: date,
    due_on: date | None = None,
    note: str = "",
    actor: models.Model | None,
    now: datetime,
) -> int:
    """Ask an account for an advance for one of its services, by amount or by expected use; the invoice's id.

    Nothing is posted: it is no receivable and no revenue. What is paid by its number becomes an advance that later
    bills of this service use. Raises UnableToInvoice: the account has no such service on the day, nothing or too much
    is asked for, a due date before the issue.
    """
    place = f"account {account.number}"
    provider_id = supplies_of_account(account_id=account.id, on_date=issued_on).get(service)
    if provider_id is None:
        raise UnableToInvoice(
            code="advance-service",
            message="The account does not pay for this service on the day.",
            place=place,
            remedy="Choose one of the services of its agreements.",
            params={"field": "service"},
        )
    if not 0 < expected.amount_minor <= _MAX_MINOR:
        raise UnableToInvoice(
            code="advance-amount",
            message="An advance is more than nothing, and no more than ten trillion.",
            place=place,
            remedy="State the amount, or a use that costs something.",
            params={"field": "amount"},
        )
    due = due_on or issued_on + timedelta(days=DUE_DAYS)
    if due < issued_on:
        raise UnableToInvoice(
            code="invoice-due",
            message="The invoice would be due before it is issued.",
            place=place,
            remedy="Give a later due date.",
            params={"field": "due_on"},
        )
    with transaction.atomic():
        invoice = Invoice.objects.create(
            kind=InvoiceKind.ADVANCE,
            month=issued_on.replace(day=1),
            account_id=account.id,
            organisation_id=account.organisation_id,
            amount_minor=expected.amount_minor,
            issued_on=issued_on,
            due_on=due,
            note=note.strip()[:200],
            recorded_at=now,
            recorded_by_id=actor.pk if actor else None,
        )
        InvoicePart.objects.create(
            invoice=invoice,
            account_id=account.id,
            provider_id=provider_id,
            service=service,
            quantity_micro=expected.quantity_micro,
            amount_minor=expected.amount_minor,
            vat_ppm=vat_of_advance(provider_id=provider_id, service=service, on_date=issued_on),
        )
    return int(invoice.pk)


def cancel_advance(*, invoice_id: int, reason: str, actor: models.Model | None, now: datetime) -> None:
    """Ask no more for an advance that nobody has paid. Raises UnableToInvoice: paid or cancelled already, no reason."""
    place = f"invoice {invoice_id}"
    reason = " ".join(reason.split())
    with transaction.atomic():
        invoice = Invoice.objects.select_for_update().filter(pk=invoice_id, kind=InvoiceKind.ADVANCE).first()
        if (
            invoice is None
            or InvoiceCancellation.objects.filter(invoice=invoice).exists()
            or InvoicePayment.objects.filter(invoice=invoice).exists()
        ):
            raise UnableToInvoice(
                code="advance-not-open",
                message="Only an advance invoice that nobody has paid is cancelled, once.",
                place=place,
                remedy="Money that came in is used by later bills, or given back by taking its receipt back.",
            )
        if not reason or len(reason) > 200:
            raise UnableToInvoice(
                code="advance-reason",
                message="A cancellation needs a reason, of at most 200 characters.",
                place=place,
                remedy="Write why nothing is asked for any more.",
            )
        InvoiceCancellation.objects.create(
            invoice=invoice, reason=reason, recorded_at=now, recorded_by_id=actor.pk if actor else None
        )
