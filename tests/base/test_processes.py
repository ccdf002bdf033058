"""Work over processes: results as they come, the first error stops all, nothing stays behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from mains.base.processes import core_count, run_in_processes
from mains.kernel.errors import MainsError


def square(number: int) -> int:
    return number * number


def process_id(_number: int) -> int:
    time.sleep(0.05)
    return os.getpid()


def fail_on_three(number: int) -> int:
    if number == 3:
        raise MainsError(code="three", message="Three is too many.", params={"number": number})
    time.sleep(0.01)
    return number


def current_database(_number: int) -> str:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        return str(cursor.fetchone()[0])


def test_every_item_is_done_once() -> None:
    results = dict(run_in_processes(square, range(50), processes=2))
    assert results == {number: number * number for number in range(50)}


def test_one_process_is_this_one() -> None:
    assert {pid for _, pid in run_in_processes(process_id, range(2), processes=1)} == {os.getpid()}
    assert core_count() >= 1


def test_items_are_taken_as_they_are_needed() -> None:
    taken = 0

    def endless() -> Iterator[int]:
        nonlocal taken
        while True:
            taken += 1
            yield taken

    results = run_in_processes(square, endless(), processes=2)
    first = [next(results) for _ in range(5)]
    results.close()
    assert all(result == item * item for item, result in first)
    assert taken < 20


def test_the_first_error_is_raised_whole() -> None:
    with pytest.raises(MainsError) as caught:
        list(run_in_processes(fail_on_three, range(1000), processes=2))
    assert (caught.value.code, caught.value.params) == ("three", {"number": 3})


@pytest.mark.django_db
def test_workers_use_the_database_of_the_caller() -> None:
    name = connection.settings_dict["NAME"]
    assert name.startswith("test_")
    assert {found for _, found in run_in_processes(current_database, range(2), processes=2)} == {name}


def test_workers_die_with_a_killed_parent(tmp_path: Path) -> None:
    program = tmp_path / "parent.py"
    program.write_text(
        "import os, sys, time\n"
        "import django\n"
        "def work(number):\n"
        "    print(os.getpid(), flush=True)\n"
        "    time.sleep(60)\n"
        "if __name__ == '__main__':\n"
        "    django.setup()\n"
        "    from mains.base.processes import run_in_processes\n"
        "    list(run_in_processes(work, range(2), processes=2))\n",
        encoding="utf-8",
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "mains.config.settings"}
    parent = subprocess.Popen(
        [sys.executable, str(program)], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert parent.stdout is not None
    workers = [int(parent.stdout.readline()) for _ in range(2)]
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 10
    while any(_lives(worker) for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(_lives(worker) for worker in workers)


def _lives(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path("/proc", str(pid), "status").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
