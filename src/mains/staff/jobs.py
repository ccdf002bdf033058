"""What is kept for a time and then forgotten."""

from datetime import date

from django.conf import settings

from mains.base.clock import read_clock
from mains.base.jobs import jobs
from mains.staff.actions.looks import forget_looks


@jobs.periodic(cron="40 2 * * *")
@jobs.task(name="mains.staff.jobs.forget_old_looks", queueing_lock="forget old looks")
def forget_old_looks(timestamp: int) -> None:
    """Every night: drop the looks that are older than the months for which they are kept."""
    del timestamp
    today = read_clock().date()
    index = today.year * 12 + today.month - 1 - settings.LOOKS_MONTHS
    forget_looks(before=date(index // 12, index % 12 + 1, 1))
