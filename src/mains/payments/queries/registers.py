"""Payment registers as pages and commands show them."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from mains.payments.models import PaymentRegister
from mains.payments.values import Fault, RegisterStatus
from mains.staff.values import Permission, Scope

_ROWS = """
    SELECT w.line, w.account_number, w.account_id, a.number, w.paid_on, w.amount_minor, w.reference, w.payer
    FROM payments_paymentregisterrow w LEFT JOIN customers_account a ON a.id = w.account_id
    WHERE w.register_id = %(register_id)s AND w.line > %(after_line)s
      AND (NOT %(unknown_only)s OR w.account_id IS NULL)
      AND (%(everything)s OR w.account_id IS NULL OR a.organisation_id = ANY(%(reached)s))
    ORDER BY w.line LIMIT %(limit)s
"""


@dataclass(frozen=True)
class RegisterRecord:
    """A register without its rows; amounts in minor units. `faults` are empty unless it was refused."""

    id: int
    file_name: str
    mapping: str
    sender_code: str
    status: str
    row_count: int
    total_minor: int
    unknown_count: int
    unknown_minor: int
    faults: tuple[Fault, ...]
    staged_at: datetime
    staged_by: str
    accepted_at: datetime | None
    accepted_by: str


@dataclass(frozen=True)
class RegisterRowRecord:
    """One payment of a register; `number` is the account's own number, None where nobody has the written
    one.
    """

    line: int
    account_number: str
    account_id: int | None
    number: str | None
    paid_on: date
    amount_minor: int
    reference: str
    payer: str


def list_registers(*, scope: Scope, before_id: int | None = None, limit: int = 50) -> list[RegisterRecord]:
    """Registers, latest first, keyset-paged by `before_id`; none for a person who may not see money."""
    if not _may_see(scope):
        return []
    registers = PaymentRegister.objects.select_related("staged_by", "accepted_by").order_by("-pk")
    if before_id is not None:
        registers = registers.filter(pk__lt=before_id)
    return [_record(register) for register in registers[:limit]]


def find_register(*, register_id: int, scope: Scope) -> RegisterRecord | None:
    """One register, or None when there is none or the person may not see money."""
    if not _may_see(scope):
        return None
    register = (
        PaymentRegister.objects.select_related("staged_by", "accepted_by").filter(pk=register_id).first()
    )
    return _record(register) if register else None


def has_accepted_register(*, file_name: str) -> bool:
    """Whether a register of this file name was accepted."""
    return PaymentRegister.objects.filter(file_name=file_name, status=RegisterStatus.ACCEPTED).exists()


def list_register_rows(
    *, register_id: int, scope: Scope, after_line: int = 0, limit: int = 100, unknown_only: bool = False
) -> list[RegisterRowRecord]:
    """Payments of a register in file order, keyset-paged by `after_line`.

    A person sees the payments of accounts within the scope, and those that nobody's account matches.
    """
    if not _may_see(scope):
        return []
    params: dict[str, Any] = {
        "register_id": register_id,
        "after_line": after_line,
        "limit": limit,
        "unknown_only": unknown_only,
        "everything": scope.organisation_ids is None,
        "reached": sorted(scope.organisation_ids or ()),
    }
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, params)
        return [RegisterRowRecord(*row) for row in cursor.fetchall()]


def _may_see(scope: Scope) -> bool:
    return scope.may(Permission.SEE_MONEY) or scope.may(Permission.IMPORT_PAYMENTS)


def _record(register: PaymentRegister) -> RegisterRecord:
    return RegisterRecord(
        id=register.pk,
        file_name=register.file_name,
        mapping=register.mapping,
        sender_code=register.sender_code,
        status=register.status,
        row_count=register.row_count,
        total_minor=register.total_minor,
        unknown_count=register.unknown_count,
        unknown_minor=register.unknown_minor,
        faults=tuple(Fault(**fault) for fault in register.faults),
        staged_at=register.staged_at,
        staged_by=register.staged_by.get_username() if register.staged_by else "",
        accepted_at=register.accepted_at,
        accepted_by=register.accepted_by.get_username() if register.accepted_by else "",
    )
