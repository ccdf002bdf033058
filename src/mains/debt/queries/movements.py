"""Movements as people read them; every list is limited to a scope."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from mains.base.rows import fetch_rows
from mains.debt.models import RefundFile
from mains.debt.values import MovementKind, MovementState, RefundWay
from mains.staff.values import Scope

_MOVEMENTS = """
    SELECT m.id, m.kind, a.number, m.service, coalesce(p.name, ''), coalesce(t.number, ''), m.to_service,
           coalesce(tp.name, ''), m.item_id, m.amount_minor, m.due_date, m.way, m.payee, m.payee_account,
           q.id, q.reason, q.document, coalesce(u.username, ''), m.recorded_at, m.recorded_by_id,
           d.agrees, coalesce(du.username, ''), mp.business_date, mp.transaction_id, mc.business_date,
           coalesce(mc.reason, ''), o.end_to_end_id, o.file_id, r.paid_on
    FROM debt_movement m
    JOIN customers_account a ON a.id = m.account_id
    LEFT JOIN customers_account t ON t.id = m.to_account_id
    LEFT JOIN customers_party p ON p.id = m.provider_id
    LEFT JOIN customers_party tp ON tp.id = m.to_provider_id
    JOIN staff_proposal q ON q.kind = m.kind AND q.subject_id = m.id
    LEFT JOIN staff_user u ON u.id = m.recorded_by_id
    LEFT JOIN staff_decision d ON d.proposal_id = q.id
    LEFT JOIN staff_user du ON du.id = d.decided_by_id
    LEFT JOIN debt_movementposting mp ON mp.movement_id = m.id AND NOT mp.is_counter
    LEFT JOIN debt_movementposting mc ON mc.movement_id = m.id AND mc.is_counter
    LEFT JOIN debt_refundorder o ON o.movement_id = m.id
    LEFT JOIN debt_refundpayment r ON r.movement_id = m.id
    WHERE (%(organisation_ids)s::bigint[] IS NULL OR m.organisation_id = ANY(%(organisation_ids)s))
"""


@dataclass(frozen=True)
class MovementRecord:
    """A movement with its proposal, its postings and, of a refund, its payment."""

    id: int
    kind: str
    number: str
    service: str
    provider_name: str
    to_number: str
    to_service: str
    to_provider_name: str
    item_id: int | None
    amount_minor: int
    due_date: date | None
    way: str
    payee: str
    payee_account: str
    proposal_id: int
    reason: str
    document: str
    asked_by: str
    asked_at: datetime
    asked_by_id: int | None
    agrees: bool | None
    decided_by: str
    posted_on: date | None
    transaction_id: int | None
    undone_on: date | None
    undone_reason: str
    end_to_end_id: str | None
    file_id: int | None
    paid_on: date | None

    @property
    def state(self) -> MovementState:
        if self.undone_on is not None:
            return MovementState.UNDONE
        if self.paid_on is not None:
            return MovementState.PAID
        if self.file_id is not None:
            return MovementState.ORDERED
        if self.agrees is None:
            return MovementState.WAITING
        return MovementState.POSTED if self.agrees else MovementState.REFUSED

    @property
    def may_be_undone(self) -> bool:
        return self.state is MovementState.POSTED

    @property
    def waits_for_cash(self) -> bool:
        return self.state is MovementState.POSTED and self.way == RefundWay.CASH


def list_movements(*, scope: Scope, account_id: int | None = None, limit: int = 200) -> list[MovementRecord]:
    """Movements of the scope, or those that touch an account, latest first."""
    where = ""
    if account_id is not None:
        where = " AND (m.account_id = %(account_id)s OR m.to_account_id = %(account_id)s)"
    return _fetch(f"{where} ORDER BY m.id DESC LIMIT %(limit)s", scope, account_id=account_id, limit=limit)


def list_movements_by_id(*, ids: Sequence[int], scope: Scope) -> dict[int, MovementRecord]:
    """Movements of the scope by id."""
    found = _fetch(" AND m.id = ANY(%(ids)s)", scope, ids=list(ids))
    return {one.id: one for one in found}


def list_refunds_to_pay(*, scope: Scope) -> list[MovementRecord]:
    """Approved refunds that nobody has ordered or paid, oldest first."""
    return _fetch(
        " AND m.kind = %(kind)s AND mp.id IS NOT NULL AND mc.id IS NULL AND o.id IS NULL AND r.id IS NULL"
        " ORDER BY m.id",
        scope,
        kind=MovementKind.REFUND.value,
    )


def list_refunds_ordered(*, scope: Scope) -> list[MovementRecord]:
    """Refunds ordered at the bank whose line no statement has shown yet, oldest first."""
    return _fetch(" AND o.id IS NOT NULL AND r.id IS NULL AND mc.id IS NULL ORDER BY m.id", scope)


def find_refund_file(*, file_id: int) -> tuple[str, bytes] | None:
    """Name and content of a file of payment orders."""
    found = RefundFile.objects.filter(pk=file_id).first()
    return (found.identifier, bytes(found.content)) if found else None


def _fetch(tail: str, scope: Scope, **params: Any) -> list[MovementRecord]:
    reach = None if scope.organisation_ids is None else list(scope.organisation_ids)
    return fetch_rows(MovementRecord, _MOVEMENTS + tail, {"organisation_ids": reach, **params})
