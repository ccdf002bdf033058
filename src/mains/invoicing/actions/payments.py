"""Take in money that names an invoice: spread over its accounts, or kept as its advance."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl
from django.db import models, transaction

from mains.invoicing.models import Invoice, InvoiceCancellation, InvoicePart, InvoicePayment
from mains.invoicing.queries.payments import WaitingReceipt, list_waiting, numbers_of_accounts
from mains.invoicing.values import InvoiceKind, in_proportion, round_shares
from mains.ledger.actions.advances import AdvancePlace, draw_advances
from mains.ledger.actions.allocation import allocate_credits, lock_allocation
from mains.ledger.queries.deferrals import list_deferrals
from mains.ledger.queries.open_items import open_items
from mains.ledger.queries.order import allocate_with_plans
from mains.ledger.queries.policies import list_policies
from mains.payments.actions.suspense import keep_as_advance, spread_receipt


@dataclass(frozen=True, kw_only=True)
class Taken:
    """How many receipts went to invoices, and how much in minor units."""

    count: int
    amount_minor: int


def take_payments(*, now: datetime, actor: models.Model | None = None) -> Taken:
    """Take every receipt in suspense that names one invoice. One that names several, or an invoice that is cancelled or
    not there, stays in suspense for a person. Doing it again takes nothing more."""
    taken = [receipt for receipt in list_waiting() if take_payment(receipt=receipt, now=now, actor=actor)]
    return Taken(count=len(taken), amount_minor=sum(receipt.amount_minor for receipt in taken))


def take_payment(*, receipt: WaitingReceipt, now: datetime, actor: models.Model | None = None) -> bool:
    """Give one receipt in suspense to the invoice that it names; whether it could. It counts from the day it was paid,
    or from the first open day. Raises UnableToIdentifyReceipt when somebody was quicker."""
    with transaction.atomic():
        invoice = Invoice.objects.select_for_update().filter(pk=receipt.invoice_id, kind=receipt.kind).first()
        if invoice is None or InvoiceCancellation.objects.filter(invoice=invoice).exists():
            return False
        lock_allocation()
        actor_id = actor.pk if actor else None
        if invoice.kind == InvoiceKind.ADVANCE:
            keep_as_advance(
                receipt_id=receipt.id,
                place=_advance_place(invoice),
                business_date=receipt.paid_on,
                now=now,
                actor_id=actor_id,
            )
            draw_advances(account_ids=_accounts_of(invoice), now=now)
        else:
            shares = spread(
                account_ids=_accounts_of(invoice),
                amounts=_amounts_of(invoice),
                amount_minor=receipt.amount_minor,
                on_date=receipt.paid_on,
                now=now,
            )
            numbers = numbers_of_accounts(list(shares))
            spread_receipt(
                receipt_id=receipt.id,
                shares=[(account, numbers[account], minor) for account, minor in shares.items()],
                business_date=receipt.paid_on,
                now=now,
                actor_id=actor_id,
            )
        InvoicePayment.objects.create(
            invoice=invoice,
            receipt_id=receipt.id,
            amount_minor=receipt.amount_minor,
            recorded_at=now,
            recorded_by_id=actor.pk if actor else None,
        )
    return True


def spread(
    *,
    account_ids: Sequence[int],
    amounts: dict[int, int],
    amount_minor: int,
    on_date: date,
    now: datetime,
) -> dict[int, int]:
    """What each account of an invoice gets of a payment: its debts and those of all others stand in one row, in the
    order of the policy of the day, and the money covers them from the beginning. What is over goes by what the invoice
    asks for, whole units by the largest remainders. The sum is the payment, exactly."""
    allocate_credits(account_ids=account_ids, now=now)
    items = open_items(account_ids=account_ids)
    owners = dict(items.select("item_id", "account_id").iter_rows())
    made = allocate_with_plans(
        items=items.with_columns(account_id=pl.lit(0, pl.Int64)),
        funds=pl.DataFrame(
            {"account_id": [0], "credit_id": [0], "paid_on": [on_date], "available_minor": [amount_minor]}
        ),
        policies=list_policies(),
        among_services=True,
        deferrals=list_deferrals(account_ids=account_ids),
    )
    shares: dict[int, int] = {}
    for item_id, minor in made.select("item_id", "amount_minor").iter_rows():
        shares[owners[item_id]] = shares.get(owners[item_id], 0) + minor
    rest = amount_minor - sum(shares.values())
    if rest:
        weights = {account: max(0, amounts.get(account, 0)) for account in account_ids}
        for account, minor in round_shares(in_proportion(weights, total=rest), total=rest).items():
            shares[account] = shares.get(account, 0) + minor
    return {account: minor for account, minor in sorted(shares.items()) if minor}


def _accounts_of(invoice: Invoice) -> list[int]:
    if invoice.account_id is not None:
        return [int(invoice.account_id)]
    parts = InvoicePart.objects.filter(invoice=invoice).values_list("account_id", flat=True)
    return sorted(set(parts))


def _amounts_of(invoice: Invoice) -> dict[int, int]:
    amounts: dict[int, int] = {}
    for account_id, minor in InvoicePart.objects.filter(invoice=invoice).values_list(
        "account_id", "amount_minor"
    ):
        amounts[account_id] = amounts.get(account_id, 0) + minor
    return amounts


def _advance_place(invoice: Invoice) -> AdvancePlace:
    part = InvoicePart.objects.get(invoice=invoice)
    return AdvancePlace(
        advance_id=int(invoice.pk),
        account_id=part.account_id,
        organisation_id=invoice.organisation_id,
        provider_id=part.provider_id,
        service=part.service,
    )
