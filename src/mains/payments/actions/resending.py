"""A person sends a call again that came to nothing, or closes it."""

from datetime import datetime

from mains.kernel.errors import MainsError
from mains.payments.actions.letters import close_letters
from mains.payments.actions.orders import ask_about, refund_order
from mains.payments.models import DeadLetter, PaymentOrder
from mains.payments.values.online import LetterOperation, LetterState, OrderState

# The provider has said what it has; somebody has to decide.
_ONLY_A_PERSON = ("order-paid-again", "refunded-there")


class UnableToResend(MainsError):
    """The letter is not open, or there is nothing that could be asked again."""


def resend_letter(*, letter_id: int, now: datetime, actor_id: int | None = None) -> DeadLetter:
    """Do the call of a letter again: the provider is asked what it has of the order, and that is booked.

    Money is never asked for a second time. Raises UnableToResend for call-backs without an order and for payments of
    agents, which their senders repeat; and what the provider's answer raises.
    """
    letter = _open(letter_id)
    order = PaymentOrder.objects.filter(channel_id=letter.channel_id, number=letter.subject).first()
    if order is None or letter.reason in _ONLY_A_PERSON:
        raise UnableToResend(
            code="resend-nothing",
            message="There is no order that the provider could be asked about.",
            place=f"letter {letter_id}",
            remedy="Let the sender repeat it, or close it with a note.",
        )
    if letter.operation == LetterOperation.REFUND and order.state == OrderState.PAID:
        refund_order(order_id=order.pk, reason=f"Letter {letter_id}", now=now, actor_id=actor_id)
    else:
        ask_about(order_id=order.pk, now=now)
    close_letters(channel_id=letter.channel_id, subject=letter.subject, now=now, actor_id=actor_id)
    letter.refresh_from_db()
    return letter


def close_letter(*, letter_id: int, note: str, now: datetime, actor_id: int | None = None) -> None:
    """A person says that nothing is left to do, and why. Raises UnableToResend."""
    if not note.strip():
        raise UnableToResend(
            code="note-missing",
            message="Closing needs a note.",
            place=f"letter {letter_id}",
            remedy="Write what was found and done.",
        )
    letter = _open(letter_id)
    DeadLetter.objects.filter(pk=letter.pk, state=LetterState.OPEN).update(
        state=LetterState.CLOSED, closed_at=now, closed_by_id=actor_id, note=note.strip()[:200]
    )


def _open(letter_id: int) -> DeadLetter:
    letter = DeadLetter.objects.filter(pk=letter_id, state=LetterState.OPEN).first()
    if letter is None:
        raise UnableToResend(
            code="letter-closed",
            message="This call does not wait any more.",
            place=f"letter {letter_id}",
            remedy="Nothing was changed.",
        )
    return letter
