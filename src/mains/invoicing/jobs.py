"""Work on invoices that goes on by itself."""

from mains.base.business_day import now as business_now
from mains.base.jobs import jobs
from mains.invoicing.actions.following import follow_up


@jobs.periodic(cron="*/5 * * * *")
@jobs.task(name="mains.invoicing.jobs.follow", queueing_lock="follow invoices")
def follow(timestamp: int) -> None:
    """Every five minutes: let bills wait, divide new ones, use advances, take in money that names an invoice."""
    del timestamp
    follow_up(now=business_now())
