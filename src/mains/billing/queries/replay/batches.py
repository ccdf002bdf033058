"""What is replayed together: accounts with all their bills, so that each fact is read once."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from mains.billing.models import Bill, BillRun
from mains.billing.queries.plans import get_plan
from mains.billing.queries.replay.histories import by_place

ACCOUNTS_PER_BATCH = 1000


@dataclass(frozen=True)
class RunToReplay:
    """A run: its month and whether it bills it, the earlier months that it corrects, and up to when it knew facts.

    Months before `catch_up_from` are corrected as far as they were billed. Of its own month a settlement bills, or a
    recalculation corrects, what the `settled_account_ids` paid for that have moved out; an on-site bill its days before
    `until` of what the account goes on paying for.
    """

    id: int
    month: date
    bills_own_month: bool
    settled_account_ids: frozenset[int]
    facts_as_of: datetime
    corrected_months: tuple[date, ...]
    catch_up_from: date
    until: date | None = None


@dataclass(frozen=True)
class Batch:
    """Accounts whose bills of `run_ids` are replayed; `runs` are all runs, oldest knowledge first."""

    account_ids: tuple[int, ...]
    run_ids: frozenset[int]
    runs: tuple[RunToReplay, ...]


def list_batches(*, month: date | None = None, accounts_per_batch: int = ACCOUNTS_PER_BATCH) -> list[Batch]:
    """All posted bills, or those of one month, in batches of accounts."""
    runs = _runs()
    wanted = frozenset(run.id for run in runs if month in (None, run.month))
    bills = Bill.objects.filter(run_id__in=wanted, **({"month": month} if month else {}))
    # Neighbours stand together: the balance of a node is proved once for all of them.
    accounts = by_place(list(bills.values_list("account_id", flat=True).distinct()))
    return [
        Batch(tuple(accounts[start : start + accounts_per_batch]), wanted, runs)
        for start in range(0, len(accounts), accounts_per_batch)
    ]


def batch_of(*, month: date, bill_id: int) -> Batch:
    """The batch of one bill. Raises Bill.DoesNotExist."""
    bill = Bill.objects.get(month=month, id=bill_id)
    return Batch((bill.account_id,), frozenset({bill.run_id}), _runs())


def _runs() -> tuple[RunToReplay, ...]:
    return tuple(_run(run) for run in BillRun.objects.order_by("facts_as_of", "month", "id"))


def _run(run: BillRun) -> RunToReplay:
    plan = get_plan(run=run)
    return RunToReplay(
        id=run.pk,
        month=run.month,
        bills_own_month=plan.bills_own_month,
        settled_account_ids=frozenset(plan.settled_account_ids if plan.settles else ()),
        facts_as_of=run.facts_as_of,
        corrected_months=plan.billed_months,
        catch_up_from=plan.catch_up_from,
        until=plan.billed_through + timedelta(days=1) if plan.billed_through and plan.goes_on else None,
    )
