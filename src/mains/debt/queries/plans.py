"""Instalment plans as people read them; every list is limited to a scope."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from mains.base.rows import fetch_rows
from mains.debt.models import InstalmentPlan, PlanNote, PlanTerms
from mains.debt.queries.plan_course import Course
from mains.debt.queries.plan_courses import plan_courses
from mains.debt.values import PlanKind, PlanState
from mains.staff.values import Scope

# What was noted last tells where a plan stood; until it is agreed its proposal does.
_PLANS = """
    SELECT p.id, p.kind, p.account_id, a.number, mains_name(c.name), p.organisation_id, o.name, p.start_date,
           p.document, p.reason, p.replaces_id,
           r.plan_id, coalesce(n.state, CASE WHEN d.agrees = false THEN 'refused' ELSE 'waiting' END),
           coalesce(n.on_date, p.start_date), i.debt_minor, i.interest_minor, i.count, p.recorded_at,
           coalesce(u.username, ''), p.recorded_by_id, q.id, coalesce(du.username, '')
    FROM debt_instalmentplan p
    JOIN customers_account a ON a.id = p.account_id
    JOIN customers_customer c ON c.id = a.customer_id
    JOIN staff_organisation o ON o.id = p.organisation_id
    JOIN LATERAL (
        SELECT sum(principal_minor)::bigint AS debt_minor, sum(interest_minor)::bigint AS interest_minor,
               count(*) AS count
        FROM debt_instalment WHERE plan_id = p.id
    ) i ON true
    LEFT JOIN LATERAL (
        SELECT state, on_date FROM debt_plannote WHERE plan_id = p.id ORDER BY id DESC LIMIT 1
    ) n ON true
    LEFT JOIN LATERAL (
        SELECT s.id AS plan_id FROM debt_instalmentplan s JOIN debt_planagreement g ON g.plan_id = s.id
        WHERE s.replaces_id = p.id LIMIT 1
    ) r ON true
    LEFT JOIN staff_proposal q ON q.kind = 'instalment_plan' AND q.subject_id = p.id
    LEFT JOIN staff_decision d ON d.proposal_id = q.id
    LEFT JOIN staff_user u ON u.id = p.recorded_by_id
    LEFT JOIN staff_user du ON du.id = d.decided_by_id
    WHERE (%(organisation_ids)s::bigint[] IS NULL OR p.organisation_id = ANY(%(organisation_ids)s))
"""


@dataclass(frozen=True)
class PlanRecord:
    """A plan with its sums; `course` tells how an agreed one stands now, computed from the facts."""

    id: int
    kind: str
    account_id: int
    number: str
    customer_name: str
    organisation_id: int
    organisation_name: str
    start_date: date
    document: str
    reason: str
    replaces_id: int | None
    replaced_by_id: int | None
    noted: str
    noted_on: date
    debt_minor: int
    interest_minor: int
    count: int
    recorded_at: datetime
    recorded_by: str
    recorded_by_id: int | None
    proposal_id: int | None
    decided_by: str
    course: Course | None = None

    @property
    def state(self) -> PlanState:
        return self.course.state if self.course else PlanState(self.noted)

    @property
    def since(self) -> date:
        return self.course.since if self.course else self.noted_on

    @property
    def late_minor(self) -> int:
        """Principal of instalments that are late."""
        rows = self.course.rows if self.course and self.course.lifted_on is None else ()
        return sum(row.part.principal_minor - row.paid_minor for row in rows if row.is_late)

    @property
    def is_held(self) -> bool:
        return self.state in (PlanState.RUNNING, PlanState.LATE)

    @property
    def may_be_replaced(self) -> bool:
        return self.is_held or self.state is PlanState.BROKEN


@dataclass(frozen=True, kw_only=True)
class PlanFilter:
    """Which plans are listed; empty: all."""

    state: str = ""
    kind: str = ""
    organisation_ids: tuple[int, ...] | None = None
    text: str = ""


@dataclass(frozen=True)
class PlanDebt:
    """What a plan covers."""

    item_id: int
    kind: str
    service: str
    provider_name: str
    due_date: date
    amount_minor: int


@dataclass(frozen=True, kw_only=True)
class TermsOfPlans:
    """Terms of plans of a kind made on dates from `valid_from` on, until `valid_to`."""

    kind: PlanKind
    grace_days: int
    approval_above_minor: int
    step_minor: int
    rests: bool
    interest_document: str
    valid_from: date
    valid_to: date | None
    proof: str

    @property
    def approval_above(self) -> Decimal:
        return Decimal(self.approval_above_minor) / 100


def list_plans(
    *, scope: Scope, chosen: PlanFilter, today: date, after_id: int | None = None, limit: int = 200
) -> list[PlanRecord]:
    """Plans of the scope by how they were noted to stand, latest first; those listed are computed anew."""
    found = _fetch(
        """
          AND (%(state)s = '' OR %(state)s
               = coalesce(n.state, CASE WHEN d.agrees = false THEN 'refused' ELSE 'waiting' END))
          AND (%(kind)s = '' OR p.kind = %(kind)s)
          AND (%(chosen)s::bigint[] IS NULL OR p.organisation_id = ANY(%(chosen)s))
          AND (%(text)s = '' OR a.number = %(text)s OR mains_name(c.name) ILIKE '%%' || %(text)s || '%%'
               OR p.document ILIKE '%%' || %(text)s || '%%')
          AND (%(after_id)s::bigint IS NULL OR p.id < %(after_id)s)
        ORDER BY p.id DESC LIMIT %(limit)s
        """,
        scope,
        state=chosen.state,
        kind=chosen.kind,
        chosen=None if chosen.organisation_ids is None else list(chosen.organisation_ids),
        text=chosen.text,
        after_id=after_id,
        limit=limit,
    )
    return _with_courses(found, today=today)


def list_plans_of(*, account_id: int, scope: Scope, today: date) -> list[PlanRecord]:
    """All plans of an account, latest first."""
    found = _fetch(" AND p.account_id = %(account_id)s ORDER BY p.id DESC", scope, account_id=account_id)
    return _with_courses(found, today=today)


def find_plan(*, plan_id: int, scope: Scope, today: date) -> PlanRecord | None:
    """The plan, where the scope reaches it."""
    found = _with_courses(_fetch(" AND p.id = %(plan_id)s", scope, plan_id=plan_id), today=today)
    return found[0] if found else None


@dataclass(frozen=True)
class StateCount:
    """How many plans were noted to stand so, and what they cover in minor units."""

    state: str
    count: int
    debt_minor: int


def count_plans(*, scope: Scope) -> list[StateCount]:
    """Plans of the scope by how they were noted to stand."""
    return fetch_rows(
        StateCount,
        """
        SELECT n.state, count(*), sum(i.debt_minor)::bigint
        FROM debt_instalmentplan p
        JOIN LATERAL (
            SELECT state FROM debt_plannote WHERE plan_id = p.id ORDER BY id DESC LIMIT 1
        ) n ON true
        JOIN LATERAL (
            SELECT sum(principal_minor) AS debt_minor FROM debt_instalment WHERE plan_id = p.id
        ) i ON true
        WHERE (%(organisation_ids)s::bigint[] IS NULL OR p.organisation_id = ANY(%(organisation_ids)s))
        GROUP BY 1 ORDER BY 1
        """,
        {"organisation_ids": _reach(scope)},
    )


def list_plan_debts(*, plan_id: int) -> list[PlanDebt]:
    """The debts that a plan covers, oldest first."""
    return fetch_rows(
        PlanDebt,
        """
        SELECT i.item_id, e.kind, i.service, coalesce(p.name, ''), i.due_date, i.amount_minor
        FROM debt_planitem i JOIN debt_instalmentplan l ON l.id = i.plan_id
        JOIN ledger_entry e ON e.id = i.item_id AND e.account_id = l.account_id
        LEFT JOIN customers_party p ON p.id = i.provider_id
        WHERE i.plan_id = %(plan_id)s ORDER BY i.due_date, i.item_id
        """,
        {"plan_id": plan_id},
    )


def list_plan_schedule(*, plan_id: int) -> list[tuple[int, date, int, int]]:
    """Number, due day, principal and interest of the instalments."""
    found = fetch_rows(
        _Part,
        "SELECT number, due_date, principal_minor, interest_minor FROM debt_instalment WHERE plan_id = %(id)s"
        " ORDER BY number",
        {"id": plan_id},
    )
    return [(one.number, one.due_date, one.principal_minor, one.interest_minor) for one in found]


def list_plan_notes(*, plan_id: int) -> list[tuple[PlanState, date, int, datetime]]:
    """How the plan was found to stand, latest first: state, since, what was left in minor units, when noted."""
    found = PlanNote.objects.filter(plan_id=plan_id).order_by("-id")
    return [(PlanState(one.state), one.on_date, one.left_minor, one.recorded_at) for one in found]


def list_plan_terms() -> list[TermsOfPlans]:
    """Terms of plans believed now, by kind and date."""
    return [
        TermsOfPlans(
            kind=PlanKind(one.kind),
            grace_days=one.grace_days,
            approval_above_minor=one.approval_above_minor,
            step_minor=one.step_minor,
            rests=one.rests,
            interest_document=one.interest_document,
            valid_from=one.valid.lower,
            valid_to=one.valid.upper,
            proof=one.proof,
        )
        for one in PlanTerms.objects.filter(superseded_at__isnull=True).order_by("kind", "valid")
    ]


@dataclass(frozen=True)
class _Part:
    number: int
    due_date: date
    principal_minor: int
    interest_minor: int


def _with_courses(found: Sequence[PlanRecord], *, today: date) -> list[PlanRecord]:
    courses = plan_courses(account_ids=sorted({one.account_id for one in found}), today=today)
    return [replace(one, course=courses.get(one.id)) for one in found]


def _fetch(tail: str, scope: Scope, **params: Any) -> list[PlanRecord]:
    return fetch_rows(PlanRecord, _PLANS + tail, {"organisation_ids": _reach(scope), **params})


def _reach(scope: Scope) -> list[int] | None:
    return None if scope.organisation_ids is None else list(scope.organisation_ids)


@dataclass(frozen=True, kw_only=True)
class PlanDeviation:
    """A plan that was noted to stand otherwise than the facts say now."""

    plan_id: int
    noted: str
    state: PlanState
    since: date


def list_deviations(*, today: date) -> list[PlanDeviation]:
    """Plans whose last note is not what the facts give at `today`: those that have changed since somebody looked."""
    noted = {
        plan_id: (state, day)
        for plan_id, state, day in PlanNote.objects.order_by("id").values_list("plan_id", "state", "on_date")
    }
    accounts = InstalmentPlan.objects.filter(agreement__isnull=False).values_list("account_id", flat=True)
    courses = plan_courses(account_ids=sorted(set(accounts)), today=today)
    return [
        PlanDeviation(
            plan_id=plan_id,
            noted=" ".join(str(one) for one in noted.get(plan_id, ("nothing",))),
            state=course.state,
            since=course.since,
        )
        for plan_id, course in sorted(courses.items())
        if noted.get(plan_id) != (course.state.value, course.since)
    ]
