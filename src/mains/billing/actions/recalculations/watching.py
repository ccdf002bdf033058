"""Recalculation by itself: a worker looks at intervals for accounts that late facts touch, and corrects them.

It is the recalculation that a person may start, with a limit: a price changed for everybody is not posted to everybody
unasked. Then it waits until somebody agrees.
"""

from datetime import datetime

from django.db import transaction

from mains.base.jobs import enqueue
from mains.billing.actions.recalculations.all_accounts import TooManyTouched, list_cycles, recalculate
from mains.billing.actions.run_order import UnableToPlanRun
from mains.billing.models import RecalculationLook
from mains.billing.queries.watch import read_limit, read_schedule
from mains.billing.values import LookOutcome
from mains.customers.queries.records import count_accounts_of_cycle
from mains.kernel.errors import MainsError

LOOK = "mains.billing.jobs.recalculate_touched"
FIGURES = "mains.reporting.jobs.figures"


class UnableToAgree(MainsError):
    """Nothing waits for a person, or not what was seen."""


def look_when_due(*, now: datetime) -> list[str]:
    """Ask for a look at each cycle whose time has come; `now` by the wall clock. The cycles asked for.

    Raises UnableToReadSchedule.
    """
    schedule = read_schedule()
    if not schedule.is_on:
        return []
    last = dict(RecalculationLook.objects.values_list("cycle", "looked_at"))
    due = []
    for cycle in list_cycles():
        next_look = schedule.next_look(last.get(cycle), now=now)
        if next_look is not None and next_look <= now and look_now(cycle=cycle):
            due.append(cycle)
    return due


def look_now(*, cycle: str) -> bool:
    """Ask a worker to look at a cycle; False when that waits already. Two looks at one cycle are never at once."""
    return enqueue(LOOK, key=f"recalculation of {cycle}", cycle=cycle)


@transaction.atomic
def agree(*, cycle: str, touched: int, actor_id: int, now: datetime) -> None:
    """Let a worker post the recalculation that waits, of the `touched` accounts that a person saw. Raises
    UnableToAgree."""
    look = RecalculationLook.objects.select_for_update().filter(cycle=cycle).first()
    if look is None or look.outcome != LookOutcome.WAITS or look.touched != touched:
        raise UnableToAgree(
            code="nothing-waits",
            message="By now this is not what waits.",
            place=f"cycle {cycle}",
            remedy="Look at the page as it is now.",
        )
    look.agreed_at, look.agreed_by_id = now, actor_id
    look.save()
    look_now(cycle=cycle)


def look(*, cycle: str, now: datetime, looked_at: datetime) -> RecalculationLook:
    """Correct the accounts of the cycle that facts recorded up to `now` touch, as far as that may be done unasked or
    somebody has agreed; what came of it.

    Killed and begun again it goes on with the recalculation that it had begun. While a monthly run is not finished it
    posts nothing. Raises what is not expected, after it was noted.
    """
    limit = read_limit()
    found, _ = RecalculationLook.objects.get_or_create(
        cycle=cycle, defaults={"outcome": LookOutcome.NOTHING, "looked_at": None}
    )
    at_most = limit.of(count_accounts_of_cycle(cycle=cycle))
    outcome = RecalculationLook(cycle=cycle, looked_at=looked_at, at_most=at_most)
    try:
        summary = recalculate(
            cycle=cycle,
            now=now,
            created_by_id=found.agreed_by_id,
            is_unasked=True,
            accounts_max=None if found.agreed_at else at_most,
        )
    except TooManyTouched as error:
        outcome.outcome, outcome.touched = LookOutcome.WAITS, error.touched
        outcome.message, outcome.remedy = error.message, error.remedy
    except UnableToPlanRun as error:
        outcome.outcome, outcome.message, outcome.remedy = LookOutcome.HELD, error.message, error.remedy
        outcome.agreed_at, outcome.agreed_by_id = found.agreed_at, found.agreed_by_id
    except Exception as error:
        outcome.outcome, outcome.message = LookOutcome.FAILED, str(error)
        outcome.save()
        raise
    else:
        outcome.outcome = LookOutcome.POSTED if summary and summary.bills else LookOutcome.NOTHING
        if summary is not None:
            outcome.run_id, outcome.touched = summary.run_id, summary.bills
            enqueue(FIGURES, key="figures", now=now.isoformat())
    outcome.save()
    return outcome
