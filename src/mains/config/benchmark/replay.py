"""The exact interpreters at the size of a utility: replay of all its bills, and the explanation of single ones."""

import time
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from datetime import time as clock_time
from statistics import quantiles

from mains.billing.actions.runs import plan_run, post_run
from mains.billing.models import Bill
from mains.billing.queries.explain import explain_bill
from mains.billing.queries.replay import list_batches, replay_batch
from mains.config.benchmark.processor import command_seconds, server_seconds
from mains.config.chance import Repeatable
from mains.packs.definition import Pack

_SEED = 823


@dataclass(frozen=True, kw_only=True)
class ReplayFigures:
    """What a replay in one process took, the making of its tapes included.

    `cpu_seconds` are of the process, `server_cpu_seconds` of the database server, unknown where it runs elsewhere.
    Explanations are timed by the clock and by the processor, in milliseconds.
    """

    accounts: int
    months: list[str]
    bills: int
    amounts: int
    differences: int
    cpu_seconds: float
    server_cpu_seconds: float | None
    clock_seconds: float
    bills_per_cpu_second: int
    explained_bills: int
    explanation_ms_median: float
    explanation_ms_p95: float
    explanation_cpu_ms_median: float
    explanation_cpu_ms_p95: float

    def data(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


def bill_months(*, pack: Pack, months: int) -> list[date]:
    """Bill the first months of the connected utility."""
    billed = list(pack.billing.months[:months])
    for month in billed:
        known = datetime.combine(pack.billing.cut_off(month), clock_time(), tzinfo=UTC)
        run = plan_run(
            month=month,
            cycle=pack.billing.cycle,
            now=known,
            issued_on=pack.billing.issue_date(month),
            due_on=pack.billing.due_date(month),
        )
        post_run(run_id=run.pk, now=known)
    return billed


def time_replay(*, accounts: int, months: list[date], explanations: int = 200) -> ReplayFigures:
    """Replay all bills of the connected utility, then explain random ones."""
    used, on_server, began = command_seconds(), server_seconds(), time.perf_counter()
    results = [replay_batch(batch) for batch in list_batches()]
    clock, cpu, server = time.perf_counter() - began, command_seconds() - used, server_seconds()
    bills = sum(result.bills for result in results)
    by_clock, by_processor = _time_explanations(explanations)
    return ReplayFigures(
        accounts=accounts,
        months=[f"{month:%Y-%m}" for month in months],
        bills=bills,
        amounts=sum(result.lines for result in results),
        differences=sum(len(result.differences) for result in results),
        cpu_seconds=round(cpu, 2),
        server_cpu_seconds=None if on_server is None or server is None else round(server - on_server, 2),
        clock_seconds=round(clock, 2),
        bills_per_cpu_second=round(bills / cpu),
        explained_bills=len(by_clock),
        explanation_ms_median=_quantile(by_clock, 50),
        explanation_ms_p95=_quantile(by_clock, 95),
        explanation_cpu_ms_median=_quantile(by_processor, 50),
        explanation_cpu_ms_p95=_quantile(by_processor, 95),
    )


def _time_explanations(count: int) -> tuple[list[float], list[float]]:
    """Milliseconds of each, by the clock and by this process's processor time."""
    chance = Repeatable(_SEED)
    known = list(Bill.objects.order_by("month", "id").values_list("month", "id"))
    by_clock, by_processor = [], []
    for month, bill_id in chance.sample(known, min(count, len(known))):
        began, used = time.perf_counter(), time.process_time()
        explain_bill(month=month, bill_id=bill_id)
        by_clock.append((time.perf_counter() - began) * 1000)
        by_processor.append((time.process_time() - used) * 1000)
    return by_clock, by_processor


def _quantile(values: list[float], percent: int) -> float:
    return round(quantiles(values, n=100, method="inclusive")[percent - 1], 1)
