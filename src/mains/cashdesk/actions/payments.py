"""Take a customer's money at the desk, for one account or several, once a key."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from mains.cashdesk.actions.movements import AMOUNT_MAX_MINOR
from mains.cashdesk.actions.refusals import UnableAtDesk, refusal
from mains.cashdesk.actions.shifts import hold_shift, not_yours
from mains.cashdesk.models import DeskPayment, DeskPaymentLine, Shift
from mains.cashdesk.queries.payers import Payer, list_payers
from mains.cashdesk.queries.reports import printed_names
from mains.cashdesk.values import DENOMINATIONS_MINOR, PLACE_OF_MEANS, Means, VoidState
from mains.ledger.actions.allocation import lock_allocation
from mains.ledger.values import TransactionKind
from mains.payments.actions.acquirer_schedule import expect_dues
from mains.payments.actions.counter import Taken, take_money
from mains.payments.queries.acquirer_dues import max_instalments
from mains.payments.values.places import MoneyPlace
from mains.staff.values import Scope
from mains.tariffs.queries.records import currency_of_utility

LINES_MAX = 50
_SLIP_MAX = 40
_KEY_MAX = 64


@dataclass(frozen=True, kw_only=True)
class PaidLine:
    """What one account gets. `seen_minor` is what it owed when the cashier looked; None when nobody looked."""

    account_id: int
    amount_minor: int
    seen_minor: int | None = None


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A payment as the cashier's form says it. `tendered_minor` is the cash given, `slip` the terminal's number;
    in `instalments` the customer pays the card's bank, while the debt is paid whole."""

    key: str
    means: Means
    lines: tuple[PaidLine, ...]
    tendered_minor: int | None = None
    slip: str = ""
    instalments: int = 1

    @property
    def amount_minor(self) -> int:
        return sum(line.amount_minor for line in self.lines)

    @property
    def fingerprint(self) -> str:
        """The same for the same money: by it a form that is sent twice is told from another one under its key."""
        said = [
            self.means.value,
            [[line.account_id, line.amount_minor] for line in self.lines],
            self.tendered_minor,
            self.slip,
            *([self.instalments] if self.instalments != 1 else []),
        ]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class TakenPayment:
    """The payment; `was_known` when its key came before, and nothing was booked now."""

    payment: DeskPayment
    was_known: bool


def take_payment(*, shift_id: int, asked: Asked, now: datetime, actor_id: int, scope: Scope) -> TakenPayment:
    """Book the payment in the cashier's open shift: a receipt for each account, covering its debts at once.

    The same key with the same content returns the payment that it made; it is taken once, whoever sends it however
    often at the same time. Raises UnableAtDesk: the key with other content, a shift that is closed or another's, an
    account out of `scope` or twice, an amount of nothing, less cash than the amount or far more, a card without a slip
    or with one that is known, an account that owes something else than the cashier saw, the clock went back.
    """
    asked = Asked(
        key=asked.key,
        means=asked.means,
        lines=asked.lines,
        tendered_minor=asked.tendered_minor if asked.means == Means.CASH else None,
        slip=" ".join(asked.slip.split()) if asked.means == Means.CARD else "",
        instalments=asked.instalments if asked.means == Means.CARD else 1,
    )
    _refuse_form(asked)
    with transaction.atomic():
        if known := _known(asked):
            return known
        shift = hold_shift(shift_id, now=now)
        if known := _known(asked):
            return known
        if shift.cashier_id != actor_id:
            raise not_yours(shift)
        _refuse_known_slip(shift, asked, now)
        _refuse_instalments(shift, asked)
        lock_allocation()
        payers = list_payers(account_ids=[line.account_id for line in asked.lines], scope=scope)
        _refuse_accounts(asked, payers)
        try:
            with transaction.atomic():
                payment = _store(shift, asked, now)
        except IntegrityError:
            # Another desk took the same key at the same moment.
            if known := _known(asked):
                return known
            raise
        _book(payment, shift, asked, payers, now)
        return TakenPayment(payment=payment, was_known=False)


def _refuse_form(asked: Asked) -> None:
    place = "payment"
    if not 8 <= len(asked.key) <= _KEY_MAX:
        raise refusal("key", "The form has no key.", place, "Open the page anew.")
    if not asked.lines or len(asked.lines) > LINES_MAX:
        raise refusal(
            "lines",
            "A payment is for one account or up to 50.",
            place,
            "Find an account, or take the money in parts.",
        )
    if len({line.account_id for line in asked.lines}) < len(asked.lines):
        raise refusal("account-twice", "An account stands there twice.", place, "Remove one of the two.")
    if any(not 0 < line.amount_minor <= AMOUNT_MAX_MINOR for line in asked.lines):
        raise refusal(
            "amount-nothing",
            "Every account needs an amount of more than nothing.",
            place,
            "Write the amount, or remove the account.",
        )
    if asked.means == Means.CASH and (
        asked.tendered_minor is None or not asked.amount_minor <= asked.tendered_minor <= AMOUNT_MAX_MINOR
    ):
        raise refusal(
            "tendered", "The cash given is less than the amount.", place, "Write what the customer gave."
        )
    if asked.tendered_minor is not None and asked.tendered_minor - asked.amount_minor > _change_max_minor():
        # A number scanned into the wrong field, as a rule: nobody gives so much.
        raise refusal(
            "change",
            "The change would be more than two of the largest notes.",
            place,
            "Write what the customer gave; a scanned number belongs into the search.",
        )
    if asked.means == Means.CARD and not 0 < len(asked.slip) <= _SLIP_MAX:
        raise refusal(
            "slip",
            "A card payment needs the number of the terminal's slip.",
            place,
            "Let the terminal take the card first, then copy the number.",
        )


def _change_max_minor() -> int:
    notes = DENOMINATIONS_MINOR.get(currency_of_utility())
    return 2 * notes[0] if notes else AMOUNT_MAX_MINOR


def _known(asked: Asked) -> TakenPayment | None:
    payment = DeskPayment.objects.filter(key=asked.key).first()
    if payment is None:
        return None
    if payment.request != asked.fingerprint:
        raise refusal(
            "key-other",
            "This form was sent before with something else, which is booked.",
            f"payment {payment.number}",
            "Look at that receipt, and take new money on a new form.",
            payment=payment.pk,
        )
    return TakenPayment(payment=payment, was_known=True)


def _refuse_known_slip(shift: Shift, asked: Asked, now: datetime) -> None:
    same = DeskPayment.objects.filter(desk_id=shift.desk_id, paid_on=timezone.localdate(now), slip=asked.slip)
    known = same.exclude(voids__state=VoidState.DONE).first() if asked.slip else None
    if known is not None:
        raise refusal(
            "slip-known",
            "A payment of today has this slip already.",
            f"payment {known.number}",
            "Compare the number with the slip; look at that receipt.",
            payment=known.pk,
        )


def _refuse_instalments(shift: Shift, asked: Asked) -> None:
    if asked.instalments == 1:
        return
    acquirer_id = shift.desk.acquirer_id
    most = max_instalments(channel_id=acquirer_id) if acquirer_id else 1
    if not 1 <= asked.instalments <= most:
        raise refusal(
            "instalments",
            f"The terminal of this desk takes a card in at most {most} instalments.",
            f"desk {shift.desk.code}",
            "Choose fewer; the acquirer's channel says how many it allows.",
        )


def _refuse_accounts(asked: Asked, payers: dict[int, Payer]) -> None:
    for line in asked.lines:
        payer = payers.get(line.account_id)
        if payer is None:
            raise refusal(
                "account",
                "There is no such account that you may take money for.",
                f"account {line.account_id}",
                "Find it anew.",
            )
        if line.seen_minor is not None and line.seen_minor != payer.owed_minor:
            raise _owes_other(payer)


def _owes_other(payer: Payer) -> UnableAtDesk:
    return refusal(
        "owes-other",
        f"What account {payer.number} owes has changed since you looked, perhaps at another desk.",
        f"account {payer.number}",
        "Look at the amounts anew and go on.",
        account=payer.account_id,
    )


def _store(shift: Shift, asked: Asked, now: datetime) -> DeskPayment:
    last = DeskPayment.objects.filter(desk_id=shift.desk_id).order_by("-number").first()
    return DeskPayment.objects.create(
        shift=shift,
        desk_id=shift.desk_id,
        number=last.number + 1 if last else 1,
        key=asked.key,
        request=asked.fingerprint,
        means=asked.means,
        amount_minor=asked.amount_minor,
        tendered_minor=asked.tendered_minor,
        slip=asked.slip,
        instalments=asked.instalments,
        paid_on=timezone.localdate(now),
        printed=printed_names(shift),
        recorded_at=now,
    )


def _book(payment: DeskPayment, shift: Shift, asked: Asked, payers: dict[int, Payer], now: datetime) -> None:
    reference = f"{shift.desk.code}-{payment.number}"
    receipt_ids = take_money(
        taken=[
            Taken(
                idempotency_key=f"desk:{payment.pk}:{position}",
                account_id=line.account_id,
                account_number=payers[line.account_id].number,
                amount_minor=line.amount_minor,
                reference=reference,
            )
            for position, line in enumerate(asked.lines, start=1)
        ],
        place=MoneyPlace(control=PLACE_OF_MEANS[asked.means], organisation_id=shift.desk.organisation_id),
        paid_on=payment.paid_on,
        kind=TransactionKind.DESK_PAYMENT,
        source_id=payment.pk,
        now=now,
        narrative=f"{shift.desk.code}, receipt {payment.number}",
    )
    DeskPaymentLine.objects.bulk_create(_lines(payment, asked.lines, payers, receipt_ids))
    if asked.means == Means.CARD and shift.desk.acquirer_id:
        expect_dues(
            channel_id=shift.desk.acquirer_id,
            receipts=[
                (receipt_id, line.amount_minor)
                for line, receipt_id in zip(asked.lines, receipt_ids, strict=True)
            ],
            instalments=asked.instalments,
            paid_on=payment.paid_on,
        )


def _lines(
    payment: DeskPayment, lines: Sequence[PaidLine], payers: dict[int, Payer], receipt_ids: Sequence[int]
) -> list[DeskPaymentLine]:
    return [
        DeskPaymentLine(
            payment=payment,
            position=position,
            receipt_id=receipt_id,
            account_id=line.account_id,
            account_number=payers[line.account_id].number,
            customer=payers[line.account_id].customer[:200],
            place=payers[line.account_id].place[:300],
            amount_minor=line.amount_minor,
            owed_minor=payers[line.account_id].owed_minor,
        )
        for position, (line, receipt_id) in enumerate(zip(lines, receipt_ids, strict=True), start=1)
    ]
