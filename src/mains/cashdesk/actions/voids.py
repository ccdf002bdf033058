"""Take a payment back in its own shift; above the desk's limit a supervisor agrees first."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from mains.cashdesk.actions.refusals import refusal
from mains.cashdesk.actions.shifts import hold_shift, not_yours
from mains.cashdesk.models import DeskPayment, DeskVoid
from mains.cashdesk.queries.till import till_minor
from mains.cashdesk.values import Means, VoidState
from mains.payments.actions.reversals import reverse_receipt
from mains.staff.values import Scope

_REASON_MAX = 200


def void_payment(*, payment_id: int, reason: str, now: datetime, actor_id: int) -> DeskVoid:
    """Take a payment of the cashier's open shift back, whole; above the desk's limit ask a supervisor for it.

    All its receipts are reversed, the accounts owe again. Raises UnableAtDesk: unknown, another's or a closed shift, no
    reason, taken back or asked already, less cash in the till; UnableToReverseReceipt and UnableToPostOnDay as
    `reverse_receipt`.
    """
    reason = " ".join(reason.split())
    with transaction.atomic():
        payment = _payment(payment_id)
        shift = hold_shift(payment.shift_id, now=now)
        if shift.cashier_id != actor_id:
            raise not_yours(shift)
        if not 0 < len(reason) <= _REASON_MAX:
            raise refusal(
                "void-reason",
                "Taking a payment back needs a reason, of at most 200 characters.",
                f"payment {payment.number}",
                "Say what was wrong.",
            )
        at_once = payment.amount_minor <= shift.desk.void_limit_minor
        try:
            with transaction.atomic():
                void = DeskVoid.objects.create(
                    payment=payment,
                    state=VoidState.DONE if at_once else VoidState.ASKED,
                    reason=reason,
                    asked_at=now,
                    asked_by_id=actor_id,
                    decided_at=now if at_once else None,
                )
        except IntegrityError as error:
            raise refusal(
                "void-known",
                "This payment is taken back, or a supervisor is asked already.",
                f"payment {payment.number}",
                "Nothing was changed.",
            ) from error
        if at_once:
            _reverse(payment, void, now=now, actor_id=actor_id)
        return void


def decide_void(*, void_id: int, agrees: bool, now: datetime, actor_id: int, supervised: Scope) -> DeskVoid:
    """Agree to take a payment back, or refuse; by a supervisor of the desk, never by who asked. As `void_payment`."""
    with transaction.atomic():
        asked = DeskVoid.objects.select_related("payment").filter(pk=void_id).first()
        if asked is None or not supervised.covers(asked.payment.desk.organisation_id):
            raise refusal(
                "void-unknown",
                "There is no such wish that you may decide.",
                f"void {void_id}",
                "Look at the desks anew.",
            )
        if asked.asked_by_id == actor_id:
            raise refusal(
                "void-own",
                "Who asked does not decide.",
                f"payment {asked.payment.number}",
                "Ask a supervisor of the desk.",
            )
        hold_shift(asked.payment.shift_id, now=now)
        void = DeskVoid.objects.select_for_update().get(pk=void_id)
        if void.state != VoidState.ASKED:
            raise refusal(
                "void-decided",
                "This is decided already.",
                f"payment {asked.payment.number}",
                "Nothing was changed.",
            )
        void.state = VoidState.DONE if agrees else VoidState.REFUSED
        void.decided_at, void.decided_by_id = now, actor_id
        void.save()
        if agrees:
            _reverse(asked.payment, void, now=now, actor_id=actor_id)
        return void


def _payment(payment_id: int) -> DeskPayment:
    payment = DeskPayment.objects.filter(pk=payment_id).first()
    if payment is None:
        raise refusal(
            "payment-unknown", "There is no such payment.", f"payment {payment_id}", "Look at the shift anew."
        )
    return payment


def _reverse(payment: DeskPayment, void: DeskVoid, *, now: datetime, actor_id: int) -> None:
    if payment.means == Means.CASH and payment.amount_minor > till_minor(desk_id=payment.desk_id):
        raise refusal(
            "till-less",
            "There is less in the till.",
            f"payment {payment.number}",
            "Bring cash from the safe first.",
        )
    for line in payment.lines.order_by("position"):
        reverse_receipt(
            receipt_id=line.receipt_id,
            reason=void.reason,
            business_date=timezone.localdate(now),
            now=now,
            actor_id=actor_id,
        )
