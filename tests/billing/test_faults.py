"""A run that is killed, again and again, ends with the very rows of one that is not."""

import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from billing.population import HOME
from mains.base import embedded
from mains.tariffs.actions.publish import publish_tariff
from template_databases import fill_home

DRIVER = Path(__file__).with_name("drive.py")
MONTHS = ("2021-03-01", "2021-04-01")
POINTS, PER_SLICE = 2_000, 250


class Driver:
    """A process that bills on command, in forks of itself that may be killed."""

    def __init__(self, *, home: Path | None = None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(DRIVER)],
            env=os.environ | ({"MAINS_HOME": str(home)} if home else {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, database: str, month: str, *, processes: int = 1) -> int:
        """Begin to bill; the pid of the fork."""
        self._process.stdin.write(f"{database} {month} {processes} {PER_SLICE}\n")
        self._process.stdin.flush()
        self._early = []
        while not (line := self._process.stdout.readline()).startswith("child "):
            assert line, "the driver died"
            self._early.append(line)
        return int(line.split()[1])

    def finish(self) -> str | None:
        """The hash, or None where the fork was killed or failed."""
        found = None
        while (line := self._early.pop(0) if self._early else self._process.stdout.readline()) != "ended\n":
            assert line, "the driver died"
            found = line.removeprefix("done ").strip()
        return found

    def bill(self, database: str, month: str) -> tuple[str, float]:
        started = time.monotonic()
        self.start(database, month)
        found = self.finish()
        assert found
        return found, time.monotonic() - started

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._process.stdout.close()


@pytest.fixture
def driver() -> Iterator[Callable[..., Driver]]:
    made: list[Driver] = []

    def make(home: Path | None = None) -> Driver:
        made.append(Driver(home=home))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.mark.slow
def test_twenty_kills_change_nothing(utility, driver):
    """SIGKILL at random moments of runs of one and two processes; the same database is billed on until it is done."""
    billing = driver()
    undisturbed = utility(POINTS)
    billed = {month: billing.bill(undisturbed, month) for month in MONTHS}
    usual = min(seconds for _, seconds in billed.values())
    chance = random.Random(823)
    kills = 0
    while kills < 20:
        database = utility(POINTS)
        for month, (expected, _) in billed.items():
            found = None
            while found is None:
                # Two processes take longer to begin: they are fresh interpreters.
                processes = 2 if kills in (3, 11) else 1
                began = time.monotonic()
                pid = billing.start(database, month, processes=processes)
                if kills < 20:
                    time.sleep(chance.uniform(0, 0.8 * usual) * (3 if processes == 2 else 1))
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                found = billing.finish()
                kills += found is None
                if found is not None and processes == 1:
                    usual = min(usual, time.monotonic() - began)
            assert found == expected, f"month {month} after {kills} kills"


@pytest.mark.slow
def test_two_runs_at_once_write_once(utility, driver):
    first, second = driver(), driver()
    expected, _ = first.bill(utility(POINTS), MONTHS[0])
    database = utility(POINTS)
    first.start(database, MONTHS[0])
    second.start(database, MONTHS[0], processes=2)
    assert [first.finish(), second.finish()] == [expected, expected]


@pytest.mark.slow
def test_killed_recalculation_changes_nothing(utility, driver):
    """SIGKILL at random moments, then two at once: each account is corrected once, as if nothing had happened."""
    first, second = driver(), driver()

    def dearer() -> str:
        name = utility(800)
        assert first.bill(name, MONTHS[0])
        changed = HOME.replace("value: 12.50", "value: 15.00")
        publish_tariff(document=changed, now=datetime(2021, 4, 10, tzinfo=UTC))
        return name

    expected, usual = first.bill(dearer(), "recalculation")
    database, chance = dearer(), random.Random(8)
    # A kill while a run is planned passes over ids that it drew, and the hash tells ids.
    assert first.bill(database, "planned")[0] == "planned"
    for _ in range(5):
        pid = first.start(database, "recalculation")
        time.sleep(chance.uniform(0, usual))
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        first.finish()
    first.start(database, "recalculation")
    second.start(database, "recalculation")
    assert [first.finish(), second.finish()] == [expected, expected]


@pytest.mark.slow
def test_killed_server_changes_nothing(driver):
    """SIGKILL of the database server while a run writes; the next run starts the server and goes on."""
    home = Path(tempfile.mkdtemp(prefix=f"mains-test-{os.getpid()}-drill-", dir="/tmp"))
    home.chmod(0o711)
    try:
        fill_home(home)
        billing = driver(home)
        _prepare(home, "calm")
        expected, seconds = billing.bill("calm", MONTHS[0])
        chance, kills = random.Random(18), 0
        for storm in itertools.count():
            # Another database where the run ended before the server was killed often enough. Not another month: a
            # server that is started again may have passed over some ids.
            _prepare(home, f"storm{storm}")
            found = None
            while found is None:
                billing.start(f"storm{storm}", MONTHS[0])
                if kills < 4:
                    # Four kills within the time of one run: what a kill spares is not done again.
                    time.sleep(chance.uniform(0.1, seconds / 4))
                    _kill_server(home)
                found = billing.finish()
                kills += found is None
            assert found == expected, f"after {kills} kills"
            if kills >= 3:
                break
    finally:
        embedded.stop(home)
        note = home / "postgresql.location"
        if note.exists():
            shutil.rmtree(note.read_text(encoding="utf-8").strip(), ignore_errors=True)
        shutil.rmtree(embedded.socket_folder(home), ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)


def _prepare(home: Path, database: str) -> None:
    """Make that database, a copy of the one that this home has from the first time on."""
    address = embedded.ensure_running(home)
    if not (home / "population").exists():
        subprocess.run(
            [sys.executable, str(DRIVER.with_name("prepare.py")), str(POINTS)],
            env=os.environ | {"MAINS_HOME": str(home), "MAINS_DATABASE": address.database},
            check=True,
        )
        (home / "population").touch()
    with psycopg.connect(address.url(database="postgres"), autocommit=True) as server:
        server.execute(f"CREATE DATABASE {database} TEMPLATE {address.database}")


def _kill_server(home: Path) -> None:
    """Kill the server, unless it is only being started: then the file is missing or names the last one."""
    with suppress(FileNotFoundError, IndexError, ProcessLookupError):
        for pid_file in home.rglob("postmaster.pid"):
            os.kill(int(pid_file.read_text(encoding="ascii").splitlines()[0]), signal.SIGKILL)
