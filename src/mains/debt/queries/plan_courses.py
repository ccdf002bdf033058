"""The courses of agreed plans, computed from the accounts' entries: what is stored about them is compared with this."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from mains.base.columns import fetch_frame
from mains.debt.models import InstalmentPlan
from mains.debt.queries.plan_course import Course, DuePart, course_of
from mains.debt.queries.plan_drafts import laid_on_items
from mains.debt.values import PlanKind, PlanState
from mains.ledger.queries.open_items import fixed_allocations
from mains.ledger.queries.order import in_order, taken_back, without
from mains.ledger.queries.policies import PolicyRecord, list_policies

# A payment of a closed day is posted on the first open one; a plan counts it from when the money was there.
_ENTRIES = """
    SELECT e.id, e.account_id, e.provider_id, e.service, e.kind, e.amount_minor, e.due_date, e.business_date,
           coalesce(c.paid_on, e.business_date), e.document_id
    FROM ledger_entry e LEFT JOIN payments_receipt c ON c.id = e.document_id AND e.kind = 'payment'
    WHERE e.account_id = ANY(%(account_ids)s) AND e.amount_minor <> 0 ORDER BY e.id
"""
_SCHEMA: dict[str, type[pl.DataType]] = {
    "entry_id": pl.Int64,
    "account_id": pl.Int64,
    "provider_id": pl.Int64,
    "service": pl.String,
    "kind": pl.String,
    "amount_minor": pl.Int64,
    "due_date": pl.Date,
    "business_date": pl.Date,
    "paid_on": pl.Date,
    "document_id": pl.Int64,
}
_DEFERRAL: dict[str, type[pl.DataType]] = {
    "account_id": pl.Int64,
    "item_id": pl.Int64,
    "plan_id": pl.Int64,
    "due_date": pl.Date,
    "business_date": pl.Date,
    "is_first": pl.Boolean,
    "rests": pl.Boolean,
    "amount_minor": pl.Int64,
}
Money = list[tuple[date, int]]


@dataclass(frozen=True, kw_only=True)
class HeldPlan:
    """An agreed plan as its facts state it; `items` are (item, minor) oldest first."""

    plan_id: int
    kind: PlanKind
    account_id: int
    organisation_id: int
    start_date: date
    grace_days: int
    rests: bool
    items: tuple[tuple[int, int], ...]
    schedule: tuple[DuePart, ...]
    ending: tuple[PlanState, date] | None


def list_held_plans(*, account_ids: Sequence[int]) -> list[HeldPlan]:
    """Agreed plans of the accounts, ended ones too, in the order in which they were made."""
    found = (
        InstalmentPlan.objects.filter(account_id__in=list(account_ids), agreement__isnull=False)
        .select_related("terms", "ending")
        .prefetch_related("items", "instalments")
        .order_by("id")
    )
    return [_held(one) for one in found]


def plan_courses(*, account_ids: Sequence[int], today: date) -> dict[int, Course]:
    """How each agreed plan of the accounts stands at `today`, computed anew from dated facts.

    A plan that breaks changes which debts later money covers, so breaks are taken one after the other, the earliest of
    an account first: money up to a break does not depend on it.
    """
    plans = list_held_plans(account_ids=account_ids)
    if not plans:
        return {}
    accounts = sorted({plan.account_id for plan in plans})
    entries = fetch_frame(_ENTRIES, {"account_ids": accounts}, schema=_SCHEMA)
    fixed = pl.concat(
        [
            taken_back(entries),
            fixed_allocations(account_ids=accounts).select(
                "account_id", "item_id", "credit_id", "amount_minor"
            ),
        ]
    )
    policies = list_policies()
    lifted: dict[int, date] = {}
    while True:
        courses = _courses(plans, entries, fixed, policies, lifted, today=today)
        earliest: dict[int, tuple[date, int]] = {}
        for plan in plans:
            day = courses[plan.plan_id].lifted_on
            if day is not None and lifted.get(plan.plan_id) != day:
                first = (day, plan.plan_id)
                earliest[plan.account_id] = min(first, earliest.get(plan.account_id, first))
        if not earliest:
            return courses
        lifted |= {plan_id: day for day, plan_id in earliest.values()}


def deferrals_of(plans: Sequence[HeldPlan], lifted: Mapping[int, date]) -> pl.DataFrame:
    """The due dates that plans give to parts of debts, and from when they hold no more, as the ledger keeps them."""
    rows = []
    for plan in plans:
        laid = laid_on_items(plan.items, [(part.due_date, part.principal_minor) for part in plan.schedule])
        for item_id, day, minor in laid:
            row = {
                "account_id": plan.account_id,
                "item_id": item_id,
                "plan_id": plan.plan_id,
                "due_date": day,
                "is_first": plan.kind is PlanKind.ENFORCEMENT,
                "rests": plan.rests,
            }
            rows.append(row | {"business_date": plan.start_date, "amount_minor": minor})
            if plan.plan_id in lifted:
                rows.append(row | {"business_date": lifted[plan.plan_id], "amount_minor": -minor})
    return pl.DataFrame(rows, schema=_DEFERRAL)


def _courses(
    plans: Sequence[HeldPlan],
    entries: pl.DataFrame,
    fixed: pl.DataFrame,
    policies: Sequence[PolicyRecord],
    lifted: Mapping[int, date],
    *,
    today: date,
) -> dict[int, Course]:
    made = in_order(entries=without(entries, fixed), policies=policies, deferrals=deferrals_of(plans, lifted))
    covered = (
        pl.concat([fixed, made.select(fixed.columns)])
        .filter(pl.col("item_id").is_in([item for plan in plans for item, _ in plan.items]))
        .join(entries.select("paid_on", credit_id="entry_id"), on="credit_id")
        .group_by("item_id", "paid_on")
        .agg(pl.col("amount_minor").sum())
        .sort("item_id", "paid_on")
    )
    by_item: dict[int, Money] = {}
    for item_id, day, minor in covered.iter_rows():
        by_item.setdefault(item_id, []).append((day, minor))
    whole = dict(entries.select("entry_id", "amount_minor").iter_rows())
    return {
        plan.plan_id: course_of(
            start_date=plan.start_date,
            schedule=plan.schedule,
            money=_money(plan, by_item, whole),
            grace_days=plan.grace_days,
            ending=plan.ending,
            today=today,
        )
        for plan in plans
    }


def _money(plan: HeldPlan, by_item: Mapping[int, Money], whole: Mapping[int, int]) -> Money:
    """What covers the plan's debts in all by the end of each day on which that changed, beyond what did before it."""
    grown: dict[date, int] = {}
    for item_id, minor in plan.items:
        before = whole[item_id] - minor
        sum_minor = 0
        for day, paid in by_item.get(item_id, ()):
            had = max(0, sum_minor - before)
            sum_minor += paid
            grown[day] = grown.get(day, 0) + max(0, sum_minor - before) - had
    money, total = [], 0
    for day in sorted(grown):
        total += grown[day]
        money.append((day, total))
    return money


def _held(one: InstalmentPlan) -> HeldPlan:
    ending = getattr(one, "ending", None)
    return HeldPlan(
        plan_id=one.pk,
        kind=PlanKind(one.kind),
        account_id=one.account_id,
        organisation_id=one.organisation_id,
        start_date=one.start_date,
        grace_days=one.terms.grace_days,
        rests=one.terms.rests,
        items=tuple(
            (item.item_id, item.amount_minor)
            for item in sorted(one.items.all(), key=lambda item: (item.due_date, item.item_id))
        ),
        schedule=tuple(
            DuePart(
                instalment_id=part.pk,
                number=part.number,
                due_date=part.due_date,
                principal_minor=part.principal_minor,
                interest_minor=part.interest_minor,
            )
            for part in sorted(one.instalments.all(), key=lambda part: part.number)
        ),
        ending=None if ending is None else (PlanState(ending.kind), ending.on_date),
    )
