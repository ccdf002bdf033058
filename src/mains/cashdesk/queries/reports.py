"""What a shift took and moved, and the report of a closed one as it is kept for ever."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mains.base.rows import fetch_row, fetch_rows
from mains.cashdesk.models import Shift
from mains.cashdesk.values import Means

_TAKEN = """
    SELECT p.shift_id, p.means, count(*), coalesce(sum(p.amount_minor), 0)::bigint,
           count(v.id), coalesce(sum(p.amount_minor) FILTER (WHERE v.id IS NOT NULL), 0)::bigint
    FROM cashdesk_deskpayment p
    LEFT JOIN cashdesk_deskvoid v ON v.payment_id = p.id AND v.state = 'done'
    WHERE p.shift_id = ANY(%(shift_ids)s) GROUP BY 1, 2
"""
_MOVED = """
    SELECT m.shift_id, m.kind, m.amount_minor, m.reason, coalesce(d.slip, '')
    FROM cashdesk_cashmovement m LEFT JOIN payments_deposit d ON d.id = m.deposit_id
    WHERE m.shift_id = ANY(%(shift_ids)s) ORDER BY m.id
"""
_UTILITY = "SELECT name FROM staff_organisation WHERE kind = 'utility' ORDER BY id LIMIT 1"
_UNIT = "SELECT name FROM staff_organisation WHERE id = %(id)s"


@dataclass(frozen=True, kw_only=True)
class MeansSum:
    """What a shift took by one means, and of it taken back."""

    means: str
    count: int
    amount_minor: int
    void_count: int
    void_minor: int

    @property
    def kept_minor(self) -> int:
        return self.amount_minor - self.void_minor


@dataclass(frozen=True, kw_only=True)
class Moved:
    """Cash that moved in a shift without a customer."""

    kind: str
    amount_minor: int
    reason: str
    slip: str


@dataclass(frozen=True, kw_only=True)
class ShiftSums:
    """What happened to the money of a shift."""

    means: tuple[MeansSum, ...]
    moved: tuple[Moved, ...]

    @property
    def cash_minor(self) -> int:
        """Taken in cash and not taken back."""
        return self._kept(Means.CASH)

    @property
    def card_minor(self) -> int:
        """Taken by card and not taken back."""
        return self._kept(Means.CARD)

    def _kept(self, means: str) -> int:
        return sum(one.kept_minor for one in self.means if one.means == means)

    @property
    def difference_minor(self) -> int:
        """Over less short."""
        signs = {"over": 1, "short": -1}
        return sum(signs.get(one.kind, 0) * one.amount_minor for one in self.moved)


def sum_shifts(*, shift_ids: Sequence[int]) -> dict[int, ShiftSums]:
    """The sums of each of these shifts."""
    means: dict[int, list[MeansSum]] = {shift_id: [] for shift_id in shift_ids}
    moved: dict[int, list[Moved]] = {shift_id: [] for shift_id in shift_ids}
    params = {"shift_ids": list(shift_ids)}
    for shift_id, name, count, minor, void_count, void_minor in fetch_rows(_row, _TAKEN, params):
        means[shift_id].append(
            MeansSum(
                means=name, count=count, amount_minor=minor, void_count=void_count, void_minor=void_minor
            )
        )
    for shift_id, kind, minor, reason, slip in fetch_rows(_row, _MOVED, params):
        moved[shift_id].append(Moved(kind=kind, amount_minor=minor, reason=reason, slip=slip))
    return {
        shift_id: ShiftSums(
            means=tuple(sorted(means[shift_id], key=lambda one: one.means, reverse=True)),
            moved=tuple(moved[shift_id]),
        )
        for shift_id in shift_ids
    }


def printed_names(shift: Shift) -> dict[str, str]:
    """The names that a receipt and a report print, as they are now."""
    return {
        "utility": fetch_row(str, _UTILITY, {}) or "",
        "unit": fetch_row(str, _UNIT, {"id": shift.desk.organisation_id}) or "",
        "desk": shift.desk.name,
        "code": shift.desk.code,
        "cashier": shift.cashier.get_full_name() or shift.cashier.username,
    }


def make_report(shift: Shift, *, left_minor: int) -> dict[str, Any]:
    """The report of a shift that is being closed, as plain values; `left_minor` stays in the till."""
    sums = sum_shifts(shift_ids=[shift.pk])[shift.pk]
    closed_by = shift.closed_by
    assert shift.closed_at is not None
    assert closed_by is not None
    return {
        "names": printed_names(shift),
        "number": shift.number,
        "opened_at": shift.opened_at.isoformat(),
        "closed_at": shift.closed_at.isoformat(),
        "closed_by": closed_by.get_full_name() or closed_by.username,
        "float_minor": shift.float_minor,
        "means": [
            {
                "means": one.means,
                "count": one.count,
                "amount_minor": one.amount_minor,
                "void_count": one.void_count,
                "void_minor": one.void_minor,
            }
            for one in sums.means
        ],
        "moved": [
            {"kind": one.kind, "amount_minor": one.amount_minor, "reason": one.reason, "slip": one.slip}
            for one in sums.moved
        ],
        "counted": shift.counted,
        "counted_minor": shift.counted_minor,
        "expected_minor": shift.expected_minor,
        "left_minor": left_minor,
    }


def _row(*row: Any) -> tuple[Any, ...]:
    return row
