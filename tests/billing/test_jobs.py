"""A real worker does what pages ask for, once, and takes over from a worker that was killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

import psycopg
import pytest
from django.db import connection, transaction

from billing.test_whatif import DEARER
from mains.base.db import connection_url
from mains.base.jobs import enqueue
from mains.billing.actions.whatif import cancel_whatif, compute_whatif, plan_whatif, start_whatif
from mains.billing.models import WhatIf
from mains.billing.values import WhatIfStatus
from mains.reporting.actions.completeness import start_completeness_check
from mains.reporting.models import CompletenessCheck
from mains.staff.values import EVERYTHING

MARCH = date(2021, 3, 1)
NOW = datetime(2021, 6, 9, tzinfo=UTC)
WORKER = (sys.executable, "-m", "mains", "worker")
ASKED = {
    "documents": [("draft.yaml", DEARER)],
    "month_from": MARCH,
    "month_to": MARCH,
    "scope": EVERYTHING,
    "now": NOW,
}


def started() -> WhatIf:
    return start_whatif(**ASKED)


def work(name: str, *options: str) -> None:
    """One worker, until nothing waits."""
    done = subprocess.run(
        [*WORKER, "--until-empty", *options],
        env=os.environ | {"MAINS_DATABASE": name},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def wait_until(condition: Callable[[], bool], seconds: float = 40) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "It did not happen in time."
        time.sleep(0.1)


def job_statuses() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT status::text FROM procrastinate_jobs"
            " WHERE task_name NOT LIKE ALL (ARRAY['%%take_over%%', '%%look_when_due', '%%ledger.jobs.seal',"
            " '%%forget_old_looks',"
            " '%%post_late_interest', '%%look_at_instalment_plans',"
            " '%%jobs.ask_providers', '%%settlement.jobs.%%', '%%reporting.jobs.tally',"
            " '%%invoicing.jobs.follow'])"
            " ORDER BY id",
            [],
        )
        return [row[0] for row in cursor.fetchall()]


@contextmanager
def blocked_reads(table: str) -> Iterator[None]:
    """Whoever reads the table waits."""
    with psycopg.connect(connection_url()) as server:
        server.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield
        server.rollback()


def test_a_worker_computes_what_was_asked_for(billed_utility):
    whatif = started()
    assert whatif.status == WhatIfStatus.WAITING
    assert start_completeness_check(on_date=date(2021, 6, 8), now=NOW)
    assert not start_completeness_check(on_date=date(2021, 6, 8), now=NOW), "the same waits already"
    work(billed_utility)
    whatif.refresh_from_db()
    expected = compute_whatif(whatif_id=plan_whatif(**ASKED).pk, now=NOW)
    assert (whatif.status, whatif.result) == (WhatIfStatus.DONE, expected.result)
    assert (whatif.slices_done, whatif.slices) == (1, 1)
    assert CompletenessCheck.objects.get().hole_count == 0
    assert job_statuses() == []


def test_what_is_rolled_back_is_not_asked_for(billed_utility):
    with transaction.atomic():
        started()
        transaction.set_rollback(True)
    assert job_statuses() == []
    assert not WhatIf.objects.exists()
    assert enqueue("mains.billing.jobs.whatif", key="one", whatif_id=1)
    assert not enqueue("mains.billing.jobs.whatif", key="one", whatif_id=1)
    assert job_statuses() == ["todo"]


def test_a_cancelled_one_is_not_computed(billed_utility):
    whatif = started()
    assert cancel_whatif(whatif_id=whatif.pk, now=NOW)
    work(billed_utility)
    whatif.refresh_from_db()
    assert (whatif.status, whatif.result) == (WhatIfStatus.CANCELLED, None)
    assert job_statuses() == []


def test_a_fault_is_kept_and_the_next_job_is_done(billed_utility):
    broken, sound = started(), started()
    broken.drafts = [{"replaces": "home", "document": "tariff: ["}]
    broken.save()
    work(billed_utility)
    broken.refresh_from_db()
    sound.refresh_from_db()
    assert broken.status == WhatIfStatus.FAILED
    assert "YAML" in broken.fault
    assert sound.status == WhatIfStatus.DONE
    assert job_statuses() == ["failed"]


@pytest.mark.slow
def test_another_worker_takes_over_from_one_that_was_killed(billed_utility):
    whatif = started()
    environment = os.environ | {"MAINS_DATABASE": billed_utility}
    with blocked_reads("metering_usagemonth"):
        worker = subprocess.Popen([*WORKER, "--stalled-after", "1"], env=environment)
        try:
            wait_until(lambda: WhatIf.objects.get().status == WhatIfStatus.RUNNING)
        finally:
            worker.send_signal(signal.SIGKILL)
            worker.wait()
    assert job_statuses() == ["doing"]
    time.sleep(1.5)
    work(billed_utility, "--stalled-after", "1")
    whatif.refresh_from_db()
    assert whatif.status == WhatIfStatus.DONE
    assert job_statuses() == []
