"""Ledger work that goes on by itself."""

from mains.base.business_day import now as business_now
from mains.base.jobs import jobs
from mains.ledger.actions.seals import seal_transactions


@jobs.periodic(cron="*/10 * * * *")
@jobs.task(name="mains.ledger.jobs.seal", queueing_lock="seal transactions")
def seal(timestamp: int) -> None:
    """Every ten minutes: seal what was posted since."""
    del timestamp
    seal_transactions(now=business_now())
