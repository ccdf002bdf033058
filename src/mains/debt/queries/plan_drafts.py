"""The schedule of an instalment plan before it is agreed: parts of the debt, due days, interest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

import polars as pl

from mains.base.columns import fetch_frame
from mains.debt.models import InstalmentPlan, PlanTerms
from mains.debt.queries.plan_course import DuePart
from mains.debt.values import PlanKind
from mains.engine.interest import InterestRule, OpenItem, interest_exact, read_interest
from mains.kernel.errors import MainsError
from mains.ledger.queries.open_items import open_items

INSTALMENTS_MAX = 240


class UnableToPlan(MainsError):
    """These debts cannot be paid in such instalments; nothing was kept."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is wanted: `count` instalments, or `amount_minor` a month (interest included), in months from `first_due`
    on. `item_ids` None: all that is open and due by `start_date`. `down_minor` is due on the start date."""

    account_id: int
    kind: PlanKind
    start_date: date
    first_due: date
    count: int | None = None
    amount_minor: int | None = None
    down_minor: int = 0
    item_ids: tuple[int, ...] | None = None
    replaces_id: int | None = None


@dataclass(frozen=True)
class Covered:
    """An open item that a plan takes whole."""

    item_id: int
    provider_id: int
    service: str
    due_date: date
    amount_minor: int


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A plan as it would be agreed: what it covers, its instalments, and the terms that hold for it."""

    wanted: Wanted
    terms: PlanTerms
    items: tuple[Covered, ...]
    schedule: tuple[DuePart, ...]

    @property
    def debt_minor(self) -> int:
        return sum(one.amount_minor for one in self.items)

    @property
    def interest_minor(self) -> int:
        return sum(part.interest_minor for part in self.schedule)

    @property
    def total_minor(self) -> int:
        return sum(part.due_minor for part in self.schedule)

    @property
    def needs_approval(self) -> bool:
        """Above the limit; and no clerk alone makes a plan that a court has ordered, or replaces one."""
        replaced = self.wanted.replaces_id
        is_ordered = self.wanted.kind is PlanKind.ENFORCEMENT or (
            replaced is not None
            and InstalmentPlan.objects.filter(pk=replaced, kind=PlanKind.ENFORCEMENT).exists()
        )
        return is_ordered or self.debt_minor > self.terms.approval_above_minor


def draft_plan(wanted: Wanted) -> Draft:
    """The plan that would be agreed. Raises UnableToPlan: no terms, nothing open, debts of another plan, days or
    amounts that do not fit, a payment that interest eats up."""
    terms = (
        PlanTerms.objects.filter(kind=wanted.kind, valid__contains=wanted.start_date)
        .filter(superseded_at__isnull=True)
        .first()
    )
    if terms is None:
        raise _refusal(
            wanted,
            "plan-no-terms",
            "No terms are stated for instalment plans of this kind on this day.",
            "State them: mains plans terms.",
        )
    _check(wanted, terms)
    items = _items(wanted)
    debt = sum(one.amount_minor for one in items)
    if not 0 <= wanted.down_minor < debt:
        raise _refusal(
            wanted,
            "plan-down-payment",
            "The down payment is not less than the debt.",
            "Give less than what is open, or nothing.",
        )
    rule = read_interest(terms.interest_document) if terms.interest_document else None
    return Draft(wanted=wanted, terms=terms, items=items, schedule=_schedule(wanted, terms, rule, debt))


def _check(wanted: Wanted, terms: PlanTerms) -> None:
    if (wanted.count is None) == (wanted.amount_minor is None) or (
        wanted.kind is PlanKind.FIXED and wanted.amount_minor is None
    ):
        raise _refusal(
            wanted,
            "plan-count-or-amount",
            "A plan has a number of instalments or an amount a month; a fixed payment has an amount.",
            "Give one of the two.",
        )
    if wanted.count is not None and not 1 <= wanted.count <= INSTALMENTS_MAX:
        raise _refusal(
            wanted, "plan-count", "A plan has 1 to 240 instalments.", "Give another number of instalments."
        )
    if wanted.amount_minor is not None and wanted.amount_minor < terms.step_minor:
        raise _refusal(
            wanted,
            "plan-amount",
            "The amount a month is less than the step to which instalments are rounded.",
            "Give a larger amount.",
        )
    if wanted.first_due <= wanted.start_date:
        raise _refusal(
            wanted,
            "plan-first-due",
            "The first instalment is due before the plan begins.",
            "Give a day after the first day of the plan.",
        )


def _items(wanted: Wanted) -> tuple[Covered, ...]:
    found = open_items(account_ids=[wanted.account_id]).filter(
        pl.col("business_date") <= pl.lit(wanted.start_date)
    )
    if wanted.item_ids is None:
        found = found.filter(pl.col("due_date") <= pl.lit(wanted.start_date))
    else:
        found = found.filter(pl.col("item_id").is_in(list(wanted.item_ids)))
    is_whole = wanted.item_ids is None or found.height == len(set(wanted.item_ids))
    if found.is_empty() or not is_whole:
        raise _refusal(
            wanted,
            "plan-nothing-open",
            "Some of these debts are not open, or nothing is due.",
            "Choose among the open debts of the account.",
        )
    taken = _taken(wanted, found["item_id"].to_list())
    if taken and wanted.item_ids is not None:
        raise _refusal(
            wanted,
            "plan-item-taken",
            "Another instalment plan covers one of these debts.",
            "Restructure or cancel that plan.",
        )
    found = found.filter(~pl.col("item_id").is_in(taken))
    if found.is_empty():
        raise _refusal(
            wanted,
            "plan-item-taken",
            "Another instalment plan covers one of these debts.",
            "Restructure or cancel that plan.",
        )
    rows = found.rename({"outstanding_minor": "amount_minor"})
    return tuple(
        Covered(**row)
        for row in rows.select("item_id", "provider_id", "service", "due_date", "amount_minor").iter_rows(
            named=True
        )
    )


def _taken(wanted: Wanted, item_ids: Sequence[int]) -> list[int]:
    """Those of the items that are deferred by a plan which holds, other than the one that is replaced."""
    found = fetch_frame(
        """
        SELECT item_id FROM ledger_deferral
        WHERE item_id = ANY(%(item_ids)s) AND plan_id <> coalesce(%(replaces_id)s::bigint, -1)
        GROUP BY item_id HAVING sum(amount_minor) > 0
        """,
        {"item_ids": list(item_ids), "replaces_id": wanted.replaces_id},
        schema={"item_id": pl.Int64},
    )
    return found["item_id"].to_list()


def _schedule(wanted: Wanted, terms: PlanTerms, rule: InterestRule | None, debt: int) -> tuple[DuePart, ...]:
    parts = []
    if wanted.down_minor:
        parts.append(_part(0, wanted.start_date, wanted.down_minor, 0))
    left, since = debt - wanted.down_minor, wanted.start_date
    equal = None if wanted.count is None else left // wanted.count // terms.step_minor * terms.step_minor
    number = 0
    while left:
        number += 1
        due = months_later(wanted.first_due, number - 1)
        interest = _interest(rule, left, since=since, until=due)
        principal = _principal(wanted, terms, left=left, interest=interest, equal=equal, number=number)
        parts.append(_part(number, due, principal, interest))
        left, since = left - principal, due
    return tuple(parts)


def _principal(
    wanted: Wanted, terms: PlanTerms, *, left: int, interest: int, equal: int | None, number: int
) -> int:
    if wanted.count is not None:
        if equal == 0 and wanted.count > 1:
            raise _refusal(
                wanted,
                "plan-too-small",
                "The instalments are less than the step to which they are rounded.",
                "Give fewer instalments.",
            )
        return left if number == wanted.count else equal or left
    assert wanted.amount_minor is not None
    payment = wanted.amount_minor // terms.step_minor * terms.step_minor
    if payment <= interest or number > INSTALMENTS_MAX:
        raise _refusal(
            wanted,
            "plan-never-paid",
            "With this amount a month the debt is not paid off in 20 years.",
            "Give a larger amount.",
        )
    return min(left, payment - interest)


def _interest(rule: InterestRule | None, minor: int, *, since: date, until: date) -> int:
    """Interest on what is left, from the day after `since` to the end of `until`, by the rule of the plan."""
    if rule is None:
        return 0
    item = OpenItem(key="plan", amount_minor=minor, due_date=since, payments=(), source=rule.source)
    return interest_exact(rule=rule, items=(item,), until=until).total_minor


def _part(number: int, due: date, principal: int, interest: int) -> DuePart:
    return DuePart(
        instalment_id=0, number=number, due_date=due, principal_minor=principal, interest_minor=interest
    )


def laid_on_items(
    items: Sequence[tuple[int, int]], schedule: Sequence[tuple[date, int]]
) -> list[tuple[int, date, int]]:
    """Which part of which item an instalment is: items (id, minor) in their order along instalments (day, minor) in
    theirs; both sum to the same. The result has (item, day, minor), each pair once."""
    found: list[tuple[int, date, int]] = []
    queue = [list(one) for one in items if one[1]]
    for day, minor in schedule:
        rest = minor
        while rest:
            taken = min(rest, queue[0][1])
            found.append((queue[0][0], day, taken))
            rest -= taken
            queue[0][1] -= taken
            if not queue[0][1]:
                queue.pop(0)
    assert not queue, "The instalments sum to the debt."
    keyed = sorted(found, key=lambda one: one[:2])
    return [
        (item, day, sum(one[2] for one in same))
        for (item, day), same in groupby(keyed, key=lambda one: one[:2])
    ]


def months_later(day: date, months: int) -> date:
    """The same day so many months later, or the last of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    following = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    last = following - timedelta(days=1)
    return last.replace(day=min(day.day, last.day))


def _refusal(wanted: Wanted, code: str, message: str, remedy: str) -> UnableToPlan:
    return UnableToPlan(code=code, message=message, place=f"account {wanted.account_id}", remedy=remedy)
