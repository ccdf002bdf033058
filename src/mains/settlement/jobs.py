"""Settlement work that goes on by itself."""

from mains.base.business_day import now as business_now
from mains.base.jobs import jobs
from mains.settlement.actions.bank import book_paid_orders
from mains.settlement.actions.splitting import split_payments


@jobs.periodic(cron="* * * * *")
@jobs.task(name="mains.settlement.jobs.split", queueing_lock="split payments")
def split(timestamp: int) -> None:
    """Every minute: split what came in or changed since, whichever way it came; book orders that banks have paid."""
    del timestamp
    split_payments(now=business_now())
    book_paid_orders(now=business_now())


@jobs.periodic(cron="40 1 * * *")
@jobs.task(name="mains.settlement.jobs.split_all", queueing_lock="split all payments")
def split_all(timestamp: int) -> None:
    """Every night: from the beginning, and post the difference, should there be any."""
    del timestamp
    split_payments(now=business_now(), is_everything=True)
