"""Propose an allowance for doubtful debts by their age; post the difference when another person approves."""

from datetime import date, datetime

import polars as pl
from django.db import connection, transaction
from django.utils import timezone

from mains.debt.models import Provision
from mains.debt.queries.provisions import compute_provision
from mains.debt.queries.terms import find_provision_terms
from mains.kernel.errors import MainsError
from mains.ledger.actions.days import hold_open_days
from mains.ledger.actions.posting import ENTRY_SCHEMA, POSTING_SCHEMA, post_transaction
from mains.ledger.values import Control, TransactionKind
from mains.staff.actions.approvals import decide, propose
from mains.staff.values import EVERYTHING, ProposalKind, Scope


class UnableToProvide(MainsError):
    """There is nothing to provide for, or no rule for it; nothing was kept."""


def propose_provision(*, on_date: date, reason: str, now: datetime, actor_id: int | None) -> Provision:
    """Propose to post to the allowance what of the debts open at the end of a day is doubtful, less what it holds.

    Raises UnableToProvide: a day that is not over, no terms, nothing to post; UnableToPropose without a reason.
    """
    place = f"provision {on_date.isoformat()}"
    terms = find_provision_terms(on_date=on_date)
    if terms is None or on_date > timezone.localdate(now):
        raise UnableToProvide(
            code="provision-terms",
            message="The day is to come, or no rule of provision holds on it.",
            place=place,
            remedy="State the rule first: mains ledger debts provision --terms.",
        )
    with transaction.atomic():
        lines = compute_provision(on_date=on_date, terms=terms)
        if not any(line.difference_minor for line in lines):
            raise UnableToProvide(
                code="provision-nothing",
                message="The allowance is what it has to be.",
                place=place,
                remedy="Nothing to do.",
            )
        provision = Provision.objects.create(
            on_date=on_date,
            lines=[
                {
                    "organisation_id": line.organisation_id,
                    "provider_id": line.provider_id,
                    "service": line.service,
                    "required_minor": line.required_minor,
                    "difference_minor": line.difference_minor,
                }
                for line in lines
            ],
            recorded_at=now,
            recorded_by_id=actor_id,
        )
        propose(
            kind=ProposalKind.PROVISION,
            subject_id=provision.pk,
            amount_minor=abs(sum(line.difference_minor for line in lines)),
            reason=reason,
            document=terms.proof,
            now=now,
            actor_id=actor_id,
        )
        return provision


def decide_provision(
    *, proposal_id: int, agrees: bool, now: datetime, actor_id: int | None, note: str = "",
    scope: Scope = EVERYTHING,
) -> Provision:  # fmt: skip
    """Approve a provision, which posts the difference on its day or the first open one, or refuse it.

    Raises UnableToDecide; UnableToProvide when the debts or the allowance have changed since it was computed.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('debt_provision'))")
        proposal = decide(
            proposal_id=proposal_id, agrees=agrees, note=note, now=now, actor_id=actor_id, scope=scope
        )
        provision = Provision.objects.get(pk=proposal.subject_id)
        if agrees:
            _post(provision, now=now, narrative=proposal.reason)
        return provision


def _post(provision: Provision, *, now: datetime, narrative: str) -> None:
    terms = find_provision_terms(on_date=provision.on_date)
    lines = compute_provision(on_date=provision.on_date, terms=terms) if terms else []
    computed = [(one.organisation_id, one.provider_id, one.service, one.difference_minor) for one in lines]
    proposed = [
        (one["organisation_id"], one["provider_id"], one["service"], one["difference_minor"])
        for one in provision.lines
    ]
    if computed != proposed:
        raise UnableToProvide(
            code="provision-changed",
            message="Debts or allowance have changed since this was computed.",
            place=f"provision {provision.on_date.isoformat()}",
            remedy="Refuse it and propose it anew.",
        )
    opened = hold_open_days(kind=TransactionKind.PROVISION)
    sides = [
        {"control": control.value, "organisation_id": unit, "provider_id": provider, "service": service}
        | {"amount_minor": sign * minor}
        for unit, provider, service, minor in computed
        if minor
        for control, sign in ((Control.BAD_DEBT, 1), (Control.ALLOWANCE, -1))
    ]
    post_transaction(
        kind=TransactionKind.PROVISION,
        source_id=provision.pk,
        business_date=max(provision.on_date, opened or provision.on_date),
        entries=pl.DataFrame(schema=ENTRY_SCHEMA),
        counterparts=pl.DataFrame(sides, schema=POSTING_SCHEMA),
        now=now,
        narrative=narrative,
    )
