"""Recalculation timed: years of one account after a late reading, and a price changed in the past for everybody."""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from statistics import median

from mains.base.rows import fetch_rows
from mains.billing.actions.recalculations import recalculate, recalculate_account
from mains.billing.actions.runs import plan_run, post_run
from mains.config.benchmark.late_readings import (
    LateReading,
    by_kind,
    carry_balances,
    list_late_readings,
    list_sharing_accounts,
)
from mains.config.benchmark.memory import PeakMemory
from mains.kernel.period import next_month
from mains.metering.actions.readings import record_reading
from mains.metering.values import ReadingSource
from mains.packs.definition import Pack
from mains.tariffs.actions.publish import publish_tariff

ACCOUNTS_TIMED = 15
CHANGED_MONTHS = 3
_HOUR = timedelta(hours=1)
_TIMED_MIN = 3


@dataclass(frozen=True, kw_only=True)
class OneAccount:
    """Milliseconds of recalculating one account of a kind: median and slowest of those timed, and median processor time
    of this process, each with a late reading that changes `months` billed months (the fewest of any account)."""

    median: float
    slowest: float
    median_processor: float
    months: int


@dataclass(frozen=True, kw_only=True)
class RecalculationFigures:
    """`one_account_ms` by kind of account: `plain`, `shared` (in a house whose remainder is shared), `carried` (under a
    tariff that carries a balance). `tariff_seconds`: a price changed three months back for all accounts;
    `monthly_seconds` are the last three monthly runs, `tariff_ratio` the one over the sum of the others.
    """

    accounts: int
    months: int
    one_account_ms: dict[str, OneAccount]
    monthly_seconds: list[float]
    tariff_seconds: float
    tariff_corrections: int
    tariff_ratio: float
    peak_memory_mib: int

    def data(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


def time_recalculation(
    *, pack: Pack, months: int, on_month: Callable[[date], None] = lambda _: None
) -> RecalculationFigures:
    """Bill so many months on the connected database, then change what is known of them.

    The prices of the pack's last version go on for as long as is billed.
    """
    first = pack.billing.months[0]
    _publish(_continued, now=_after(first) - _HOUR)
    last_read = next_month(pack.billing.months[-1]) - timedelta(days=1)
    late = by_kind(
        list_late_readings(last_read=last_read, supplied_on=first),
        sharing=list_sharing_accounts(),
        count=ACCOUNTS_TIMED + 1,
    )
    carry_balances(late["carried"], month=first, now=_after(first) - _HOUR)
    seconds = []
    month, accounts = first, 0
    for _ in range(months):
        on_month(month)
        began = time.perf_counter()
        run = plan_run(month=month, cycle=pack.billing.cycle, now=_after(month))
        post_run(run_id=run.pk, now=_after(month))
        seconds.append(round(time.perf_counter() - began, 2))
        accounts, month = run.accounts, next_month(month)
    now = _after(month) - timedelta(days=20)
    # Sampling memory takes as long as a part of what is timed here.
    timed = {}
    for place, (kind, readings) in enumerate(late.items()):
        found = _one_by_one(readings, now=now + place * _HOUR)
        if found is not None:
            timed[kind] = found
    now += len(late) * _HOUR
    with PeakMemory() as memory:
        changed_from = _months_back(month, CHANGED_MONTHS)
        _publish(lambda text: _dearer(text, changed_from), now=now + 2 * _HOUR)
        began = time.perf_counter()
        summary = recalculate(cycle=pack.billing.cycle, now=now + 3 * _HOUR)
        took = time.perf_counter() - began
    assert summary is not None, "A price that changed touches its accounts."
    last = seconds[-CHANGED_MONTHS:]
    return RecalculationFigures(
        accounts=accounts,
        months=months,
        one_account_ms=timed,
        monthly_seconds=last,
        tariff_seconds=round(took, 2),
        tariff_corrections=summary.bills,
        tariff_ratio=round(took / sum(last), 2),
        peak_memory_mib=memory.peak_mib,
    )


def _one_by_one(readings: Sequence[LateReading], *, now: datetime) -> OneAccount | None:
    """Record each reading and recalculate its account; None where there are too few to tell."""
    timed, worked, corrected = [], [], []
    for place, late in enumerate(readings):
        at = now + timedelta(seconds=place)
        outcome = record_reading(
            register_id=late.register_id,
            reading_date=late.day,
            text_value=str(late.value),
            source=ReadingSource.CONTROL_VISIT,
            actor=None,
            now=at,
        )
        if outcome.reading_id is None:
            continue
        began, busy = time.perf_counter(), time.process_time()
        found = recalculate_account(account_id=late.account_id, now=at + timedelta(milliseconds=1))
        timed.append((time.perf_counter() - began) * 1000)
        worked.append((time.process_time() - busy) * 1000)
        corrected.append(found.lines["service_month"].n_unique())
    if len(timed) < _TIMED_MIN:
        return None
    # The first one also loads what the others find loaded.
    return OneAccount(
        median=round(median(timed[1:]), 1),
        slowest=round(max(timed[1:]), 1),
        median_processor=round(median(worked[1:]), 1),
        months=min(corrected),
    )


def _after(month: date) -> datetime:
    """When the month is billed: early on the third day after it."""
    following = next_month(month)
    return datetime(following.year, following.month, 3, tzinfo=UTC)


def _months_back(month: date, count: int) -> date:
    index = month.year * 12 + month.month - 1 - count
    return date(index // 12, index % 12 + 1, 1)


def _publish(change: Callable[[str], str], *, now: datetime) -> None:
    """Publish every tariff in force as `change` makes it."""
    documents = fetch_rows(str, "SELECT document FROM tariffs_tariffedition WHERE superseded_at IS NULL", {})
    for document in documents:
        changed = change(document)
        if changed != document:
            publish_tariff(document=changed, now=now)


def _continued(document: str) -> str:
    """Without the last version's end."""
    head, start, last = document.rpartition("  - valid_from: ")
    return head + start + re.sub(r"    valid_to: .*\n", "", last, count=1)


def _dearer(document: str, day: date) -> str:
    """With one more version from a day on, in which every price is a hundredth more."""
    head, start, last = document.rpartition("  - valid_from: ")
    began, _, rest = last.partition("\n")
    raised = re.sub(r"price: (\d+\.\d+)", lambda found: f"price: {Decimal(found[1]) + Decimal('0.01')}", rest)
    if raised == rest or date.fromisoformat(began) >= day:
        return document
    return f"{head}{start}{began}\n    valid_to: {day}\n{rest.rstrip()}\n{start}{day}\n{raised}"
