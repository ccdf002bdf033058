"""Posted amounts against those of the exact interpreters, bill by bill."""

import gc
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from mains.billing.queries.replay.amounts import Key, MonthlyAmounts, Owed
from mains.billing.queries.replay.batches import Batch, RunToReplay
from mains.billing.queries.replay.carried import kept_in
from mains.billing.queries.replay.histories import load_histories
from mains.billing.queries.replay.rows import PostedBill, PostedLine
from mains.billing.values import POSTED_LINE_KINDS, bill_number

_POSTED = frozenset(map(str, POSTED_LINE_KINDS))


@dataclass(frozen=True)
class Difference:
    """A posted amount that the exact interpreter does not confirm, in minor units; or what was kept of a balance, in
    millionths of its unit."""

    bill: str
    account_id: int
    what: str
    posted_minor: int
    exact_minor: int


@dataclass(frozen=True)
class Replay:
    """The result of replaying some bills. `lines` counts the lines compared; `cpu_seconds` are this process's."""

    bills: int
    lines: int
    differences: tuple[Difference, ...]
    cpu_seconds: float


def replay_batch(batch: Batch) -> Replay:
    """Compare the bills of the batch, own months and corrections, with what the exact interpreters make of them."""
    # Millions of rows and no circles among them: looking for circles again and again took a quarter of the time.
    collects = gc.isenabled()
    gc.disable()
    try:
        return _replay(batch)
    finally:
        if collects:
            gc.enable()


def _replay(batch: Batch) -> Replay:
    began = time.process_time()
    months = {month for run in batch.runs for month in (*run.corrected_months, run.month)}
    histories = load_histories(batch.account_ids, months=sorted(months))
    amounts = MonthlyAmounts(histories)
    bills, lines = 0, 0
    differences: list[Difference] = []
    # By its bills, not by all runs: a large utility settles thousands of accounts a month, each in a run of its own.
    places = {run.id: place for place, run in enumerate(batch.runs)}
    for account_id in batch.account_ids:
        account = _Account(account_id, amounts)
        of_run = {bill.run_id: bill for bill in histories.bills.get(account_id, ())}
        kept = {row.run_id for row in histories.kept.get(account_id, ())}
        for run_id in sorted(of_run.keys() | kept, key=lambda run_id: places[run_id]):
            run, bill = batch.runs[places[run_id]], of_run.get(run_id)
            if bill is None:
                if run.id in batch.run_ids:
                    differences += account.compare_kept(run)
                continue
            posted = histories.lines.get((bill.month, bill.id), ())
            of_month = _by_month(posted)
            if run.id in batch.run_ids:
                bills, lines = bills + 1, lines + len(posted)
                differences += account.compare(run, bill, posted, of_month)
            account.add(of_month)
        amounts.forget()
    return Replay(
        bills=bills,
        lines=lines,
        differences=tuple(differences),
        cpu_seconds=time.process_time() - began,
    )


class _Account:
    """What was posted for an account so far, run by run."""

    def __init__(self, account_id: int, amounts: MonthlyAmounts) -> None:
        self._id = account_id
        self._amounts = amounts
        self._has_balances = bool(amounts.histories.kept.get(account_id))
        self._posted: dict[date, dict[Key, int]] = defaultdict(dict)
        self._confirmed: dict[date, Owed] = {}
        """What all that was posted for a month so far was found to be equal to."""

    def add(self, of_month: Mapping[date, Mapping[Key, int]]) -> None:
        """Count the amounts of a bill, by month of use, among what was posted before the next one."""
        for month, amounts in of_month.items():
            sums = self._posted[month]
            for key, minor in amounts.items():
                sums[key] = sums.get(key, 0) + minor

    def compare(
        self,
        run: RunToReplay,
        bill: PostedBill,
        lines: Sequence[PostedLine],
        of_month: Mapping[date, Mapping[Key, int]],
    ) -> Iterator[Difference]:
        """The amounts of a bill, its lines and their sums by month of use, that the facts its run knew do not give."""
        posted = {**of_month}
        total = sum([line.amount_minor for line in lines if line.kind in _POSTED])
        if total != bill.amount_minor:
            yield _difference(bill, "total", bill.amount_minor, total)
        for month in (*run.corrected_months, *((run.month,) if run.bills_own_month else ())):
            if month < run.catch_up_from and month not in self._posted and month not in posted:
                continue
            owed = self._amounts.owed(self._id, month, run.facts_as_of)
            is_now = posted.pop(month, _NONE)
            if is_now is _NONE and self._confirmed.get(month) is owed:
                continue
            found = _compared(bill, owed, self._posted.get(month, _NONE), is_now)
            if owed.left or self._has_balances:
                number = bill_number(bill.month, bill.id)
                found = [*self._kept_otherwise(run, number, month, owed), *found]
            if not found:
                self._confirmed[month] = owed
            else:
                self._confirmed.pop(month, None)
                yield from found
        if self._id in run.settled_account_ids:
            yield from self._settled(run, bill, posted.pop(run.month, _NONE))
        for sums in posted.values():
            yield from (_difference(bill, _named(key), minor, 0) for key, minor in sums.items() if minor)

    def compare_kept(self, run: RunToReplay) -> Iterator[Difference]:
        """What a run kept of balances without a bill for the account, for no amount changed with them."""
        rows = self._amounts.histories.kept.get(self._id, ())
        for month in sorted({row.month for row in rows if row.run_id == run.id}):
            owed = self._owed(run, month)
            yield from self._kept_otherwise(run, f"run {run.id}", month, owed)

    def _owed(self, run: RunToReplay, month: date) -> Owed:
        """What the account owes for the month by what the run knew; of the month in which it was settled, before that
        is billed, for the service points that it no longer holds, or of an on-site bill for those that it holds."""
        until = run.until if month == run.month else None
        owed = self._amounts.owed(self._id, month, run.facts_as_of, until=until)
        if self._id not in run.settled_account_ids or month != run.month:
            return owed
        left = self._agreements_billed(run)
        return Owed(
            {key: minor for key, minor in owed.amounts.items() if key[0] in left},
            tuple(problem for problem in owed.problems if problem[0] in left),
            {key: value for key, value in owed.left.items() if key[0] in left},
        )

    def _settled(self, run: RunToReplay, bill: PostedBill, is_now: Mapping[Key, int]) -> Iterator[Difference]:
        owed = self._owed(run, run.month)
        left = self._agreements_billed(run)
        before = {key: minor for key, minor in self._posted[run.month].items() if key[0] in left}
        yield from self._kept_otherwise(run, bill_number(bill.month, bill.id), run.month, owed)
        yield from _compared(bill, owed, before, is_now)

    def _agreements_billed(self, run: RunToReplay) -> frozenset[int]:
        left, held = self._amounts.agreements_left_and_held(self._id, run.facts_as_of)
        return left if run.until is None else held

    def _kept_otherwise(self, run: RunToReplay, bill: str, month: date, owed: Owed) -> Iterator[Difference]:
        kept = kept_in(self._amounts.histories, self._id, month, run.facts_as_of)
        if self._id in run.settled_account_ids and month == run.month:
            left = self._agreements_billed(run)
            kept = {key: value for key, value in kept.items() if key[0] in left}
        for key in sorted({*owed.left, *kept}):
            should_be = owed.left.get(key)
            if kept.get(key) != should_be:
                what = f"{key[0]} {month} balance {key[1]}, in millionths"
                yield Difference(bill, self._id, what, kept.get(key) or 0, should_be or 0)


_NONE: Mapping[Key, int] = {}


def _compared(
    bill: PostedBill, owed: Owed, before: Mapping[Key, int], is_now: Mapping[Key, int]
) -> list[Difference]:
    """What was not posted yet should be posted now; of a run's own month that is all of it, unless a settlement came
    before."""
    found = [_difference(bill, problem, 0, 0) for _, problem in owed.problems]
    if not before and is_now == owed.amounts:
        return found
    should_be = {**owed.amounts}
    for key, minor in before.items():
        should_be[key] = should_be.get(key, 0) - minor
    wrong = [key for key in should_be.keys() | is_now.keys() if is_now.get(key, 0) != should_be.get(key, 0)]
    return found + [
        _difference(bill, _named(key), is_now.get(key, 0), should_be.get(key, 0)) for key in sorted(wrong)
    ]


def _by_month(lines: Sequence[PostedLine]) -> dict[date, Mapping[Key, int]]:
    found: dict[date, dict[Key, int]] = {}
    for _, _, agreement_id, service_month, component, kind, minor in lines:
        sums = found.setdefault(service_month, {})
        key = (agreement_id, service_month, component, kind)
        sums[key] = sums.get(key, 0) + minor
    return {**found}


def _named(key: Key) -> str:
    return " ".join(map(str, key))


def _difference(bill: PostedBill, what: str, posted: int, exact: int) -> Difference:
    return Difference(bill_number(bill.month, bill.id), bill.account_id, what, posted, exact)
