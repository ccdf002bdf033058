"""Instalment plans of the demo: debtors agree, courts order, some keep to it and some do not."""

from datetime import UTC, date, datetime, time, timedelta

import polars as pl

from mains.base.columns import fetch_frame
from mains.debt.actions.plan_settling import look_at_plans
from mains.debt.actions.plans import decide_plan, propose_plan, state_plan_terms
from mains.debt.queries.plan_drafts import Wanted
from mains.debt.queries.plans import PlanFilter, list_plan_terms, list_plans
from mains.debt.values import PlanKind, PlanState
from mains.packs.definition import Pack, add_months
from mains.packs.profiles import InstalmentProfile
from mains.staff.queries.approvals import find_waiting
from mains.staff.values import EVERYTHING, ProposalKind

# Of four debtors two agree, one pays a fixed amount, one has to.
_KINDS = (PlanKind.ORDINARY, PlanKind.FIXED, PlanKind.ORDINARY, PlanKind.ENFORCEMENT)
# Of those that are due before the demo's day some are kept and some not; others are still to come.
_FIRST_DUE_DAYS = (20, 46, 35, 46, 36)
_PLACES = """
    SELECT e.account_id, sum(e.amount_minor - coalesce(c.minor, 0))::bigint
    FROM ledger_entry e
    LEFT JOIN (SELECT item_id, sum(amount_minor) AS minor FROM ledger_allocation GROUP BY 1) c ON c.item_id = e.id
    WHERE e.amount_minor > coalesce(c.minor, 0) AND e.amount_minor > 0
      AND coalesce(e.due_date, e.business_date) <= %(on_date)s
    GROUP BY 1 HAVING count(*) > 1 AND sum(e.amount_minor) > 100000
    ORDER BY hashint8(e.account_id), 1 LIMIT %(count)s
"""


def make_plans(*, pack: Pack, profile: InstalmentProfile) -> None:
    """State the terms and make the plans, on the last day of the month after the first billed one. An earlier start's
    plans are left alone."""
    if list_plan_terms():
        return
    start = add_months(pack.billing.months[0], 2) - timedelta(days=1)
    people = _people()
    for kind in PlanKind:
        state_plan_terms(
            kind=kind,
            grace_days=profile.grace_days,
            approval_above_minor=profile.approval_above_minor,
            step_minor=profile.step_minor,
            rests=profile.rests,
            interest_document=profile.rule if kind is PlanKind.FIXED else "",
            valid_from=date(start.year, 1, 1),
            proof=profile.proof,
            actor=None,
            now=_at(start),
        )
    owing = fetch_frame(
        _PLACES,
        {"on_date": start, "count": profile.plans},
        schema={"account_id": pl.Int64, "minor": pl.Int64},
    )
    for number, (account_id, minor) in enumerate(owing.iter_rows(), start=1):
        kind = _KINDS[number % len(_KINDS)]
        is_fixed = kind is PlanKind.FIXED
        wanted = Wanted(
            account_id=account_id,
            kind=kind,
            start_date=start,
            first_due=start + timedelta(days=_FIRST_DUE_DAYS[number % len(_FIRST_DUE_DAYS)]),
            count=None if is_fixed else 3 + number % 4,
            amount_minor=minor // 500 * 100 if is_fixed else None,
            down_minor=minor // 1000 * 100 if number % 8 == 0 else 0,
        )
        document = profile.order if kind is PlanKind.ENFORCEMENT else profile.document
        plan = propose_plan(
            wanted=wanted,
            reason=profile.reason,
            document=document.format(number=number),
            now=_at(start),
            actor_id=people[0],
        )
        waiting = find_waiting(kind=ProposalKind.INSTALMENT_PLAN, subject_id=plan.pk)
        # The last one that a court has ordered waits for its second person.
        if waiting is not None and number + len(_KINDS) <= owing.height:
            decide_plan(proposal_id=waiting, agrees=True, now=_at(start), actor_id=people[1])


def end_plans(*, pack: Pack, profile: InstalmentProfile) -> None:
    """Look at the plans on the demo's day, and restructure the first that is found broken; once."""
    today = pack.billing.today
    look_at_plans(now=_at(today))
    found = list_plans(scope=EVERYTHING, chosen=PlanFilter(), today=today)
    if any(one.replaces_id for one in found):
        return
    for one in found:
        if one.state is PlanState.BROKEN and one.kind == PlanKind.ORDINARY:
            propose_plan(
                wanted=Wanted(
                    account_id=one.account_id,
                    kind=PlanKind.ORDINARY,
                    start_date=today,
                    first_due=today + timedelta(days=30),
                    count=6,
                    replaces_id=one.id,
                ),
                reason=profile.reason,
                document=profile.document.format(number=100 + one.id),
                now=_at(today),
                actor_id=_people()[0],
            )
            return


def _people() -> list[int]:
    found = fetch_frame("SELECT id FROM staff_user ORDER BY id LIMIT 2", schema={"id": pl.Int64})
    return found["id"].to_list()


def _at(day: date) -> datetime:
    return datetime.combine(day, time(12), tzinfo=UTC)
