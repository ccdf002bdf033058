"""How an instalment plan stands, from dated facts alone: its schedule, the money that covered its debts, its end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from mains.debt.values import PlanState

_ONE = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class DuePart:
    """An instalment as planned; number 0 is the down payment. `due_minor` is what it comes to with interest."""

    instalment_id: int
    number: int
    due_date: date
    principal_minor: int
    interest_minor: int

    @property
    def due_minor(self) -> int:
        return self.principal_minor + self.interest_minor


@dataclass(frozen=True, kw_only=True)
class DueState:
    """An instalment and what was paid of its principal; `paid_on` is the day on which it was paid in full."""

    part: DuePart
    paid_minor: int
    paid_on: date | None
    is_late: bool


@dataclass(frozen=True, kw_only=True)
class Course:
    """`since`: from which day the plan stands so; `lifted_on`: from which day its due dates hold no more."""

    state: PlanState
    since: date
    paid_minor: int
    left_minor: int
    lifted_on: date | None
    rows: tuple[DueState, ...]

    @property
    def next_due(self) -> DueState | None:
        """The first instalment that is not paid, of a plan that holds."""
        if self.state not in (PlanState.RUNNING, PlanState.LATE):
            return None
        return next((row for row in self.rows if row.paid_on is None), None)

    @property
    def percent(self) -> int:
        """How much of the debt is paid, in whole percent, never rounded up to 100."""
        whole = self.paid_minor + self.left_minor
        return 100 * self.paid_minor // whole if whole else 100


def course_of(
    *,
    start_date: date,
    schedule: Sequence[DuePart],
    money: Sequence[tuple[date, int]],
    grace_days: int,
    ending: tuple[PlanState, date] | None,
    today: date,
) -> Course:
    """The course of a plan at the end of the day before `today`: of today only money counts, its end is to come.

    `money`: what covered the plan's debts in all by the end of a day, in order of days. Instalments are paid in
    their order. A plan breaks on the day after the grace of an instalment that is not paid in full; money that
    comes later does not mend it, money that was there in time does.
    """
    total = sum(part.principal_minor for part in schedule)
    covered = money[-1][1] if money else 0
    rows, due = [], 0
    for part in schedule:
        due += part.principal_minor
        paid_on = next((day for day, minor in money if minor >= due), None) if covered >= due else None
        paid = min(part.principal_minor, max(0, covered - due + part.principal_minor))
        rows.append(
            DueState(
                part=part, paid_minor=paid, paid_on=paid_on, is_late=paid_on is None and part.due_date < today
            )
        )
    broken = _broken_on(rows, grace_days=grace_days, today=today)
    paid_minor = min(total, max(0, covered))

    def course(state: PlanState, since: date, lifted_on: date | None) -> Course:
        return Course(
            state=state,
            since=since,
            paid_minor=paid_minor,
            left_minor=total - paid_minor,
            lifted_on=lifted_on,
            rows=tuple(rows),
        )

    if broken is not None and (ending is None or broken <= ending[1]):
        if ending is not None:
            return course(ending[0], ending[1], broken)
        return course(PlanState.BROKEN, broken, broken)
    if ending is not None:
        return course(ending[0], ending[1], ending[1])
    last = rows[-1].paid_on
    if last is not None:
        return course(PlanState.PAID, max(last, start_date), None)
    late = next((row for row in rows if row.is_late), None)
    if late is not None:
        return course(PlanState.LATE, late.part.due_date + _ONE, None)
    return course(PlanState.RUNNING, start_date, None)


def _broken_on(rows: Sequence[DueState], *, grace_days: int, today: date) -> date | None:
    for row in rows:
        last = row.part.due_date + timedelta(days=grace_days)
        if last < today and (row.paid_on is None or row.paid_on > last):
            return last + _ONE
    return None
