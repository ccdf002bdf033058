"""A desk of Lumen's branch North with cashier Nora, one of the South with cashier Sam, and supervisor Uma."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

import pytest

from mains.cashdesk.actions.desks import add_desk
from mains.cashdesk.actions.movements import fill_safe
from mains.cashdesk.actions.payments import Asked, PaidLine, TakenPayment, take_payment
from mains.cashdesk.actions.refusals import UnableAtDesk
from mains.cashdesk.actions.shifts import Count, Leaving, close_shift, open_shift
from mains.cashdesk.models import CashDesk, Shift
from mains.cashdesk.queries import invariants as desk_invariants
from mains.cashdesk.values import Means
from mains.ledger.models import Posting
from mains.ledger.queries import invariants as ledger_invariants
from mains.payments.queries import invariants as payment_invariants
from mains.staff.models import User
from mains.staff.values import Permission, Scope
from money_cast import NOW, Cast, build_cast

_keys = count(1)


@dataclass
class Desks:
    """The cast, its desks and people, and the short verbs of a cashier's day."""

    cast: Cast
    north: CashDesk
    south: CashDesk
    people: dict[str, int]
    clock: datetime = NOW
    shifts: dict[str, Shift] = field(default_factory=dict)

    def tick(self) -> datetime:
        self.clock += timedelta(minutes=1)
        return self.clock

    def scope(self, branch: str) -> Scope:
        units = {"North": ("North", "Alder", "Birch"), "South": ("South",)}[branch]
        return Scope(
            organisation_ids=frozenset(self.cast.units[unit] for unit in units),
            permissions=frozenset((Permission.TAKE_PAYMENTS, Permission.SUPERVISE_DESKS)),
        )

    def open(self, who: str = "nora", pieces: dict[int, int] | None = None, **changed: object) -> Shift:
        branch = "South" if who == "sam" else "North"
        desk = self.south if who == "sam" else self.north
        told = {"desk_id": desk.pk, "from_safe_minor": 0, "reason": "", "scope": self.scope(branch)} | changed
        self.shifts[who] = open_shift(
            count=Count(pieces=pieces or {}), now=self.tick(), actor_id=self.people[who], **told
        )
        return self.shifts[who]

    def take(
        self,
        who: str,
        *lines: tuple[str, int] | tuple[str, int, int],
        key: str = "",
        means: Means = Means.CASH,
        tendered: int | None = None,
        slip: str = "",
        instalments: int = 1,
        now: datetime | None = None,
    ) -> TakenPayment:
        paid = tuple(
            PaidLine(
                account_id=self.cast.accounts[line[0]],
                amount_minor=line[1],
                seen_minor=line[2] if len(line) > 2 else None,
            )
            for line in lines
        )
        total = sum(line.amount_minor for line in paid)
        return take_payment(
            shift_id=self.shifts[who].pk,
            asked=Asked(
                key=key or f"key-{next(_keys):08d}",
                means=means,
                lines=paid,
                tendered_minor=total if tendered is None else tendered,
                slip=slip,
                instalments=instalments,
            ),
            now=now or self.tick(),
            actor_id=self.people[who],
            scope=self.scope("South" if who == "sam" else "North"),
        )

    def close(
        self, who: str, pieces: dict[int, int], reason: str = "", by: str = "", **leaving: object
    ) -> Shift:
        supervised = (
            self.scope("North")
            if by == "uma"
            else Scope(organisation_ids=frozenset(), permissions=frozenset())
        )
        return close_shift(
            shift_id=self.shifts[who].pk,
            count=Count(pieces=pieces),
            leaving=Leaving(**leaving),
            reason=reason,
            now=self.tick(),
            actor_id=self.people[by or who],
            supervised=supervised,
        )


def breaches() -> list[object]:
    """Everything that `mains ledger check` would find."""
    return [
        *ledger_invariants.find_breaches(),
        *payment_invariants.find_breaches(),
        *desk_invariants.find_breaches(),
    ]


def build_desks() -> Desks:
    """Write the desks, with 5,000.00 in North's safe."""
    cast = build_cast()
    north, south = (
        add_desk(code=code, name=f"Desk {code}", organisation_id=cast.units[unit], void_limit_minor=50_000)
        for code, unit in (("N-1", "North"), ("S-1", "South"))
    )
    people = {
        name: User.objects.create(username=name, first_name=name.title()).pk
        for name in ("nora", "sam", "uma")
    }
    fill_safe(
        organisation_id=cast.units["North"],
        amount_minor=500_000,
        key="safe-north",
        now=NOW,
        reason="Counted",
        actor_id=None,
    )
    return Desks(cast=cast, north=north, south=south, people=people)


def on_control(control: str) -> int:
    """Balance of a control account, in minor units."""
    return sum(Posting.objects.filter(control=control).values_list("amount_minor", flat=True))


def refused(code: str, call: Callable[..., object], *args: object, **kwargs: object) -> UnableAtDesk:
    """The refusal of a call, which has this code and a remedy."""
    with pytest.raises(UnableAtDesk) as refusal:
        call(*args, **kwargs)
    assert refusal.value.code == f"desk-{code}"
    assert refusal.value.remedy
    return refusal.value
