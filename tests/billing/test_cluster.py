"""A Dask cluster bills and tries drafts as the own machine does, also when one of its workers is killed."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from billing.test_whatif import DEARER, MARCH, MARCH_CLOSE, bill
from mains.base.db import connection_url
from mains.billing.actions.runs import plan_run, post_run
from mains.billing.queries.hashes import run_hash

pytestmark = pytest.mark.slow

DASK = (str(Path(sys.executable).parent / "dask"),)
MAINS = (sys.executable, "-m", "mains")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(*command: str, database: str) -> Iterator[subprocess.Popen]:
    environment = os.environ | {"MAINS_DATABASE": database}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


@contextmanager
def cluster(database: str) -> Iterator[tuple[str, list[subprocess.Popen]]]:
    """Address of a scheduler with two workers, and the workers."""
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    scheduler = (*DASK, "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
    worker = (*DASK, "worker", address, "--nthreads", "1", "--no-dashboard", "--no-nanny")
    with (
        running(*scheduler, database=database),
        running(*worker, database=database) as first,
        running(*worker, database=database) as second,
    ):
        yield address, [first, second]


def mains(*arguments: str, database: str) -> subprocess.CompletedProcess:
    done = subprocess.run(
        [*MAINS, *arguments],
        env=os.environ | {"MAINS_DATABASE": database},
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


def wait_until(condition: Callable[[], bool], seconds: float = 100) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "It did not happen in time."
        time.sleep(0.2)


def test_a_draft_is_tried_as_on_the_own_machine(utility, tmp_path):
    name = utility()
    bill(MARCH, MARCH_CLOSE)
    draft = tmp_path / "draft.yaml"
    draft.write_text(DEARER, encoding="utf-8")
    asked = ("whatif", str(draft), "--from", "2021-03", "--json")
    own = json.loads(mains(*asked, database=name).stdout)
    with cluster(name) as (address, _workers):
        wait_for_workers(address, 2)
        theirs = json.loads(mains(*asked, "--cluster", address, database=name).stdout)
    assert own | {"id": 0} == theirs | {"id": 0}


def test_killing_one_of_two_workers_changes_nothing(utility):
    utility(400)
    own = plan_run(month=MARCH, now=MARCH_CLOSE, accounts_per_slice=40)
    post_run(run_id=own.pk, now=MARCH_CLOSE, processes=1)
    expected = run_hash(own.pk)
    name = utility(400)
    run = plan_run(month=MARCH, now=MARCH_CLOSE, accounts_per_slice=40)
    with cluster(name) as (address, workers):
        wait_for_workers(address, 2)
        command = (*MAINS, "bill", "run", "--month", "2021-03", "--cluster", address)
        with (
            psycopg.connect(connection_url()) as watch,
            subprocess.Popen(
                command,
                env=os.environ | {"MAINS_DATABASE": name},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            ) as billing,
        ):
            # In the middle of the bills: some slices are written, others not, and the worker holds one.
            wait_until(lambda: billed_buckets(watch) > 100 or billing.poll() is not None)
            workers[0].send_signal(signal.SIGKILL)
            still_to_do = billed_buckets(watch) < 1024
            said, _ = billing.communicate(timeout=170)
            assert billing.returncode == 0, said
    assert still_to_do, "The worker was killed too late to prove anything."
    assert run_hash(run.pk) == expected


def test_a_cluster_that_does_not_answer_is_named(utility):
    name = utility()
    done = subprocess.run(
        [*MAINS, "bill", "run", "--month", "2021-03", "--cluster", f"tcp://127.0.0.1:{free_port()}"],
        env=os.environ | {"MAINS_DATABASE": name},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 2
    assert "No Dask scheduler answers" in done.stderr
    assert "dask scheduler" in done.stderr


def billed_buckets(watch: psycopg.Connection) -> int:
    found = watch.execute("SELECT count(*) FROM billing_billrunbucket WHERE stage = 'bills'").fetchone()
    watch.rollback()
    assert found
    return int(found[0])


def wait_for_workers(address: str, count: int) -> None:
    script = (
        f"from distributed import Client\nwith Client({address!r}, timeout=60) as client:\n"
        f"    client.wait_for_workers({count}, timeout=100)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=150, capture_output=True)
