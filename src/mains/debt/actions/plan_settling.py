"""Bring what is kept about instalment plans in line with the facts: due dates in the ledger, interest, notes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from mains.base.columns import append_frame
from mains.debt.models import InstalmentPlan, PlanInterestLine, PlanItem, PlanNote
from mains.debt.queries.plan_course import Course, DuePart
from mains.debt.queries.plan_courses import HeldPlan, deferrals_of, list_held_plans, plan_courses
from mains.debt.queries.plan_drafts import laid_on_items
from mains.debt.values import PlanState
from mains.ledger.actions.allocation import lock_allocation
from mains.ledger.actions.days import hold_open_days
from mains.ledger.actions.posting import ENTRY_SCHEMA, POSTING_SCHEMA, post_transaction
from mains.ledger.actions.reallocation import fix_allocations, reallocate
from mains.ledger.queries.deferrals import list_deferrals
from mains.ledger.values import Control, EntryKind, TransactionKind

_CHUNK = 2_000
# Interest that is posted can break a plan, and a break takes later interest back; then nothing changes any more.
_ROUNDS = 10


@dataclass(frozen=True, kw_only=True)
class Settled:
    """Plans that were looked at, those that stand otherwise than before, those of them that broke, interest posted in
    minor units."""

    plans: int
    changed: int
    broken: int
    interest_minor: int


def look_at_plans(*, now: datetime) -> Settled:
    """Settle the plans of all accounts. Doing it again changes nothing until the facts or the day do."""
    accounts = list(
        InstalmentPlan.objects.filter(agreement__isnull=False)
        .order_by("account_id")
        .values_list("account_id", flat=True)
        .distinct()
    )
    made = [
        settle_plans(account_ids=accounts[start : start + _CHUNK], now=now)
        for start in range(0, len(accounts), _CHUNK)
    ]
    return Settled(
        plans=sum(one.plans for one in made),
        changed=sum(one.changed for one in made),
        broken=sum(one.broken for one in made),
        interest_minor=sum(one.interest_minor for one in made),
    )


def settle_plans(*, account_ids: Sequence[int], now: datetime) -> Settled:
    """Compute the plans of accounts from the facts; keep the difference to what is kept: due dates, the interest of
    instalments that have fallen due, and a note where a plan stands otherwise. Nothing is edited."""
    today = timezone.localdate(now)
    with transaction.atomic():
        lock_allocation()
        plans = list_held_plans(account_ids=account_ids)
        courses = plan_courses(account_ids=account_ids, today=today)
        posted = 0
        for _round in range(_ROUNDS):
            _keep_due_dates(plans, courses, now=now)
            added = _post_interest(plans, courses, today=today, now=now)
            if added is None:
                break
            posted += added
            courses = plan_courses(account_ids=account_ids, today=today)
        changed = _keep_notes(courses, now=now)
        return Settled(
            plans=len(plans),
            changed=len(changed),
            broken=sum(state is PlanState.BROKEN for state in changed),
            interest_minor=posted,
        )


def _keep_due_dates(plans: Sequence[HeldPlan], courses: dict[int, Course], *, now: datetime) -> None:
    lifted = {key: one.lifted_on for key, one in courses.items() if one.lifted_on is not None}
    wanted = deferrals_of(plans, lifted)
    key = [name for name in wanted.columns if name != "amount_minor"]
    deferrals = list_deferrals(account_ids=sorted({plan.account_id for plan in plans}))
    held = deferrals.filter(pl.col("plan_id").is_not_null())
    changes = (
        pl.concat([wanted, held.select(wanted.columns).with_columns(-pl.col("amount_minor"))])
        .group_by(key)
        .agg(pl.col("amount_minor").sum())
        .filter(pl.col("amount_minor") != 0)
        .sort(key)
    )
    if changes.is_empty():
        return
    append_frame(changes.with_columns(recorded_at=pl.lit(now)), "ledger_deferral")
    reallocate(account_ids=changes["account_id"].unique().sort().to_list(), now=now)


def _post_interest(
    plans: Sequence[HeldPlan], courses: dict[int, Course], *, today: date, now: datetime
) -> int | None:
    """Post each instalment's interest from its due day on while the plan holds, less what was posted; None: nothing."""
    parts = [(plan, part) for plan in plans for part in plan.schedule if part.interest_minor]
    sums = PlanInterestLine.objects.filter(
        instalment_id__in=[part.instalment_id for _, part in parts]
    ).values_list("instalment_id")
    posted = dict(sums.annotate(Sum("amount_minor")))
    changes = []
    for plan, part in parts:
        target = part.interest_minor if _bears(courses[plan.plan_id], part, today) else 0
        difference = target - posted.get(part.instalment_id, 0)
        if difference:
            changes.append(_post_part(plan, part, difference, now=now))
    return sum(changes) if changes else None


def _bears(course: Course, part: DuePart, today: date) -> bool:
    until = course.since if course.state is PlanState.PAID else today
    return part.due_date <= until and (course.lifted_on is None or part.due_date < course.lifted_on)


def _post_part(plan: HeldPlan, part: DuePart, minor: int, *, now: datetime) -> int:
    """Post interest of an instalment, or its counter entry, to the supply whose debt the instalment pays first."""
    place = _supply(plan, part)
    kind = TransactionKind.PLAN_INTEREST
    day = max(part.due_date, hold_open_days(kind=kind) or part.due_date)
    row = {
        "account_id": plan.account_id,
        "organisation_id": plan.organisation_id,
        "provider_id": place.provider_id,
        "service": place.service,
        "kind": EntryKind.PLAN_INTEREST.value,
        "amount_minor": minor,
        "correction_minor": 0,
        "due_date": part.due_date if minor > 0 else None,
        "document_id": plan.plan_id,
    }
    other = {name: row[name] for name in ("organisation_id", "provider_id", "service")}
    other |= {"control": Control.PLAN_INTEREST.value, "amount_minor": -minor}
    lines = PlanInterestLine.objects.filter(instalment_id=part.instalment_id)
    posted = post_transaction(
        kind=kind,
        source_id=part.instalment_id,
        part=lines.count(),
        business_date=day,
        entries=pl.DataFrame([row], schema=ENTRY_SCHEMA),
        counterparts=pl.DataFrame([other], schema=POSTING_SCHEMA),
        now=now,
        narrative=f"Instalment {part.number} of plan {plan.plan_id}",
    )
    entry_id = posted.entry_ids.start
    last = lines.order_by("-id").first()
    PlanInterestLine.objects.create(
        instalment_id=part.instalment_id,
        account_id=plan.account_id,
        entry_id=entry_id,
        amount_minor=minor,
        recorded_at=now,
    )
    if minor < 0:
        assert last is not None, "Only interest that was posted is taken back."
        pair = {
            "account_id": plan.account_id,
            "item_id": last.entry_id,
            "credit_id": entry_id,
            "amount_minor": -minor,
        }
        fix_allocations(pairs=pl.DataFrame([pair]), now=now)
    else:
        reallocate(account_ids=[plan.account_id], now=now)
    return minor


def _supply(plan: HeldPlan, part: DuePart) -> PlanItem:
    laid = laid_on_items(plan.items, [(one.due_date, one.principal_minor) for one in plan.schedule])
    items = [item for item, day, _ in laid if day == part.due_date]
    order = [item for item, _ in plan.items]
    return PlanItem.objects.get(plan_id=plan.plan_id, item_id=min(items, key=order.index))


def _keep_notes(courses: dict[int, Course], *, now: datetime) -> list[PlanState]:
    """Note how plans stand where that is not what was noted last; the states of those that changed."""
    last = {
        plan_id: (state, day)
        for plan_id, state, day in PlanNote.objects.filter(plan_id__in=courses)
        .order_by("id")
        .values_list("plan_id", "state", "on_date")
    }
    changed = [
        (plan_id, course)
        for plan_id, course in sorted(courses.items())
        if last.get(plan_id) != (course.state.value, course.since)
    ]
    PlanNote.objects.bulk_create(
        PlanNote(
            plan_id=plan_id,
            state=course.state,
            on_date=course.since,
            left_minor=course.left_minor,
            recorded_at=now,
        )
        for plan_id, course in changed
    )
    return [course.state for _, course in changed]
