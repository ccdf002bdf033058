"""A bill run killed between slices, and a worker killed within a job: what comes out is as if nothing had happened."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

import psycopg

from mains.base.db import connection_url
from mains.config.chance import Repeatable
from mains.config.drill.counts import DrillCounts, book_losses, count
from mains.config.drill.place import copied_database

_WORKER = (sys.executable, "-m", "mains", "worker", "--stalled-after", "1")
_SECONDS = 60


def kill_bill_run(*, kills: int, seed: int) -> DrillCounts:
    """Bill the second month undisturbed and, in a copy, in processes that are killed after some slices."""
    chance = Repeatable(seed)
    with copied_database("drill_calm"):
        calm = _bill(0)
    with copied_database("drill_killed"):
        done = 0
        for _ in range(kills):
            done += _bill(chance.randint(1, 12)) == ""
        resumed = _bill(0)
        losses = book_losses()
    return DrillCounts(
        name="bill-run",
        seed=seed,
        counts={"times killed": done, "hash undisturbed": calm[:16], "hash resumed": resumed[:16]},
        losses={
            "hashes differ": int(calm != resumed or not calm),
            "not killed at all": int(not done),
            **losses,
        },
    )


def _bill(kill_after: int) -> str:
    """The hash of the run, or '' when its process was killed after so many slices."""
    done = subprocess.run(
        [sys.executable, "-m", "mains.config.drill.billing", str(kill_after)],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    return done.stdout.strip()


def kill_worker(*, seed: int) -> DrillCounts:
    """SIGKILL of a worker within a job, which waits for a table; another worker takes it over, and it is done once."""
    from mains.reporting.actions.completeness import start_completeness_check

    start_completeness_check(on_date=date(2022, 1, 10), now=datetime(2022, 1, 11, tzinfo=UTC))
    with _blocked_reads("metering_usagemonth"):
        worker = subprocess.Popen([*_WORKER])
        try:
            began = _wait_until_begun()
        finally:
            worker.send_signal(signal.SIGKILL)
            worker.wait()
    time.sleep(1.5)
    subprocess.run([*_WORKER, "--until-empty"], check=False, timeout=_SECONDS)
    done = count("SELECT count(*) FROM reporting_completenesscheck")
    return DrillCounts(
        name="worker",
        seed=seed,
        counts={"jobs killed": int(began), "results": done, "jobs left": _waiting()},
        losses={"results beyond one": abs(done - 1), "jobs lost or stuck": _waiting() + int(not began)},
    )


@contextmanager
def _blocked_reads(table: str) -> Iterator[None]:
    """Whoever reads the table waits."""
    with psycopg.connect(connection_url()) as server:
        server.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")  # a name of ours
        yield
        server.rollback()


def _wait_until_begun() -> bool:
    limit = time.monotonic() + _SECONDS
    while time.monotonic() < limit:
        if count(
            "SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing' AND task_name LIKE '%%completeness'"
        ) and count("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            return True
        time.sleep(0.1)
    return False


def _waiting() -> int:
    return count(
        "SELECT count(*) FROM procrastinate_jobs"
        " WHERE task_name LIKE '%%completeness' AND status IN ('todo', 'doing')"
    )
