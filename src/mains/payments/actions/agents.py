"""What agents do online: ask for a debt, pay, cancel. Who they are and what they may was checked before."""

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from mains.kernel.errors import MainsError
from mains.payments.actions.letters import keep_letter
from mains.payments.actions.machine_receipts import (
    Received,
    UnableToReceive,
    machine_key,
    receive_by_machine,
)
from mains.payments.actions.reversals import UnableToReverseReceipt, reverse_receipt
from mains.payments.actions.tokens import Caller
from mains.payments.models import ChannelDay
from mains.payments.queries.online import (
    MachineReceipt,
    find_debt,
    find_machine_receipt,
    owed_by_channel,
)
from mains.payments.values.online import LetterOperation

_CANCEL_WITHIN = timedelta(hours=24)
_LATE_DAYS = 31
_NUMBER_MAX = 80


class UnableToServeAgent(MainsError):
    """The call cannot be carried out; nothing was changed. `code` is stable, for machines."""


@dataclass(frozen=True, kw_only=True)
class AgentDebt:
    """What to ask the payer for; minor units, `by_service` only what is owed."""

    account: str
    name: str
    owed_minor: int
    credit_minor: int
    by_service: dict[str, int]
    least_minor: int
    most_minor: int | None


@dataclass(frozen=True, kw_only=True)
class AgentPayment:
    """A payment as both sides know it. `is_new` False: this number was received before, and nothing changed."""

    payment_id: str
    account: str
    amount_minor: int
    paid_on: date
    receipt_id: int
    state: str
    is_new: bool


def inquire_debt(*, caller: Caller, account: str) -> AgentDebt:
    """What an account owes. Raises UnableToServeAgent when there is no such account."""
    found = find_debt(number=account.strip()) if account.isprintable() else None
    if found is None:
        raise _refusal("account-unknown", "There is no such account.", account, "Check the number.")
    return AgentDebt(
        account=found.number,
        name=found.name,
        owed_minor=max(found.balance_minor, 0),
        credit_minor=max(-found.balance_minor, 0),
        by_service=json.loads(found.by_service),
        least_minor=caller.least_minor,
        most_minor=caller.most_minor,
    )


def pay(
    *, caller: Caller, payment_id: str, account: str, amount_minor: int, paid_on: date | None, now: datetime
) -> AgentPayment:
    """Receive a payment that an agent took, once per number, on the account or, when nobody has it, in suspense.

    The same number again gives the same answer; with another amount or account it is refused and listed. Raises
    UnableToServeAgent, UnableToReceive.
    """
    today = timezone.localdate(now)
    day = paid_on or today
    _check(caller, payment_id, account, amount_minor, day, today)
    try:
        with transaction.atomic():
            received = receive_by_machine(
                channel_id=caller.channel_id,
                channel_code=caller.code,
                external_id=payment_id,
                account_number=account,
                amount_minor=amount_minor,
                paid_on=day,
                now=now,
            )
            if received.is_new:
                _check_credit(caller)
    except UnableToReceive as error:
        keep_letter(
            channel_id=caller.channel_id,
            operation=LetterOperation.PAY,
            subject=payment_id,
            reason=error.code,
            message=error.message,
            now=now,
        )
        raise
    return _payment(caller, payment_id, received)


def find_payment(*, caller: Caller, payment_id: str) -> AgentPayment:
    """A payment of this agent. Raises UnableToServeAgent when there is none."""
    found = _found(caller, payment_id)
    return _as_payment(payment_id, found, is_new=False)


def cancel(*, caller: Caller, payment_id: str, reason: str, now: datetime) -> AgentPayment:
    """Take a payment of this agent back, within 24 hours and before its day is reconciled; a second time changes
    nothing. Raises UnableToServeAgent."""
    found = _found(caller, payment_id)
    if found.cancelled_at is not None:
        return _as_payment(payment_id, found, is_new=False)
    agreed = ChannelDay.objects.filter(channel_id=caller.channel_id, day=found.paid_on, differences=[])
    if now - found.recorded_at > _CANCEL_WITHIN or agreed.exists():
        raise _refusal(
            "cancel-late",
            "It is too late to cancel this payment.",
            payment_id,
            "Ask the utility to give the money back.",
        )
    try:
        reverse_receipt(
            receipt_id=found.receipt_id,
            reason=f"Cancelled by {caller.title}: {reason}"[:200],
            business_date=max(timezone.localdate(now), found.paid_on),
            now=now,
        )
    except UnableToReverseReceipt as error:
        if error.code != "receipt-reversed":
            raise
    return _as_payment(payment_id, _found(caller, payment_id), is_new=True)


def _check(caller: Caller, payment_id: str, account: str, amount_minor: int, day: date, today: date) -> None:
    texts = (payment_id, account)
    if not all(1 <= len(text) <= _NUMBER_MAX and text.isprintable() for text in texts) or len(account) > 40:
        raise _refusal(
            "number-unreadable",
            "A payment has a number of at most 80 characters and an account of at most 40.",
            payment_id[:_NUMBER_MAX],
            "Send both.",
        )
    if amount_minor < max(caller.least_minor, 1) or amount_minor > min(caller.most_minor or 10**15, 10**15):
        raise _refusal(
            "amount-limit",
            "The amount is outside the agent's limits.",
            payment_id,
            "Ask for the limits with the debt.",
        )
    if not today - timedelta(days=_LATE_DAYS) <= day <= today:
        raise _refusal(
            "paid-on",
            "The day of payment lies in the future or more than a month back.",
            payment_id,
            "Send the day on which the payer paid; older payments come in a register.",
        )


def _check_credit(caller: Caller) -> None:
    """An agent with a limit owes no more than it, this payment included: one call after the other."""
    if caller.credit_minor is None:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtext('channel_credit'), %s)", [caller.channel_id % 2**31]
        )
    if owed_by_channel(channel_id=caller.channel_id) > caller.credit_minor:
        raise _refusal(
            "credit-limit",
            "The agent's balance does not cover this payment.",
            f"agent {caller.code}",
            "Pass money on to the utility, or ask for a higher limit.",
        )


def _payment(caller: Caller, payment_id: str, received: Received) -> AgentPayment:
    return _as_payment(payment_id, _found(caller, payment_id), is_new=received.is_new)


def _found(caller: Caller, payment_id: str) -> MachineReceipt:
    key = machine_key(channel_code=caller.code, external_id=payment_id)
    found = find_machine_receipt(key=key) if payment_id.isprintable() else None
    if found is None:
        raise _refusal(
            "payment-unknown", "There is no such payment.", payment_id[:_NUMBER_MAX], "Check the number."
        )
    return found


def _as_payment(payment_id: str, found: MachineReceipt, *, is_new: bool) -> AgentPayment:
    state = "suspense" if found.account_id is None else "booked"
    return AgentPayment(
        payment_id=payment_id,
        account=found.account_number,
        amount_minor=found.amount_minor,
        paid_on=found.paid_on,
        receipt_id=found.receipt_id,
        state="cancelled" if found.cancelled_at is not None else state,
        is_new=is_new,
    )


def _refusal(code: str, message: str, place: str, remedy: str) -> UnableToServeAgent:
    return UnableToServeAgent(code=code, message=message, place=place, remedy=remedy)
