"""Reports that pages ask for."""

from datetime import date, datetime

from mains.base.jobs import jobs
from mains.reporting.actions.completeness import check_completeness


@jobs.task(name="mains.reporting.jobs.completeness")
def completeness(on_date: str, now: str) -> None:
    """Check the days of all service points up to a day, with what is known at an instant (both ISO 8601)."""
    check_completeness(on_date=date.fromisoformat(on_date), now=datetime.fromisoformat(now))
