"""Reports that pages ask for."""

from datetime import date, datetime

from mains.base.jobs import jobs
from mains.reporting.actions.completeness import check_completeness
from mains.reporting.actions.figures import refresh_figures
from mains.reporting.actions.turnover_tally import refresh_turnover


@jobs.task(name="mains.reporting.jobs.figures")
def figures(now: str) -> None:
    """Bring what the dashboard keeps up to an instant (ISO 8601): billing has posted something."""
    instant = datetime.fromisoformat(now)
    refresh_figures(on_date=instant.date(), now=instant)


@jobs.task(name="mains.reporting.jobs.completeness")
def completeness(on_date: str, now: str) -> None:
    """Check the days of all service points up to a day, with what is known at an instant (both ISO 8601)."""
    check_completeness(on_date=date.fromisoformat(on_date), now=datetime.fromisoformat(now))


@jobs.periodic(cron="* * * * *")
@jobs.task(name="mains.reporting.jobs.tally", queueing_lock="tally turnover")
def tally(timestamp: int) -> None:
    """Every minute: count what was posted since for the statements by slices."""
    del timestamp
    refresh_turnover()
