"""One month of a whole utility, timed step by step."""

import time
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from datetime import time as clock_time

from mains.billing.actions.runs import plan_run, post_run
from mains.billing.models import BillRun
from mains.billing.values import Stage
from mains.config.benchmark.floor import measure_floor
from mains.config.benchmark.memory import PeakMemory
from mains.config.benchmark.processor import command_seconds, server_seconds
from mains.packs.definition import Pack


@dataclass(frozen=True, kw_only=True)
class MonthFigures:
    """What one month took. `steps` are wall-clock seconds; `ratio_to_floor` is total over the plain COPY.

    `cpu_seconds` are processor seconds of the workers (with the command) and of the server, `floor_cpu_seconds` of
    the plain COPY; the server's are unknown where it runs on another machine.
    """

    month: str
    accounts: int
    bills: int
    lines: int
    steps: dict[str, float]
    total_seconds: float
    accounts_per_second: int
    seconds_per_100k_accounts: float
    cpu_seconds: dict[str, float | None]
    peak_memory_mib: int
    rows_written: int
    bytes_written: int
    floor_seconds: float
    floor_cpu_seconds: float
    ratio_to_floor: float

    def data(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


def time_month(*, pack: Pack, month: date) -> MonthFigures:
    """Plan and post the month's run on the connected database, then measure the floor under it."""
    known = datetime.combine(pack.billing.cut_off(month), clock_time(), tzinfo=UTC)
    marks: dict[Stage, float] = {}

    def on_slice(stage: Stage, _done: int, _total: int) -> None:
        marks[stage] = time.perf_counter()

    used = command_seconds(), server_seconds()
    with PeakMemory() as memory:
        began = time.perf_counter()
        run = plan_run(
            month=month,
            cycle=pack.billing.cycle,
            now=known,
            issued_on=pack.billing.issue_date(month),
            due_on=pack.billing.due_date(month),
        )
        planned = time.perf_counter()
        summary = post_run(run_id=run.pk, now=known, on_slice=on_slice)
        ended = time.perf_counter()
    spent = {"workers": _between(used[0], command_seconds()), "server": _between(used[1], server_seconds())}
    floor = measure_floor(run=BillRun.objects.get(pk=run.pk))
    total = ended - began
    return MonthFigures(
        month=f"{month:%Y-%m}",
        accounts=run.accounts,
        bills=summary.bills,
        lines=floor.lines,
        steps={
            "plan": round(planned - began, 2),
            "daily_use": round(marks[Stage.USAGE] - planned, 2),
            "balances": round(marks[Stage.BALANCE] - marks[Stage.USAGE], 2),
            "price_and_post": round(marks[Stage.BILLS] - marks[Stage.BALANCE], 2),
            "close": round(ended - marks[Stage.BILLS], 2),
        },
        total_seconds=round(total, 2),
        accounts_per_second=round(run.accounts / total),
        seconds_per_100k_accounts=round(total / run.accounts * 100_000, 2),
        cpu_seconds=spent,
        peak_memory_mib=memory.peak_mib,
        rows_written=floor.rows,
        bytes_written=floor.bytes_written,
        floor_seconds=round(floor.seconds, 2),
        floor_cpu_seconds=round(floor.cpu_seconds, 2),
        ratio_to_floor=round(total / floor.seconds, 2),
    )


def _between(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else round(after - before, 2)
