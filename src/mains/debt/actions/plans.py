"""Instalment plans: terms, propose, decide, restructure, cancel."""

from datetime import date, datetime, timedelta

import polars as pl
from django.db import models, transaction
from django.utils import timezone

from mains.base.columns import fetch_frame
from mains.base.dated import record_fact
from mains.debt.actions.plan_settling import settle_plans
from mains.debt.actions.terms import UnableToStateTerms
from mains.debt.models import Instalment, InstalmentPlan, PlanAgreement, PlanEnding, PlanItem, PlanTerms
from mains.debt.queries.plan_courses import plan_courses
from mains.debt.queries.plan_drafts import Draft, UnableToPlan, Wanted, draft_plan
from mains.debt.values import PlanEndingKind, PlanKind, PlanState
from mains.engine.interest import read_interest
from mains.ledger.actions.allocation import lock_allocation
from mains.staff.actions.approvals import decide, propose
from mains.staff.values import EVERYTHING, ProposalKind, Scope
from mains.tariffs.queries.records import currency_of_utility

_TEXT_MAX = 200
GRACE_MAX = 365


def state_plan_terms(
    *,
    kind: PlanKind,
    grace_days: int,
    approval_above_minor: int,
    step_minor: int = 1,
    rests: bool = False,
    interest_document: str = "",
    valid_from: date,
    proof: str,
    actor: models.Model | None,
    now: datetime,
) -> PlanTerms:
    """State what holds for plans of a kind that are made from a day on; plans made before keep theirs.

    Raises UnableToReadInterest; UnableToStateTerms: figures out of range, no proof, another currency.
    """
    place = f"instalment plans, {kind} from {valid_from.isoformat()}"
    if not 0 <= grace_days <= GRACE_MAX or approval_above_minor < 0 or step_minor < 1 or not proof.strip():
        raise UnableToStateTerms(
            code="plan-terms",
            message="Terms of plans: 0 to 365 days of grace, a limit of 0 or more, a step above zero, a document.",
            place=place,
            remedy="Give all of them.",
        )
    if interest_document:
        rule, currency = read_interest(interest_document), currency_of_utility()
        if currency and rule.currency != currency:
            raise UnableToStateTerms(
                code="interest-currency",
                message=f"The rule is in {rule.currency}, the accounts in {currency}.",
                place=place,
                remedy="Write the rule in the currency of the accounts.",
                params={"rule": rule.currency, "currency": currency},
            )
    return record_fact(
        model=PlanTerms,
        subject={"kind": kind},
        values={
            "grace_days": grace_days,
            "approval_above_minor": approval_above_minor,
            "step_minor": step_minor,
            "rests": rests,
            "interest_document": interest_document,
        },
        valid_from=valid_from,
        actor=actor,
        now=now,
        proof=proof.strip()[:_TEXT_MAX],
    )


def propose_plan(
    *, wanted: Wanted, reason: str, document: str = "", now: datetime, actor_id: int | None,
    scope: Scope = EVERYTHING,
) -> InstalmentPlan:  # fmt: skip
    """Make a plan: it holds at once within the limit of its terms, else when another person approves it.

    A plan that `wanted` replaces ends with that. Raises UnableToPlan; UnableToPropose without a reason.
    """
    with transaction.atomic():
        lock_allocation()
        organisation_id = _organisation(wanted, scope)
        reason, document = " ".join(reason.split()), " ".join(document.split())
        if wanted.start_date > timezone.localdate(now):
            raise _refusal(
                wanted.account_id,
                "plan-start",
                "A plan begins today or earlier.",
                "Give another first day.",
            )
        if not reason or max(len(reason), len(document)) > _TEXT_MAX:
            raise _refusal(
                wanted.account_id,
                "plan-reason",
                "A plan needs a reason; reason and document have at most 200 characters each.",
                "Say why the debt is paid in instalments.",
            )
        if wanted.kind is PlanKind.ENFORCEMENT and not document:
            raise _refusal(
                wanted.account_id,
                "plan-document",
                "A plan that a court or bailiff has ordered names the document.",
                "Give its number and date.",
            )
        _check_replaced(wanted, now=now)
        draft = draft_plan(wanted)
        plan = _keep(draft, organisation_id, reason=reason, document=document, now=now, actor_id=actor_id)
        if draft.needs_approval:
            propose(
                kind=ProposalKind.INSTALMENT_PLAN,
                subject_id=plan.pk,
                organisation_id=organisation_id,
                amount_minor=draft.debt_minor,
                reason=reason,
                document=document,
                now=now,
                actor_id=actor_id,
            )
        else:
            _agree(plan, now=now, actor_id=actor_id)
        return plan


def decide_plan(
    *, proposal_id: int, agrees: bool, now: datetime, actor_id: int | None, note: str = "",
    scope: Scope = EVERYTHING,
) -> InstalmentPlan:  # fmt: skip
    """Approve a plan, which then holds, or refuse it. Raises UnableToDecide; UnableToPlan when the debts are no longer
    what the plan covers."""
    with transaction.atomic():
        lock_allocation()
        proposal = decide(
            proposal_id=proposal_id, agrees=agrees, note=note, now=now, actor_id=actor_id, scope=scope
        )
        plan = InstalmentPlan.objects.get(pk=proposal.subject_id)
        if agrees:
            _check_still(plan, now=now)
            _agree(plan, now=now, actor_id=actor_id)
        return plan


def cancel_plan(
    *, plan_id: int, reason: str, now: datetime, actor_id: int | None, scope: Scope = EVERYTHING
) -> InstalmentPlan:
    """End a plan today: what is left is due again as it was before. Raises UnableToPlan: unknown or out of `scope`, it
    does not hold, no reason; what a court has ordered is not cancelled by whoever entered it."""
    reason = " ".join(reason.split())
    with transaction.atomic():
        lock_allocation()
        plan = InstalmentPlan.objects.select_for_update().filter(pk=plan_id).first()
        if plan is None or not scope.covers(plan.organisation_id):
            raise _refusal(plan_id, "plan-unknown", "There is no such plan.", "Look at the list.", "plan")
        if not reason or len(reason) > _TEXT_MAX:
            raise _refusal(
                plan.account_id,
                "plan-cancel-reason",
                "A plan is cancelled with a reason of at most 200 characters.",
                "Say why.",
            )
        _check_holds(plan, now=now, states=(PlanState.RUNNING, PlanState.LATE))
        if plan.kind == PlanKind.ENFORCEMENT and actor_id == plan.recorded_by_id:
            raise _refusal(
                plan.account_id,
                "plan-cancel-own",
                "What a court has ordered is not cancelled by the person who entered it.",
                "Ask a colleague who may approve plans.",
            )
        _end(plan, PlanEndingKind.CANCELLED, timezone.localdate(now), reason, now=now, actor_id=actor_id)
        settle_plans(account_ids=[plan.account_id], now=now)
        return plan


def _agree(plan: InstalmentPlan, *, now: datetime, actor_id: int | None) -> None:
    if plan.replaces is not None:
        reason = f"plan {plan.pk}"
        _end(plan.replaces, PlanEndingKind.REPLACED, plan.start_date, reason, now=now, actor_id=actor_id)
    PlanAgreement.objects.create(plan=plan, recorded_at=now, recorded_by_id=actor_id)
    settle_plans(account_ids=[plan.account_id], now=now)


def _end(
    plan: InstalmentPlan,
    kind: PlanEndingKind,
    on_date: date,
    reason: str,
    *,
    now: datetime,
    actor_id: int | None,
) -> None:
    PlanEnding.objects.create(
        plan=plan, kind=kind, on_date=on_date, reason=reason, recorded_at=now, recorded_by_id=actor_id
    )


def _keep(
    draft: Draft, organisation_id: int, *, reason: str, document: str, now: datetime, actor_id: int | None
) -> InstalmentPlan:
    plan = InstalmentPlan.objects.create(
        kind=draft.wanted.kind,
        account_id=draft.wanted.account_id,
        organisation_id=organisation_id,
        start_date=draft.wanted.start_date,
        terms=draft.terms,
        document=document,
        reason=reason,
        replaces_id=draft.wanted.replaces_id,
        recorded_at=now,
        recorded_by_id=actor_id,
    )
    PlanItem.objects.bulk_create(
        PlanItem(
            plan=plan,
            item_id=one.item_id,
            provider_id=one.provider_id,
            service=one.service,
            due_date=one.due_date,
            amount_minor=one.amount_minor,
        )
        for one in draft.items
    )
    Instalment.objects.bulk_create(
        Instalment(
            plan=plan,
            number=part.number,
            due_date=part.due_date,
            principal_minor=part.principal_minor,
            interest_minor=part.interest_minor,
        )
        for part in draft.schedule
    )
    return plan


def _check_replaced(wanted: Wanted, *, now: datetime) -> None:
    if wanted.replaces_id is None:
        return
    old = InstalmentPlan.objects.select_for_update().filter(pk=wanted.replaces_id).first()
    if old is None or old.account_id != wanted.account_id:
        raise _refusal(
            wanted.account_id, "plan-unknown", "There is no such plan.", "Look at the plans of the account."
        )
    _check_holds(old, now=now, states=(PlanState.RUNNING, PlanState.LATE, PlanState.BROKEN))
    if wanted.start_date < old.start_date:
        raise _refusal(
            wanted.account_id,
            "plan-before-replaced",
            "A plan does not begin before the one that it replaces.",
            "Give another first day.",
        )


def _check_holds(plan: InstalmentPlan, *, now: datetime, states: tuple[PlanState, ...]) -> None:
    today = timezone.localdate(now)
    course = plan_courses(account_ids=[plan.account_id], today=today).get(plan.pk)
    if course is None or course.state not in states:
        raise _refusal(
            plan.account_id,
            "plan-not-held",
            "This plan does not hold any more, or not yet.",
            "Look at how it stands.",
        )


def _check_still(plan: InstalmentPlan, *, now: datetime) -> None:
    """Whether exactly what the plan covers is still open: a payment in between would be planned twice."""
    items = list(plan.items.all())
    wanted = Wanted(
        account_id=plan.account_id,
        kind=PlanKind(plan.kind),
        start_date=plan.start_date,
        first_due=plan.start_date + timedelta(days=1),
        count=1,
        item_ids=tuple(one.item_id for one in items),
        replaces_id=plan.replaces_id,
    )
    _check_replaced(wanted, now=now)
    found = {one.item_id: one.amount_minor for one in draft_plan(wanted).items}
    if found != {one.item_id: one.amount_minor for one in items}:
        raise _refusal(
            plan.account_id,
            "plan-debts-changed",
            "The debts have changed since the plan was proposed.",
            "Refuse it and propose it anew.",
        )


def _organisation(wanted: Wanted, scope: Scope) -> int:
    found = fetch_frame(
        "SELECT organisation_id FROM customers_account WHERE id = %(id)s",
        {"id": wanted.account_id},
        schema={"organisation_id": pl.Int64},
    )
    if found.is_empty() or not scope.covers(int(found["organisation_id"][0])):
        raise _refusal(
            wanted.account_id,
            "plan-account",
            "There is no such account.",
            "Give the account's number.",
        )
    return int(found["organisation_id"][0])


def _refusal(place_id: int, code: str, message: str, remedy: str, what: str = "account") -> UnableToPlan:
    return UnableToPlan(code=code, message=message, place=f"{what} {place_id}", remedy=remedy)
