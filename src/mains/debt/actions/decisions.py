"""Decide any proposal of the utility: the kind tells who carries it out."""

from datetime import datetime

from mains.debt.actions.movements import decide_movement
from mains.debt.actions.plans import decide_plan
from mains.debt.actions.provisions import decide_provision
from mains.directdebit.actions.collections import decide_collection
from mains.ledger.actions.periods import decide_reopening
from mains.staff.actions.approvals import UnableToDecide
from mains.staff.queries.approvals import find_proposal
from mains.staff.values import EVERYTHING, ProposalKind, Scope


def decide_proposal(
    *, proposal_id: int, agrees: bool, now: datetime, actor_id: int | None, note: str = "",
    scope: Scope = EVERYTHING,
) -> ProposalKind:  # fmt: skip
    """Approve a proposal, which carries it out, or refuse it; its kind.

    Raises UnableToDecide, and what carrying it out raises: nothing is decided then.
    """
    proposal = find_proposal(proposal_id=proposal_id, scope=scope)
    if proposal is None or actor_id is None:
        raise UnableToDecide(
            code="proposal-unknown",
            message="There is no such proposal.",
            place=f"proposal {proposal_id}",
            remedy="Look at the list.",
        )
    if proposal.kind is ProposalKind.REOPENING:
        decide_reopening(request_id=proposal.subject_id, agree=agrees, now=now, actor_id=actor_id)
    elif proposal.kind is ProposalKind.PROVISION:
        decide_provision(
            proposal_id=proposal_id, agrees=agrees, note=note, now=now, actor_id=actor_id, scope=scope
        )
    elif proposal.kind is ProposalKind.INSTALMENT_PLAN:
        decide_plan(
            proposal_id=proposal_id, agrees=agrees, note=note, now=now, actor_id=actor_id, scope=scope
        )
    elif proposal.kind is ProposalKind.COLLECTION:
        decide_collection(
            proposal_id=proposal_id, agrees=agrees, note=note, now=now, actor_id=actor_id, scope=scope
        )
    else:
        decide_movement(
            proposal_id=proposal_id, agrees=agrees, note=note, now=now, actor_id=actor_id, scope=scope
        )
    return proposal.kind
