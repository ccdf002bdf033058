"""Billing work that pages ask for, and the look for accounts that late facts touch."""

from mains.base.business_day import now as business_now
from mains.base.clock import read_clock
from mains.base.jobs import jobs
from mains.billing.actions.recalculations.watching import LOOK, look, look_when_due
from mains.billing.actions.whatif import UnableToComputeWhatIf, compute_whatif


@jobs.task(name="mains.billing.jobs.whatif")
def whatif(whatif_id: int) -> None:
    """Compute a planned what-if. Its progress and result stand in its record; one that was cancelled is no fault."""
    try:
        compute_whatif(whatif_id=whatif_id, now=read_clock())
    except UnableToComputeWhatIf:
        return


@jobs.periodic(cron="* * * * *")
@jobs.task(name="mains.billing.jobs.look_when_due", queueing_lock="look when due")
def ask_when_due(timestamp: int) -> None:
    """Every minute: ask for a look where the setting's time has come."""
    del timestamp
    look_when_due(now=read_clock())


@jobs.task(name=LOOK)
def recalculate_touched(cycle: str) -> None:
    """Look at a cycle. What came of it stands in its record, where pages read it."""
    look(cycle=cycle, now=business_now(), looked_at=read_clock())
