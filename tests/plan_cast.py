"""Short verbs of a story about instalment plans."""

from datetime import UTC, date, datetime

from debt_cast import people
from mains.debt.actions.plan_settling import Settled, look_at_plans
from mains.debt.actions.plans import decide_plan, propose_plan, state_plan_terms
from mains.debt.models import InstalmentPlan, PlanNote
from mains.debt.queries import invariants as debt_invariants
from mains.debt.queries.plan_course import Course
from mains.debt.queries.plan_courses import plan_courses
from mains.debt.queries.plan_drafts import Wanted
from mains.debt.values import PlanKind
from mains.ledger.queries import invariants as ledger_invariants
from mains.staff.models import Proposal
from money_cast import Cast

PLAN_RULE = """
interest: plan-interest
currency: RUB
source: Agreement
rates:
  - {from: 2000-01-01, rate: 12 %}
steps:
  - {factor: 1/365}
"""


def at(day: date, hour: int = 9) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def state_terms(
    kind: PlanKind = PlanKind.ORDINARY,
    *,
    grace_days: int = 5,
    above: int = 1_000_000,
    rests: bool = False,
    interest: str = "",
    step: int = 1,
) -> None:
    state_plan_terms(
        kind=kind,
        grace_days=grace_days,
        approval_above_minor=above,
        step_minor=step,
        rests=rests,
        interest_document=interest,
        valid_from=date(2020, 1, 1),
        proof="Order 7",
        actor=None,
        now=at(date(2020, 1, 1)),
    )


def make_plan(
    cast: Cast,
    name: str = "anna",
    *,
    start: date,
    first: date,
    count: int | None = None,
    amount: int | None = None,
    kind: PlanKind = PlanKind.ORDINARY,
    down: int = 0,
    items: tuple[int, ...] | None = None,
    replaces: InstalmentPlan | None = None,
    now: datetime | None = None,
    document: str = "Agreement 1",
) -> InstalmentPlan:
    wanted = Wanted(
        account_id=cast.accounts[name],
        kind=kind,
        start_date=start,
        first_due=first,
        count=count,
        amount_minor=amount,
        down_minor=down,
        item_ids=items,
        replaces_id=replaces.pk if replaces else None,
    )
    return propose_plan(
        wanted=wanted, reason="Asked for", document=document, now=now or at(start), actor_id=people()[0]
    )


def approve_plan(plan: InstalmentPlan, *, now: datetime) -> InstalmentPlan:
    proposal = Proposal.objects.get(kind="instalment_plan", subject_id=plan.pk)
    return decide_plan(proposal_id=proposal.pk, agrees=True, now=now, actor_id=people()[1])


def look(day: date) -> Settled:
    return look_at_plans(now=at(day, 12))


def course(plan: InstalmentPlan, day: date) -> Course:
    return plan_courses(account_ids=[plan.account_id], today=day)[plan.pk]


def stored(plan: InstalmentPlan) -> str:
    return str(PlanNote.objects.filter(plan=plan).order_by("-id").values_list("state", flat=True)[0])


def is_sound() -> bool:
    return [*debt_invariants.find_breaches(), *ledger_invariants.find_breaches()] == []
