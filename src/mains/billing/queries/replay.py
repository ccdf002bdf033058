"""Bills computed again by the exact interpreters, from raw readings and facts, and compared with what was posted.

Nothing of the column side takes part: neither its queries nor its arithmetic.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Sum

from mains.billing.models import Bill, BillLine, BillRun
from mains.billing.queries.explain.bills import Key, RatedItem, rate_items
from mains.billing.queries.explain.evidence import load_items
from mains.billing.queries.plans import get_plan
from mains.billing.values import CATCH_UP_MONTHS, POSTED_LINE_KINDS, RunPlan, bill_number
from mains.kernel.errors import MainsError

ACCOUNTS_PER_BATCH = 200


@dataclass(frozen=True)
class Difference:
    """A posted amount that the exact interpreter does not confirm; amounts in minor units."""

    bill: str
    account_id: int
    what: str
    posted_minor: int
    exact_minor: int


@dataclass(frozen=True)
class Replay:
    """The result of replaying some bills of one run. `lines` counts the lines compared."""

    bills: int
    lines: int
    differences: tuple[Difference, ...]


@dataclass(frozen=True)
class Batch:
    """Accounts of one run whose bills are replayed together."""

    run_id: int
    account_ids: tuple[int, ...]


def list_batches(*, month: date | None = None) -> list[Batch]:
    """All posted bills, or those of one month, in batches."""
    runs = BillRun.objects.filter(**({"month": month} if month else {})).order_by("month", "facts_as_of")
    batches = []
    for run in runs:
        ids = Bill.objects.filter(month=run.month, run_id=run.id).order_by("id")
        accounts = list(ids.values_list("account_id", flat=True))
        batches += [
            Batch(run.id, tuple(accounts[start : start + ACCOUNTS_PER_BATCH]))
            for start in range(0, len(accounts), ACCOUNTS_PER_BATCH)
        ]
    return batches


def batch_of(*, month: date, bill_id: int) -> Batch:
    """The batch of one bill. Raises Bill.DoesNotExist."""
    bill = Bill.objects.get(month=month, id=bill_id)
    return Batch(bill.run_id, (bill.account_id,))


def replay_batch(batch: Batch) -> Replay:
    """Compare the bills of the batch, own months and corrections, with what the exact interpreters make of them."""
    run = BillRun.objects.get(id=batch.run_id)
    plan = get_plan(run=run)
    bills = {
        bill.account_id: bill
        for bill in Bill.objects.filter(month=run.month, run_id=run.id, account_id__in=batch.account_ids)
    }
    posted, earlier = _posted(bills), _posted_earlier(bills, run.facts_as_of)
    exact: dict[int, dict[Key, int]] = defaultdict(dict)
    problems: list[Difference] = []
    corrected = _months_to_replay(plan, posted)
    for month in (*corrected, *([plan.month] if plan.bills_own_month else [])):
        for account_id, found in _rated(batch.account_ids, month, run.facts_as_of, bills, problems):
            if account_id in bills:
                exact[account_id] |= found.effective()
    differences = [*problems]
    lines = 0
    for account_id, bill in bills.items():
        wanted = _expected(exact[account_id], earlier[account_id], run.month, corrected)
        lines += len(posted[account_id])
        for key in sorted({*wanted, *posted[account_id]}):
            is_now, should_be = posted[account_id].get(key, 0), wanted.get(key, 0)
            if is_now != should_be:
                differences.append(_difference(bill, " ".join(map(str, key)), is_now, should_be))
        differences += _totals(bill)
    return Replay(bills=len(bills), lines=lines, differences=tuple(differences))


def _months_to_replay(plan: RunPlan, posted: Mapping[int, Mapping[Key, int]]) -> list[date]:
    """Earlier months that the bills correct, and the last ones whether corrected or not.

    To look for corrections left out in all months of all bills would take the square of the years: what each account
    was charged for a month in all is compared once, by `replay_months`.
    """
    found = {key[1] for sums in posted.values() for key in sums if key[1] < plan.month}
    return sorted(found | set(plan.billed_months[-CATCH_UP_MONTHS:]))


def _rated(
    account_ids: Sequence[int],
    month: date,
    as_of: datetime,
    bills: dict[int, Bill],
    problems: list[Difference],
) -> Iterator[tuple[int, RatedItem]]:
    for item in load_items(account_ids=account_ids, month=month, as_of=as_of):
        try:
            yield from ((item.account_id, found) for found in rate_items([item]).values())
        except MainsError as error:
            if item.account_id in bills:
                text = f"{item.agreement_id} {month}: {error.message} ({error.place})"
                problems.append(_difference(bills[item.account_id], text, 0, 0))


def _expected(
    exact: dict[Key, int], earlier: dict[Key, int], month: date, recalculated: Sequence[date]
) -> dict[Key, int]:
    """What this bill should post under each key: all of its own month, the difference for months before."""
    wanted = {key: amount for key, amount in exact.items() if key[1] == month}
    for key in {*exact, *earlier}:
        if key[1] in recalculated and key[1] < month:
            wanted[key] = exact.get(key, 0) - earlier.get(key, 0)
    return wanted


def _posted(bills: dict[int, Bill]) -> dict[int, dict[Key, int]]:
    found: dict[int, dict[Key, int]] = defaultdict(dict)
    account_of = {bill.id: account_id for account_id, bill in bills.items()}
    if not bills:
        return found
    month = next(iter(bills.values())).month
    for line in BillLine.objects.filter(month=month, bill_id__in=list(account_of)):
        key = (line.agreement_id, line.service_month, line.component, line.kind)
        sums = found[account_of[line.bill_id]]
        sums[key] = sums.get(key, 0) + line.amount_minor
    return found


def _posted_earlier(bills: dict[int, Bill], before: datetime) -> dict[int, dict[Key, int]]:
    """What runs that counted facts up to an instant before posted for the accounts, under each key."""
    found: dict[int, dict[Key, int]] = defaultdict(dict)
    by_month: dict[date, dict[int, int]] = defaultdict(dict)
    rows = Bill.objects.filter(account_id__in=list(bills), recorded_at__lt=before)
    for bill_month, bill_id, account_id in rows.values_list("month", "id", "account_id"):
        by_month[bill_month][bill_id] = account_id
    for bill_month, account_of in by_month.items():
        for line in BillLine.objects.filter(month=bill_month, bill_id__in=list(account_of)):
            key = (line.agreement_id, line.service_month, line.component, line.kind)
            sums = found[account_of[line.bill_id]]
            sums[key] = sums.get(key, 0) + line.amount_minor
    return found


def _totals(bill: Bill) -> Iterator[Difference]:
    """The bill's total against its own lines."""
    lines = BillLine.objects.filter(month=bill.month, bill_id=bill.id, kind__in=POSTED_LINE_KINDS)
    total = lines.aggregate(total=Sum("amount_minor"))["total"] or 0
    if total != bill.amount_minor:
        yield _difference(bill, "total", bill.amount_minor, total)


def _difference(bill: Bill, what: str, posted: int, exact: int) -> Difference:
    return Difference(bill_number(bill.month, bill.id), bill.account_id, what, posted, exact)
