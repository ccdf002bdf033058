"""A run that is killed, again and again, ends with the very rows of one that is not."""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from mains.base import embedded

DRIVER = Path(__file__).with_name("drive.py")
MONTHS = ("2021-03-01", "2021-04-01")
POINTS, PER_SLICE = 2_000, 250


class Driver:
    """A billing process that is warm and waits for its start."""

    def __init__(self, database: str, month: str, *, processes: int = 1, home: str | None = None) -> None:
        environment = os.environ | {"MAINS_DATABASE": database} | ({"MAINS_HOME": home} if home else {})
        self.process = subprocess.Popen(
            [sys.executable, str(DRIVER), month, str(processes), str(PER_SLICE)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def start(self) -> None:
        assert self.process.stdout.readline() == "ready\n", self.process.stderr.read()
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def finish(self) -> str | None:
        """The hash, or None where the process was killed or failed."""
        output, self.complaint = self.process.communicate(timeout=120)
        return output.removeprefix("done ").strip() if output.startswith("done ") else None


def bill(database: str, month: str, **options: object) -> tuple[str, float]:
    driver = Driver(database, month, **options)
    driver.start()
    started = time.monotonic()
    found = driver.finish()
    assert found, driver.complaint
    return found, time.monotonic() - started


@pytest.mark.slow
def test_twenty_kills_change_nothing(utility):
    """SIGKILL at random moments of runs of one and two processes; the same database is billed on until it is done."""
    undisturbed = utility(POINTS)
    hashes, seconds = zip(*(bill(undisturbed, month) for month in MONTHS), strict=True)
    chance = random.Random(823)
    kills = 0
    while kills < 20:
        database = utility(POINTS)
        for month, expected, usual in zip(MONTHS, hashes, seconds, strict=True):
            found = None
            while found is None:
                driver = Driver(database, month, processes=1 + kills % 5 // 4)
                driver.start()
                if kills < 20:
                    time.sleep(chance.uniform(0, usual))
                    driver.process.send_signal(signal.SIGKILL)
                found = driver.finish()
                kills += found is None
            assert found == expected, f"month {month} after {kills} kills"
            if kills >= 20:
                return


@pytest.mark.slow
def test_two_runs_at_once_write_once(utility):
    expected, _ = bill(utility(POINTS), MONTHS[0])
    database = utility(POINTS)
    drivers = [Driver(database, MONTHS[0], processes=count) for count in (1, 2)]
    for driver in drivers:
        driver.start()
    assert [driver.finish() for driver in drivers] == [expected, expected]


@pytest.mark.slow
def test_killed_server_changes_nothing():
    """SIGKILL of the database server while a run writes; the next run starts the server and goes on."""
    home = Path(tempfile.mkdtemp(prefix=f"mains-test-{os.getpid()}-drill-", dir="/tmp"))
    home.chmod(0o711)
    environment = os.environ | {"MAINS_HOME": str(home)}
    try:
        for database in ("calm", "storm"):
            subprocess.run(
                [sys.executable, str(DRIVER.with_name("prepare.py")), database, str(POINTS)],
                env=environment | {"MAINS_DATABASE": database},
                check=True,
            )
        expected, seconds = bill("calm", MONTHS[0], home=str(home))
        chance = random.Random(18)
        found, kills = None, 0
        while found is None:
            driver = Driver("storm", MONTHS[0], home=str(home))
            driver.start()
            if kills < 4:
                time.sleep(chance.uniform(0.1, seconds))
                os.kill(_server_pid(home), signal.SIGKILL)
            found = driver.finish()
            kills += found is None
        assert kills >= 3
        assert found == expected
    finally:
        embedded.stop(home)
        note = home / "postgresql.location"
        if note.exists():
            shutil.rmtree(note.read_text(encoding="utf-8").strip(), ignore_errors=True)
        shutil.rmtree(embedded.socket_folder(home), ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)


def _server_pid(home: Path) -> int:
    (pid_file,) = home.rglob("postmaster.pid")
    return int(pid_file.read_text(encoding="ascii").splitlines()[0])
