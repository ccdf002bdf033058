"""Open a shift on what is in the till, and close it with a count."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import IntegrityError, transaction

from mains.cashdesk.actions.movements import Mover, move_cash
from mains.cashdesk.actions.refusals import refusal
from mains.cashdesk.models import CashDesk, CashMovement, DeskVoid, Shift
from mains.cashdesk.queries.reports import make_report
from mains.cashdesk.queries.till import till_minor
from mains.cashdesk.values import MovementKind, VoidState, denominations_of
from mains.staff.values import Scope
from mains.tariffs.queries.records import currency_of_utility

_PIECES_MAX = 100_000
_KEY_MIN = 8


@dataclass(frozen=True, kw_only=True)
class Count:
    """A counted till: pieces by denomination in minor units."""

    pieces: Mapping[int, int] = field(default_factory=dict)

    @property
    def total_minor(self) -> int:
        return sum(minor * pieces for minor, pieces in self.pieces.items())

    def as_json(self) -> dict[str, int]:
        """Largest first, only what is there."""
        return {
            str(minor): self.pieces[minor]
            for minor in sorted(self.pieces, reverse=True)
            if self.pieces[minor]
        }


@dataclass(frozen=True, kw_only=True)
class Leaving:
    """Where the cash of a closed till goes; what is not named stays for the next cashier."""

    to_bank_minor: int = 0
    slip: str = ""
    to_safe_minor: int = 0


def open_shift(
    *,
    desk_id: int,
    count: Count,
    from_safe_minor: int,
    reason: str,
    now: datetime,
    actor_id: int,
    scope: Scope,
) -> Shift:
    """Begin a shift at a desk of the scope on a counted till; `from_safe_minor` of it was brought from the safe.

    What the count has more or less than the shift before left is booked as over or short, with `reason`. Raises
    UnableAtDesk: no such desk, a shift is open there or elsewhere by the same person, no reason, the clock went back.
    """
    _refuse_pieces(count)
    with transaction.atomic():
        desk = CashDesk.objects.select_for_update().filter(pk=desk_id, closed_on=None).first()
        if desk is None or not scope.covers(desk.organisation_id):
            raise refusal(
                "unknown",
                "There is no such cash desk that you may use.",
                f"desk {desk_id}",
                "Choose one of yours.",
            )
        last = desk.shifts.order_by("-number").first()
        if last is not None and last.closed_at is not None and now < last.closed_at:
            raise _clock_went_back(desk, last.closed_at)
        try:
            with transaction.atomic():
                shift = Shift.objects.create(
                    desk=desk,
                    number=last.number + 1 if last else 1,
                    cashier_id=actor_id,
                    opened_at=now,
                    float_minor=count.total_minor,
                    float_count=count.as_json(),
                )
        except IntegrityError as error:
            raise refusal(
                "shift-open",
                "A shift is open at this desk, or you have one open at another.",
                f"desk {desk.code}",
                "Close that shift first.",
            ) from error
        mover = Mover(organisation_id=desk.organisation_id, desk=desk, shift=shift, actor_id=actor_id)
        if from_safe_minor:
            move_cash(
                kind=MovementKind.FROM_SAFE,
                amount_minor=from_safe_minor,
                key=f"shift:{shift.pk}:float",
                mover=mover,
                now=now,
            )
        _book_difference(mover, count.total_minor, key=f"shift:{shift.pk}:opening", reason=reason, now=now)
        return shift


def close_shift(
    *,
    shift_id: int,
    count: Count,
    leaving: Leaving,
    reason: str,
    now: datetime,
    actor_id: int,
    supervised: Scope,
) -> Shift:
    """End a shift with a count of the till: by its cashier, or by who supervises the desk.

    What is short or over is booked with `reason`; cash goes to the bank with a slip and to the safe, the rest stays.
    Wishes to take a payment back that nobody decided are refused. Raises UnableAtDesk: somebody else's shift, closed
    already, no reason for a difference, more leaves than is there, the clock went back; UnableToHandIn for the slip.
    """
    _refuse_pieces(count)
    with transaction.atomic():
        shift = hold_shift(shift_id, now=now)
        desk = shift.desk
        if shift.cashier_id != actor_id and not supervised.covers(desk.organisation_id):
            raise not_yours(shift)
        waiting = DeskVoid.objects.filter(payment__shift=shift, state=VoidState.ASKED)
        waiting.update(state=VoidState.REFUSED, decided_at=now, decided_by_id=actor_id)
        mover = Mover(organisation_id=desk.organisation_id, desk=desk, shift=shift, actor_id=actor_id)
        expected = till_minor(desk_id=desk.pk)
        _book_difference(mover, count.total_minor, key=f"shift:{shift.pk}:closing", reason=reason, now=now)
        if leaving.to_bank_minor:  # also when it is less than nothing, which is refused
            move_cash(
                kind=MovementKind.TO_BANK,
                amount_minor=leaving.to_bank_minor,
                key=f"shift:{shift.pk}:bank",
                mover=mover,
                now=now,
                slip=leaving.slip,
            )
        if leaving.to_safe_minor:
            move_cash(
                kind=MovementKind.TO_SAFE,
                amount_minor=leaving.to_safe_minor,
                key=f"shift:{shift.pk}:safe",
                mover=mover,
                now=now,
            )
        shift.closed_at, shift.closed_by_id = now, actor_id
        shift.counted_minor, shift.counted = count.total_minor, count.as_json()
        shift.expected_minor = expected
        shift.report = make_report(shift, left_minor=till_minor(desk_id=desk.pk))
        shift.save()
        return shift


def move_from_till(
    *,
    shift_id: int,
    kind: MovementKind,
    amount_minor: int,
    slip: str,
    key: str,
    now: datetime,
    actor_id: int,
) -> CashMovement:
    """Bring cash from the safe, put it there, or hand it in to the bank, within the cashier's own open shift.

    Raises UnableAtDesk as `move_cash`, and for a shift that is closed or another's; UnableToHandIn for the slip.
    """
    with transaction.atomic():
        shift = hold_shift(shift_id, now=now)
        if shift.cashier_id != actor_id:
            raise not_yours(shift)
        if len(key) < _KEY_MIN:
            raise refusal("key", "The form has no key.", f"shift {shift_id}", "Open the page anew.")
        mover = Mover(
            organisation_id=shift.desk.organisation_id, desk=shift.desk, shift=shift, actor_id=actor_id
        )
        return move_cash(kind=kind, amount_minor=amount_minor, key=key, mover=mover, now=now, slip=slip)


def hold_shift(shift_id: int, *, now: datetime) -> Shift:
    """The open shift, its desk locked until the end of the database transaction.

    Raises UnableAtDesk: it is closed or unknown, or the clock stands before what it did last.
    """
    found = Shift.objects.filter(pk=shift_id).first()
    if found is not None:
        CashDesk.objects.select_for_update().get(pk=found.desk_id)
        found = Shift.objects.select_related("desk", "cashier").get(pk=shift_id)
    if found is None or found.closed_at is not None:
        raise refusal(
            "shift-closed",
            "This shift is closed, perhaps in another tab.",
            f"shift {shift_id}",
            "Open a shift; nothing was booked.",
        )
    last = found.payments.order_by("-recorded_at").values_list("recorded_at", flat=True).first()
    latest = max(found.opened_at, last or found.opened_at)
    if now < latest:
        raise _clock_went_back(found.desk, latest)
    return found


def not_yours(shift: Shift) -> Exception:
    """The refusal for somebody else's shift."""
    return refusal(
        "not-yours",
        "This is the shift of another cashier.",
        f"shift {shift.pk}",
        "Open a shift of your own.",
    )


def _book_difference(mover: Mover, counted_minor: int, *, key: str, reason: str, now: datetime) -> None:
    assert mover.desk is not None
    difference = counted_minor - till_minor(desk_id=mover.desk.pk)
    if not difference:
        return
    if not reason.strip():
        raise refusal(
            "difference",
            "The count differs from what should be in the till.",
            f"desk {mover.desk.code}",
            "Count again, or write the reason: it is booked as short or over.",
            difference_minor=difference,
        )
    move_cash(
        kind=MovementKind.OVER if difference > 0 else MovementKind.SHORT,
        amount_minor=abs(difference),
        key=key,
        mover=mover,
        now=now,
        reason=reason,
    )


def _refuse_pieces(count: Count) -> None:
    known = set(denominations_of(currency_of_utility()))
    wrong = [
        minor
        for minor, pieces in count.pieces.items()
        if minor not in known or not 0 <= pieces <= _PIECES_MAX
    ]
    if wrong:
        raise refusal(
            "count",
            "The count has a note that there is not, or a number of pieces that cannot be.",
            f"denomination {wrong[0]}",
            "Write the number of pieces of each note and coin.",
        )


def _clock_went_back(desk: CashDesk, latest: datetime) -> Exception:
    return refusal(
        "clock",
        "The clock of the server stands before what this desk did last, so nothing is booked.",
        f"desk {desk.code}, {latest.isoformat()}",
        "Have the administrator set the clock right.",
    )
