"""The command line as a person or a script sees it: real processes, exit codes, plain errors."""

import contextlib
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from pathlib import Path

import psycopg
import pytest

from mains.base import embedded
from mains.base.address import socket_folder
from mains.base.embedded.layout import find_layout
from mains.config.cli import COMMANDS

MAINS = [sys.executable, "-m", "mains"]


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    """An environment whose MAINS_HOME is new; its server is stopped at the end."""
    with fresh_environment() as made:
        yield made


@pytest.fixture(scope="module")
def migrated() -> Iterator[dict[str, str]]:
    """An environment with a database that is up to date, shared by tests that only look at it."""
    with fresh_environment() as made:
        finished = mains(made, "migrate")
        assert finished.returncode == 0, finished.stderr
        assert "migrations applied" in finished.stdout
        yield made


@contextmanager
def fresh_environment() -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory(prefix="mains-home-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("MAINS_", "DJANGO_"))
        }
        yield kept | {"MAINS_HOME": folder, "COLUMNS": "200", "NO_COLOR": "1"}
        embedded.stop(Path(folder))
        shutil.rmtree(socket_folder(Path(folder)), ignore_errors=True)


def mains(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*MAINS, *arguments], env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_help_names_the_commands_that_exist(environment: dict[str, str]) -> None:
    finished = mains(environment, "--help")
    assert finished.returncode == 0
    for name in ("serve", "migrate", "db", "doctor"):
        assert COMMANDS[name].help in finished.stdout
    assert mains(environment, "--version").stdout.startswith("mains ")


def test_help_loads_neither_django_nor_polars(environment: dict[str, str]) -> None:
    program = (
        "import sys; sys.argv = ['mains', '--help']\n"
        "from mains.config.cli import main\n"
        "try: main()\n"
        "except SystemExit: print(sorted({'django', 'polars', 'psycopg', 'typst'} & set(sys.modules)))"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert finished.stdout.splitlines()[-1] == "[]"


def test_unknown_command(environment: dict[str, str]) -> None:
    finished = mains(environment, "invent")
    assert finished.returncode == 2
    assert "invent" in finished.stderr


def test_an_expected_error_has_place_and_remedy_and_no_traceback(environment: dict[str, str]) -> None:
    finished = mains(environment | {"DATABASE_URL": "mysql://here"}, "db", "url")
    assert finished.returncode == 2
    assert "Where: environment variable DATABASE_URL" in finished.stderr
    assert "What to do: Write postgresql://" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_life_of_a_database(environment: dict[str, str]) -> None:
    assert mains(environment, "db", "status").returncode == 1
    started = mains(environment, "db", "start")
    assert started.returncode == 0, started.stderr
    url = mains(environment, "db", "url").stdout.strip()
    assert started.stdout.strip().endswith(url)
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert mains(environment, "db", "status").returncode == 0

    refused = mains(environment, "serve", "--port", str(free_port()))
    assert refused.returncode == 2
    assert "What to do: Run `mains migrate`." in refused.stderr

    assert mains(environment, "db", "stop").stdout == "Stopped.\n"
    assert mains(environment, "db", "stop").stdout == "It was not running.\n"


def test_an_outside_server_is_neither_started_nor_stopped(environment: dict[str, str]) -> None:
    finished = mains(environment | {"DATABASE_URL": "postgresql://a@db.example/x"}, "db", "stop")
    assert finished.returncode == 2
    assert "outside server" in finished.stderr


def test_doctor_finds_a_dead_server(environment: dict[str, str]) -> None:
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    finished = mains(environment | {"DATABASE_URL": url}, "doctor")
    assert finished.returncode == 1
    (line,) = [line for line in finished.stdout.splitlines() if line.startswith("Database")]
    assert "BROKEN" in line
    assert "Start that server, or correct DATABASE_URL" in finished.stdout
    (tables,) = [line for line in finished.stdout.splitlines() if line.startswith("Tables")]
    assert "once this is mended: Database" in tables
    assert "Traceback" not in finished.stderr


@pytest.mark.parametrize("command", ["doctor", "demo", "serve"])
def test_a_data_folder_that_cannot_be_written(environment: dict[str, str], command: str) -> None:
    closed = Path(environment["MAINS_HOME"], "file", "folder")
    closed.parent.touch()
    finished = mains(environment | {"MAINS_HOME": str(closed)}, command)
    assert finished.returncode != 0
    told = finished.stdout + finished.stderr
    assert str(closed) in told
    assert "Set MAINS_HOME to a folder that you may write." in told
    assert "Traceback" not in told


def test_doctor_tells_what_is_taken_and_what_is_not_there(environment: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            taken.bind(("127.0.0.1", 8000))
            taken.listen()
        told = mains(environment | {"PATH": "/nowhere", "MAINS_BROWSER": ""}, "doctor").stdout
    assert "mains serve --port 8001" in told
    assert "apt-get install chromium" in told
    assert "migrations are pending" in told


def test_migrating_twice_changes_nothing(migrated: dict[str, str]) -> None:
    assert mains(migrated, "migrate").stdout == "The tables are up to date.\n"


def test_doctor_finds_an_open_secret(migrated: dict[str, str]) -> None:
    secret = Path(migrated["MAINS_HOME"]) / "secret_key"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    secret.chmod(0o644)
    finished = mains(migrated, "doctor")
    secret.chmod(0o600)
    assert finished.returncode == 1
    assert f"chmod 600 {secret}" in finished.stdout
    (database,) = [line for line in finished.stdout.splitlines() if line.startswith("Database")]
    assert "embedded PostgreSQL" in database


def test_serving_reviving_the_database_and_a_taken_port(migrated: dict[str, str]) -> None:
    port = free_port()
    command = [*MAINS, "serve", "--port", str(port), "--workers", "1"]
    server = subprocess.Popen(
        command, env=migrated, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert server.stdout is not None
    try:
        assert f"http://localhost:{port}/" in server.stdout.readline()
        status, headers = _first_answer(f"http://127.0.0.1:{port}/sign-in/")
        assert status == 200
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert _first_answer(f"http://127.0.0.1:{port}/callbacks/nobody/", data=b"{}")[0] == 404
        assert _has_kept_connection(Path(migrated["MAINS_HOME"]), asked="mains_append_audit")
        _kill_database(Path(migrated["MAINS_HOME"]))
        deadline = time.monotonic() + 60
        while not embedded.is_running(Path(migrated["MAINS_HOME"])):
            assert time.monotonic() < deadline, "The crashed database server was not started again."
            time.sleep(0.1)
        assert _first_answer(f"http://127.0.0.1:{port}/sign-in/")[0] == 200
        forged = urllib.request.Request(f"http://127.0.0.1:{port}/", headers={"Host": "evil.example"})
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(forged, timeout=10)
        assert caught.value.code == 400
        caught.value.close()
        second = mains(migrated, "serve", "--port", str(port))
        assert second.returncode == 2
        assert f"port {port}" in second.stderr
    finally:
        server.terminate()
        output = server.communicate(timeout=30)[0]
    assert "Traceback" not in output


def _has_kept_connection(home: Path, *, asked: str) -> bool:
    """Whether a connection whose last statement named a table or function waits for the next request."""
    with psycopg.connect(embedded.ensure_running(home).url()) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle' AND pid <> pg_backend_pid() AND query LIKE %s",
            [f"%{asked}%"],
        ).fetchone()
    return row is not None and row[0] > 0


def _kill_database(home: Path) -> None:
    pid_file = find_layout(home).data / "postmaster.pid"
    os.kill(int(pid_file.read_text(encoding="ascii").split()[0]), signal.SIGKILL)
    while not embedded.has_crashed(home) and pid_file.exists():
        time.sleep(0.01)


class _Quiet(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: object) -> None:
        return None


def _first_answer(url: str, *, data: bytes | None = None) -> tuple[int, Message]:
    """Status and headers of a server that is just starting; redirects and refusals are answers too."""
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.build_opener(_Quiet).open(url, data=data, timeout=10) as answer:
                return answer.status, answer.headers
        except urllib.error.HTTPError as refusal:
            refusal.close()
            return refusal.code, refusal.headers
        except OSError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.1)
