"""A what-if of one billed month over a whole utility, timed."""

import time
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time

from mains.base.db import adbc_connect, read_frame
from mains.billing.actions.runs import plan_run, post_run
from mains.billing.actions.whatif import compute_whatif, plan_whatif
from mains.config.benchmark.memory import PeakMemory
from mains.config.benchmark.processor import command_seconds, server_seconds
from mains.packs.definition import Pack
from mains.staff.values import EVERYTHING
from mains.tariffs.queries.editions import list_editions


@dataclass(frozen=True, kw_only=True)
class WhatIfFigures:
    """Seconds of the clock and of processors; `control_minor` is what the drafts, the documents in force themselves,
    brought more than the bills, and must be 0."""

    month: str
    accounts: int
    bills: int
    seconds: float
    seconds_forecast: float
    cpu_seconds: dict[str, float | None]
    peak_memory_mib: int
    control_minor: int

    def data(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


def time_whatif(*, pack: Pack, month: date) -> WhatIfFigures:
    """Bill the month on the connected database, which is not counted, then try every tariff's own document on it.

    Afterwards the month after it is tried, whose use is forecast.
    """
    known = datetime.combine(pack.billing.cut_off(month), clock_time(), tzinfo=UTC)
    run = plan_run(month=month, cycle=pack.billing.cycle, now=known)
    posted = post_run(run_id=run.pk, now=known)
    used = command_seconds(), server_seconds()
    with PeakMemory() as memory:
        seconds, tried = _try(month, known)
    spent = {"workers": command_seconds() - used[0], "server": _less(server_seconds(), used[1])}
    following = (month + timedelta(days=32)).replace(day=1)
    seconds_forecast, _ = _try(following, known)
    return WhatIfFigures(
        month=f"{month:%Y-%m}",
        accounts=run.accounts,
        bills=tried["bills"],
        seconds=round(seconds, 2),
        seconds_forecast=round(seconds_forecast, 2),
        cpu_seconds={name: None if value is None else round(value, 2) for name, value in spent.items()},
        peak_memory_mib=memory.peak_mib,
        control_minor=tried["after_minor"] - posted.amount_minor,
    )


def _try(month: date, known: datetime) -> tuple[float, dict[str, int]]:
    with adbc_connect() as connection:
        editions = list_editions(connection=connection, as_of=known, known_since=known)
        used = read_frame("SELECT DISTINCT tariff_id FROM customers_agreement", connection=connection)
    documents = [(one.code, one.document) for one in editions if one.tariff_id in used["tariff_id"]]
    began = time.perf_counter()
    planned = plan_whatif(documents=documents, month_from=month, month_to=month, scope=EVERYTHING, now=known)
    result = compute_whatif(whatif_id=planned.pk, now=known).result
    assert result is not None, "A what-if that was computed has a result."
    return time.perf_counter() - began, result


def _less(after: float | None, before: float | None) -> float | None:
    return None if after is None or before is None else after - before
