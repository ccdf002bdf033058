"""Pay approved refunds out: keep what was ordered at the bank, book the bank's line, or hand the money over in cash."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from mains.base.rows import fetch_rows
from mains.debt.actions.movements import undo_movement
from mains.debt.models import (
    Movement,
    MovementPosting,
    RefundAnswer,
    RefundFile,
    RefundOrder,
    RefundPayment,
)
from mains.debt.values import MovementKind, RefundWay
from mains.kernel.errors import MainsError
from mains.ledger.actions.days import hold_open_days
from mains.ledger.actions.posting import ENTRY_SCHEMA, POSTING_SCHEMA, post_transaction
from mains.ledger.values import Control, TransactionKind
from mains.payments.actions.bank_booking import book_bank_line
from mains.payments.queries.bank_lines import find_bank_line
from mains.payments.values.answers import BankAnswer
from mains.staff.values import EVERYTHING, Scope


class UnableToPayRefund(MainsError):
    """No such refund waits; nothing was booked."""


@dataclass(frozen=True, kw_only=True)
class OrderedRefunds:
    """A file of payment orders and how many refunds it orders."""

    file_id: int
    content: bytes
    count: int


@dataclass(frozen=True)
class _Returned:
    order_id: int
    transaction_id: int
    code: str
    words: str


def keep_orders(
    *, identifier: str, content: bytes, orders: Mapping[int, str], now: datetime, actor_id: int | None
) -> OrderedRefunds:
    """Keep a file of payment orders with the refunds in it (movement → end-to-end id). Raises UnableToPayRefund when
    one of them does not wait to be ordered."""
    with transaction.atomic():
        file = RefundFile.objects.create(
            identifier=identifier, content=content, created_at=now, created_by_id=actor_id
        )
        for movement_id, end_to_end_id in orders.items():
            movement = _waiting(movement_id, way=RefundWay.BANK)
            if RefundOrder.objects.filter(movement=movement).exists():
                raise _refusal(movement_id)
            RefundOrder.objects.create(movement=movement, file=file, end_to_end_id=end_to_end_id)
        return OrderedRefunds(file_id=file.pk, content=content, count=len(orders))


def book_refund_line(*, transaction_id: int, now: datetime, actor_id: int | None = None) -> Movement:
    """Book a waiting line of a bank statement as the refund that it paid: the one whose end-to-end id the bank names,
    else the oldest ordered one of its amount. Raises UnableToPayRefund, UnableToBookBankLine."""
    with transaction.atomic():
        line = find_bank_line(transaction_id=transaction_id)
        open_orders = RefundOrder.objects.select_for_update(of=("self",)).filter(
            ~Q(answers__is_accepted=False),
            movement__payment__isnull=True,
            movement__amount_minor=-line.amount_minor if line else 0,
        )
        named = open_orders.filter(end_to_end_id=line.end_to_end_id).first() if line else None
        order = named or open_orders.order_by("pk").first()
        if line is None or order is None:
            raise UnableToPayRefund(
                code="refund-line",
                message="No ordered refund of this amount waits for its payment.",
                place=f"bank line {transaction_id}",
                remedy="Nothing was changed. See the refunds under Proposals.",
            )
        book_bank_line(
            transaction_id=transaction_id,
            control=Control.REFUNDS,
            note=order.end_to_end_id,
            now=now,
            actor_id=actor_id,
        )
        _paid(order.movement, paid_on=line.booked_on, now=now, actor_id=actor_id, line_id=transaction_id)
        return order.movement


def take_bank_answers(*, answers: Sequence[BankAnswer], now: datetime) -> set[str]:
    """Note what the bank answered to refunds that were ordered. A refused one is posted back, so that the account has
    its credit again and the refund can be proposed anew. The end-to-end ids that are refunds of ours; what was noted
    before, or paid meanwhile, is left as it is."""
    known = set()
    for answer in answers:
        order = (
            RefundOrder.objects.select_related("movement").filter(end_to_end_id=answer.end_to_end_id).first()
        )
        if order is None:
            continue
        known.add(answer.end_to_end_id)
        is_paid = RefundPayment.objects.filter(movement=order.movement).exists()
        if is_paid and not answer.is_accepted:
            continue
        _made, is_new = RefundAnswer.objects.get_or_create(
            order=order,
            is_accepted=answer.is_accepted,
            defaults={"code": answer.code[:10], "text": answer.text[:200], "recorded_at": now},
        )
        if is_new and not answer.is_accepted:
            reason = f"The bank refused the order: {answer.reason}".strip()[:200]
            undo_movement(movement_id=order.movement_id, reason=reason, now=now, actor_id=None)
    return known


def book_returned_refunds(*, now: datetime) -> int:
    """Book lines of accepted bank files by which refunds that were paid come back: the money is at the bank again, and
    the refund is posted back, so that the account has its credit; how many. Doing it again changes nothing."""
    found = fetch_rows(
        _Returned,
        """
        SELECT DISTINCT ON (o.id) o.id, t.id, t.return_code, t.remittance
        FROM payments_banktransaction t
        JOIN payments_bankstatement s ON s.id = t.statement_id JOIN payments_bankfile f ON f.id = s.file_id
        JOIN debt_refundorder o ON o.end_to_end_id = t.end_to_end_id JOIN debt_movement m ON m.id = o.movement_id
        WHERE f.status = 'accepted' AND t.state = 'waiting' AND t.amount_minor = m.amount_minor
          AND EXISTS (SELECT FROM debt_refundpayment p WHERE p.movement_id = m.id)
          AND NOT EXISTS (SELECT FROM debt_refundanswer a WHERE a.order_id = o.id AND NOT a.is_accepted)
          AND NOT EXISTS (SELECT FROM payments_bankbooking b WHERE b.transaction_id = t.id)
        ORDER BY o.id, t.id
        """,
        {},
    )
    for one in found:
        with transaction.atomic():
            order = RefundOrder.objects.get(pk=one.order_id)
            book_bank_line(
                transaction_id=one.transaction_id, control=Control.REFUNDS, note=order.end_to_end_id, now=now
            )
            RefundAnswer.objects.create(
                order=order, is_accepted=False, code=one.code, text=one.words[:200], recorded_at=now
            )
            undo_movement(
                movement_id=order.movement_id,
                reason=f"The refund came back: {one.code} {one.words}".strip()[:200],
                now=now,
                actor_id=None,
            )
    return len(found)


def refunds_of_file(*, identifier: str) -> list[str]:
    """End-to-end ids of the refunds that a file ordered."""
    found = RefundOrder.objects.filter(file__identifier=identifier).order_by("pk")
    return list(found.values_list("end_to_end_id", flat=True))


def pay_in_cash(
    *, movement_id: int, now: datetime, actor_id: int | None, scope: Scope = EVERYTHING
) -> Movement:
    """Book that an approved refund was handed over in cash today. Raises UnableToPayRefund."""
    with transaction.atomic():
        movement = _waiting(movement_id, way=RefundWay.CASH)
        if not scope.covers(movement.organisation_id):
            raise _refusal(movement_id)
        today = timezone.localdate(now)
        _paid(movement, paid_on=today, now=now, actor_id=actor_id)
        sides = pl.DataFrame(
            {
                "control": [Control.REFUNDS.value, Control.CASH.value],
                "amount_minor": [movement.amount_minor, -movement.amount_minor],
                "organisation_id": [movement.organisation_id] * 2,
                "provider_id": [movement.provider_id] * 2,
                "service": [movement.service] * 2,
            },
            schema_overrides=POSTING_SCHEMA,
        )
        post_transaction(
            kind=TransactionKind.REFUND_PAID,
            source_id=movement.pk,
            business_date=max(today, hold_open_days(kind=TransactionKind.REFUND_PAID) or today),
            entries=pl.DataFrame(schema=ENTRY_SCHEMA),
            counterparts=sides.select(*POSTING_SCHEMA),
            now=now,
            narrative=f"Refund {movement.pk}",
        )
        return movement


def _waiting(movement_id: int, *, way: RefundWay) -> Movement:
    movement = (
        Movement.objects.select_for_update(of=("self",))
        .filter(pk=movement_id, kind=MovementKind.REFUND, way=way, payment__isnull=True)
        .first()
    )
    postings = MovementPosting.objects.filter(movement_id=movement_id)
    if movement is None or [one.is_counter for one in postings] != [False]:
        raise _refusal(movement_id)
    return movement


def _paid(
    movement: Movement, *, paid_on: date, now: datetime, actor_id: int | None, line_id: int | None = None
) -> None:
    try:
        with transaction.atomic():
            RefundPayment.objects.create(
                movement=movement,
                bank_transaction_id=line_id,
                paid_on=paid_on,
                recorded_at=now,
                recorded_by_id=actor_id,
            )
    except IntegrityError as error:
        raise _refusal(movement.pk) from error


def _refusal(movement_id: int) -> UnableToPayRefund:
    return UnableToPayRefund(
        code="refund-waits",
        message="No such refund waits to be paid in this way.",
        place=f"refund {movement_id}",
        remedy="Nothing was changed. Look at the list of refunds.",
    )
