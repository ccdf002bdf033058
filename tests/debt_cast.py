"""Short verbs of a story about debts: rules, people, and who approves."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from mains.debt.actions.interest import PostedInterest, post_interest
from mains.debt.actions.movements import decide_movement
from mains.debt.actions.terms import state_interest, state_key_rate
from mains.debt.models import Movement
from mains.staff.models import Proposal, User
from money_cast import NOW, Cast

RULE = """
interest: lumen-late
currency: RUB
source: Housing Code, art. 155(14)
steps:
  - {upto: 30, factor: 0}
  - {upto: 90, factor: 1/300}
  - {factor: 1/130}
"""
START = date(2020, 1, 1)
LATER = timedelta(hours=1)


def people() -> tuple[int, int]:
    """Alma proposes, Bert decides."""
    found = [User.objects.get_or_create(username=name)[0].pk for name in ("alma", "bert")]
    return found[0], found[1]


def state_rules(*, percent: str = "6", document: str = RULE, now: datetime = NOW) -> None:
    state_key_rate(
        code="cbr", percent=Decimal(percent), valid_from=START, proof="Letter 1", actor=None, now=now
    )
    state_interest(document=document, key_rate="cbr", valid_from=START, proof="Order 1", actor=None, now=now)


def run_interest(cast: Cast, until: date, *, now: datetime = NOW) -> PostedInterest:
    return post_interest(until=until, now=now, account_ids=list(cast.accounts.values()))


def approve(movement: Movement, *, now: datetime = NOW) -> Movement:
    proposal = Proposal.objects.get(kind=movement.kind, subject_id=movement.pk)
    return decide_movement(proposal_id=proposal.pk, agrees=True, now=now, actor_id=people()[1])
