"""Desks, shifts and payments as pages and papers show them; each within a person's scope."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from mains.base.rows import fetch_row, fetch_rows
from mains.cashdesk.queries.till import till_minor
from mains.customers.queries.records import NAME_OF_USER, scope_params
from mains.staff.values import Permission, Scope

_WITHIN_DESK = "(%(everything)s OR d.organisation_id = ANY(%(reached)s))"
_DESKS = f"""
    SELECT d.id, d.code, d.name, d.organisation_id, o.name, d.void_limit_minor, s.id, {NAME_OF_USER.format(u="u")}
    FROM cashdesk_cashdesk d JOIN staff_organisation o ON o.id = d.organisation_id
    LEFT JOIN cashdesk_shift s ON s.desk_id = d.id AND s.closed_at IS NULL
    LEFT JOIN staff_user u ON u.id = s.cashier_id
    WHERE d.closed_on IS NULL AND {_WITHIN_DESK} ORDER BY d.code
"""
_SHIFT = f"""
    SELECT s.id, s.number, s.desk_id, d.code, d.name, d.organisation_id, o.name, d.void_limit_minor, s.cashier_id,
           {NAME_OF_USER.format(u="u")}, s.opened_at, s.closed_at, s.float_minor, s.counted_minor, s.expected_minor,
           s.report
    FROM cashdesk_shift s JOIN cashdesk_cashdesk d ON d.id = s.desk_id
    JOIN staff_organisation o ON o.id = d.organisation_id JOIN staff_user u ON u.id = s.cashier_id
"""
_PAYMENT = """
    SELECT p.id, p.number, p.shift_id, p.means, p.amount_minor, p.tendered_minor, p.slip, p.paid_on, p.recorded_at,
           p.printed, coalesce(v.state, ''), coalesce(v.reason, ''), s.cashier_id, d.organisation_id,
           s.closed_at IS NULL,
           (SELECT count(*) FROM cashdesk_deskpaymentline l WHERE l.payment_id = p.id),
           (SELECT l.account_number FROM cashdesk_deskpaymentline l
            WHERE l.payment_id = p.id ORDER BY l.position LIMIT 1)
    FROM cashdesk_deskpayment p JOIN cashdesk_shift s ON s.id = p.shift_id JOIN cashdesk_cashdesk d ON d.id = p.desk_id
    LEFT JOIN LATERAL (
        SELECT state, reason FROM cashdesk_deskvoid WHERE payment_id = p.id ORDER BY id DESC LIMIT 1
    ) v ON true
"""
_LINES = """
    SELECT account_number, customer, place, amount_minor, owed_minor, receipt_id
    FROM cashdesk_deskpaymentline WHERE payment_id = %(payment_id)s ORDER BY position
"""
_WAITING_OF_SHIFT = """
    SELECT count(*) FROM cashdesk_deskvoid v JOIN cashdesk_deskpayment p ON p.id = v.payment_id
    WHERE v.state = 'asked' AND p.shift_id = %(shift_id)s
"""
_WAITING = f"""
    SELECT v.id, p.id, p.number, d.code, p.amount_minor, v.reason, {NAME_OF_USER.format(u="u")}, v.asked_at,
           v.asked_by_id
    FROM cashdesk_deskvoid v JOIN cashdesk_deskpayment p ON p.id = v.payment_id
    JOIN cashdesk_cashdesk d ON d.id = p.desk_id JOIN staff_user u ON u.id = v.asked_by_id
    WHERE v.state = 'asked' AND {_WITHIN_DESK} ORDER BY v.id
"""
_SAFES = """
    SELECT m.organisation_id, o.name, sum(
        CASE WHEN m.kind IN ('to_safe', 'safe_brought') THEN m.amount_minor ELSE -m.amount_minor END)::bigint
    FROM cashdesk_cashmovement m JOIN staff_organisation o ON o.id = m.organisation_id
    WHERE m.kind IN ('to_safe', 'from_safe', 'safe_brought', 'safe_to_bank')
      AND (%(everything)s OR m.organisation_id = ANY(%(reached)s))
    GROUP BY 1, 2 ORDER BY 2
"""
_ON_THE_WAY = """
    SELECT d.slip, o.name, d.amount_minor, d.handed_on
    FROM payments_deposit d JOIN staff_organisation o ON o.id = d.organisation_id
    WHERE NOT EXISTS (SELECT FROM payments_depositarrival a WHERE a.deposit_id = d.id)
      AND (%(everything)s OR d.organisation_id = ANY(%(reached)s))
    ORDER BY d.id DESC LIMIT 100
"""


@dataclass(frozen=True)
class DeskRecord:
    """A till; `shift_id` and `cashier` of the shift that is open there."""

    id: int
    code: str
    name: str
    organisation_id: int
    unit: str
    void_limit_minor: int
    shift_id: int | None
    cashier: str

    @property
    def till_minor(self) -> int:
        """What should be in it now."""
        return till_minor(desk_id=self.id)


@dataclass(frozen=True)
class ShiftRecord:
    """A shift with its desk and cashier; amounts of its closing are None while it is open."""

    id: int
    number: int
    desk_id: int
    code: str
    desk: str
    organisation_id: int
    unit: str
    void_limit_minor: int
    cashier_id: int
    cashier: str
    opened_at: datetime
    closed_at: datetime | None
    float_minor: int
    counted_minor: int | None
    expected_minor: int | None
    report: Mapping[str, Any]

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    @property
    def difference_minor(self) -> int | None:
        """Counted less expected at the closing."""
        if self.counted_minor is None or self.expected_minor is None:
            return None
        return self.counted_minor - self.expected_minor


@dataclass(frozen=True)
class PaymentRecord:
    """A payment at a desk. `void` is the state of the last wish to take it back, empty when there was none."""

    id: int
    number: int
    shift_id: int
    means: str
    amount_minor: int
    tendered_minor: int | None
    slip: str
    paid_on: date
    recorded_at: datetime
    printed: Mapping[str, str]
    void: str
    void_reason: str
    cashier_id: int
    organisation_id: int
    is_shift_open: bool
    line_count: int
    first_account: str

    @property
    def change_minor(self) -> int:
        return (self.tendered_minor or self.amount_minor) - self.amount_minor

    @property
    def number_text(self) -> str:
        """As it is printed: the desk's code and the number."""
        return f"{self.printed.get('code', '')}-{self.number}"


@dataclass(frozen=True)
class LineRecord:
    """What one account got of a payment, and what it owed before."""

    account_number: str
    customer: str
    place: str
    amount_minor: int
    owed_minor: int
    receipt_id: int


@dataclass(frozen=True)
class WaitingVoid:
    """A wish to take a payment back that waits for a supervisor."""

    id: int
    payment_id: int
    number: int
    code: str
    amount_minor: int
    reason: str
    asked_by: str
    asked_at: datetime
    asked_by_id: int


@dataclass(frozen=True)
class SafeRecord:
    """What should be in the safe of a unit."""

    organisation_id: int
    unit: str
    amount_minor: int


@dataclass(frozen=True)
class DepositRecord:
    """Cash on its way to a bank."""

    slip: str
    unit: str
    amount_minor: int
    handed_on: date


def list_desks(*, scope: Scope) -> list[DeskRecord]:
    """The desks of the scope, by code."""
    return fetch_rows(DeskRecord, _DESKS, scope_params(scope))


def find_open_shift(*, cashier_id: int) -> ShiftRecord | None:
    """The shift that this person has open."""
    return fetch_row(
        _shift, f"{_SHIFT} WHERE s.cashier_id = %(id)s AND s.closed_at IS NULL", {"id": cashier_id}
    )


def find_shift(*, shift_id: int, actor_id: int, supervised: Scope) -> ShiftRecord | None:
    """A shift of one's own, or of a desk that one supervises."""
    found = fetch_row(_shift, f"{_SHIFT} WHERE s.id = %(id)s", {"id": shift_id})
    if found is None or not _may_see(found.cashier_id, found.organisation_id, actor_id, supervised):
        return None
    return found


def list_shifts(
    *, scope: Scope, is_open: bool, before_id: int | None = None, limit: int = 50
) -> list[ShiftRecord]:
    """Open or closed shifts of the desks in the scope, latest first."""
    return fetch_rows(
        _shift,
        f"{_SHIFT} WHERE {_WITHIN_DESK} AND (s.closed_at IS NULL) = %(is_open)s"
        " AND s.id < coalesce(%(before)s::bigint, 9223372036854775807) ORDER BY s.id DESC LIMIT %(limit)s",
        {**scope_params(scope), "is_open": is_open, "before": before_id, "limit": limit},
    )


def list_payments(*, shift_id: int, before_id: int | None = None, limit: int = 50) -> list[PaymentRecord]:
    """The payments of a shift, latest first, those before one of them. The caller has checked whose shift it is."""
    return fetch_rows(
        _payment,
        f"{_PAYMENT} WHERE p.shift_id = %(id)s AND p.id < coalesce(%(before)s::bigint, 9223372036854775807)"
        " ORDER BY p.id DESC LIMIT %(limit)s",
        {"id": shift_id, "before": before_id, "limit": limit},
    )


def find_payment(*, payment_id: int, actor_id: int, supervised: Scope) -> PaymentRecord | None:
    """A payment of one's own shifts, or at a desk that one supervises."""
    found = fetch_row(_payment, f"{_PAYMENT} WHERE p.id = %(id)s", {"id": payment_id})
    if found is None or not _may_see(found.cashier_id, found.organisation_id, actor_id, supervised):
        return None
    return found


def list_lines(*, payment_id: int) -> list[LineRecord]:
    """The accounts of a payment in their order. The caller has checked whose payment it is."""
    return fetch_rows(LineRecord, _LINES, {"payment_id": payment_id})


def list_waiting_voids(*, scope: Scope) -> Sequence[WaitingVoid]:
    """Wishes to take payments back that wait, at desks of the scope, oldest first."""
    return fetch_rows(WaitingVoid, _WAITING, scope_params(scope))


def count_waiting_voids(*, shift_id: int) -> int:
    """How many payments of a shift wait for a supervisor to be taken back."""
    return fetch_row(int, _WAITING_OF_SHIFT, {"shift_id": shift_id}) or 0


def list_safes(*, scope: Scope) -> Sequence[SafeRecord]:
    """The safes of the scope's units that ever held cash."""
    return fetch_rows(SafeRecord, _SAFES, scope_params(scope))


def list_deposits_on_the_way(*, scope: Scope) -> Sequence[DepositRecord]:
    """Cash handed in by units of the scope that no bank file has brought yet."""
    return fetch_rows(DepositRecord, _ON_THE_WAY, scope_params(scope))


def _shift(*row: Any) -> ShiftRecord:
    return ShiftRecord(*_read_json(row, len(row) - 1))


def _payment(*row: Any) -> PaymentRecord:
    return PaymentRecord(*_read_json(row, _PRINTED))


def _read_json(row: Sequence[Any], place: int) -> list[Any]:
    """The row with the JSON at `place`, which raw queries give as text, read."""
    values = list(row)
    values[place] = json.loads(values[place])
    return values


_PRINTED = 9  # place of the names in a payment's row


def _may_see(cashier_id: int, organisation_id: int, actor_id: int, supervised: Scope) -> bool:
    return cashier_id == actor_id or (
        supervised.may(Permission.SUPERVISE_DESKS) and supervised.covers(organisation_id)
    )
