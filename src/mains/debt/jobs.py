"""Work of the debt context that goes on by itself."""

from datetime import timedelta

from django.utils import timezone

from mains.base.business_day import now as business_now
from mains.base.jobs import jobs
from mains.debt.actions.interest import post_interest
from mains.debt.actions.plan_settling import look_at_plans
from mains.debt.queries.terms import list_terms


@jobs.periodic(cron="30 1 1 * *")
@jobs.task(name="mains.debt.jobs.post_late_interest", queueing_lock="post late interest")
def post_late_interest(timestamp: int) -> None:
    """In the first night of a month: post late interest until the end of the last one, where a rule exists."""
    del timestamp
    now = business_now()
    if list_terms():
        post_interest(until=timezone.localdate(now).replace(day=1) - timedelta(days=1), now=now)


@jobs.periodic(cron="10 * * * *")
@jobs.task(name="mains.debt.jobs.look_at_instalment_plans", queueing_lock="look at instalment plans")
def look_at_instalment_plans(timestamp: int) -> None:
    """Every hour: break plans whose grace is over, mend those whose money was there in time, post interest due."""
    del timestamp
    look_at_plans(now=business_now())
