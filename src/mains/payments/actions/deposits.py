"""Hand the utility's own cash in to a bank, and book it when the bank's file brings it."""

from datetime import date, datetime

import polars as pl
from django.db import IntegrityError, transaction

from mains.kernel.errors import MainsError
from mains.ledger.actions.days import hold_open_days
from mains.ledger.actions.posting import ENTRY_SCHEMA, POSTING_SCHEMA, post_transaction
from mains.ledger.values import Control, TransactionKind
from mains.payments.actions.receipts import suspense_place
from mains.payments.models import BankTransaction, Deposit, DepositArrival
from mains.payments.queries.supply import utility_id
from mains.payments.values import LineState

_SLIP_MAX = 40


class UnableToHandIn(MainsError):
    """The slip has no number, or its number is known."""


def hand_in(
    *,
    slip: str,
    organisation_id: int,
    amount_minor: int,
    handed_on: date,
    now: datetime,
    bank_account_id: int | None = None,
    actor_id: int | None = None,
) -> int:
    """Id of the deposit that a slip is for. Whoever calls posts the cash as being on its way (IN_TRANSIT).

    Raises UnableToHandIn: no number, longer than 40 signs, or handed in before under that number.
    """
    slip = " ".join(slip.split())
    if not 0 < len(slip) <= _SLIP_MAX:
        raise _refusal(slip, "A slip has a number, of 40 signs at most.", "Copy it from the slip.")
    try:
        with transaction.atomic():
            return Deposit.objects.create(
                slip=slip,
                organisation_id=organisation_id,
                bank_account_id=bank_account_id,
                amount_minor=amount_minor,
                handed_on=handed_on,
                recorded_at=now,
                recorded_by_id=actor_id,
            ).pk
    except IntegrityError as error:
        raise _refusal(
            slip, "Cash was handed in with this slip before.", "Give each slip a number of its own."
        ) from error


def book_arrivals(*, statement_id: int, now: datetime) -> None:
    """Post the deposits that a statement's lines brought: out of what is on its way, into the bank."""
    opened = hold_open_days(kind=TransactionKind.DEPOSIT_ARRIVED)
    lines = BankTransaction.objects.filter(statement_id=statement_id, state=LineState.DEPOSIT)
    for line in lines.order_by("position"):
        assert line.deposit_id is not None  # that is what the state says
        deposit = Deposit.objects.get(pk=line.deposit_id)
        DepositArrival.objects.create(deposit=deposit, transaction=line, recorded_at=now)
        sides = [
            (Control.BANK, utility_id(), deposit.amount_minor),
            (Control.IN_TRANSIT, deposit.organisation_id, -deposit.amount_minor),
        ]
        post_transaction(
            kind=TransactionKind.DEPOSIT_ARRIVED,
            source_id=deposit.pk,
            business_date=max(line.booked_on, opened or line.booked_on),
            entries=pl.DataFrame(schema=ENTRY_SCHEMA),
            counterparts=pl.concat(
                pl.DataFrame({"control": [control.value], "amount_minor": [minor]})
                .with_columns(suspense_place(unit))
                .select(*POSTING_SCHEMA)
                for control, unit, minor in sides
            ),
            now=now,
            narrative=f"Deposit {deposit.slip}",
        )


def _refusal(slip: str, message: str, remedy: str) -> UnableToHandIn:
    return UnableToHandIn(code="deposit-slip", message=message, place=f"slip {slip}", remedy=remedy)
