"""Payments' work that goes on by itself."""

from mains.base.business_day import now as business_now
from mains.base.jobs import jobs
from mains.payments.actions.orders import tend_orders


@jobs.periodic(cron="* * * * *")
@jobs.task(name="mains.payments.jobs.ask_providers", queueing_lock="ask providers about orders")
def ask_providers(timestamp: int) -> None:
    """Every minute: ask providers about orders whose time has come."""
    del timestamp
    tend_orders(now=business_now())
