"""The embedded server under conditions that break others: kills, reused process ids, races, shut folders."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from mains.base import embedded
from mains.base.address import socket_folder
from mains.base.embedded import layout as layout_module
from mains.base.embedded.configuration import server_settings
from mains.base.embedded.layout import UnableToPlaceServer, find_layout, run_as_owner

as_root = pytest.mark.skipif(os.getuid() != 0, reason="Only root drops to a service user.")


@pytest.fixture
def home() -> Iterator[Path]:
    """A MAINS_HOME of its own, its server stopped at the end."""
    with _new_home() as folder:
        yield folder


@pytest.fixture(scope="module")
def stopped_server() -> Iterator[Path]:
    """The folder of a server that was made and stopped, for tests that need not see it made."""
    with _new_home() as folder:
        embedded.ensure_running(folder)
        embedded.stop(folder)
        yield folder / "postgresql"


@pytest.fixture
def made_home(home: Path, stopped_server: Path) -> Path:
    """As `home`, with a server in it that has been stopped."""
    subprocess.run(["cp", "-a", str(stopped_server), str(home / "postgresql")], check=True)
    return home


@contextmanager
def _new_home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="mains-server-", dir="/tmp"))
    folder.chmod(0o711)
    yield folder
    embedded.stop(folder)
    _forget(folder)


def _forget(folder: Path) -> None:
    note = folder / "postgresql.location"
    if note.exists():
        shutil.rmtree(note.read_text(encoding="utf-8").strip())
    shutil.rmtree(socket_folder(folder), ignore_errors=True)
    shutil.rmtree(folder)


def _pid(home: Path) -> int:
    return int((find_layout(home).data / "postmaster.pid").read_text(encoding="ascii").split()[0])


def _kill(home: Path) -> None:
    pid = _pid(home)
    os.kill(pid, signal.SIGKILL)
    while (
        Path("/proc", str(pid)).exists() and "Z" not in Path("/proc", str(pid), "stat").read_text().split()[2]
    ):
        time.sleep(0.01)


def _execute(home: Path, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(embedded.ensure_running(home).url(), autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def test_data_survives_stop_and_start(home: Path) -> None:
    _execute(home, "CREATE TABLE kept AS SELECT 42 AS answer")
    assert embedded.is_running(home)
    assert embedded.stop(home)
    assert not embedded.is_running(home)
    assert not embedded.stop(home)
    assert _execute(home, "SELECT answer FROM kept") == [(42,)]


def test_acknowledged_rows_survive_a_kill(made_home: Path) -> None:
    _execute(made_home, "CREATE TABLE kept (n int)")
    for number in range(20):
        _execute(made_home, f"INSERT INTO kept VALUES ({number})")
    assert not embedded.has_crashed(made_home)
    _kill(made_home)
    assert not embedded.is_running(made_home)
    assert embedded.has_crashed(made_home)
    assert _execute(made_home, "SELECT count(*)::int FROM kept") == [(20,)]
    embedded.stop(made_home)
    assert not embedded.has_crashed(made_home)


def test_a_pid_file_that_names_another_process_is_not_believed(made_home: Path) -> None:
    _execute(made_home, "SELECT 1")
    _kill(made_home)
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
    try:
        path = find_layout(made_home).data / "postmaster.pid"
        lines = path.read_text(encoding="ascii").split("\n")
        path.write_text("\n".join([str(stranger.pid), *lines[1:]]), encoding="ascii")
        assert not embedded.is_running(made_home)
        assert _execute(made_home, "SELECT 1") == [(1,)]
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_an_interrupted_creation_is_made_anew(home: Path) -> None:
    found = find_layout(home)
    run_as_owner(found, ["/bin/mkdir", "-p", f"{found.data}/base"])
    run_as_owner(found, ["/usr/bin/touch", f"{found.data}/PG_VERSION"])
    assert _execute(home, "SELECT 1") == [(1,)]


def test_processes_that_start_it_together_share_one_server(home: Path) -> None:
    program = "from mains.base import embedded; print(embedded.ensure_running().url())"
    command = [sys.executable, "-c", program]
    environment = {**os.environ, "MAINS_HOME": str(home)}
    with ThreadPoolExecutor(4) as pool:
        runs = pool.map(
            lambda _: subprocess.run(command, env=environment, capture_output=True, text=True, check=False),
            range(4),
        )
        results = list(runs)
    assert [run.returncode for run in results] == [0] * 4, [run.stderr for run in results]
    assert len({run.stdout for run in results}) == 1


def test_two_homes_have_two_servers(home: Path) -> None:
    other = Path(tempfile.mkdtemp(prefix="mains-server-", dir="/tmp"))
    other.chmod(0o711)
    try:
        _execute(home, "CREATE TABLE here (n int)")
        assert _execute(other, "SELECT to_regclass('here') IS NULL") == [(True,)]
        assert _pid(home) != _pid(other)
    finally:
        embedded.stop(other)
        _forget(other)


def test_strangers_stay_outside(made_home: Path) -> None:
    address = embedded.ensure_running(made_home)
    found = find_layout(made_home)
    for folder in (found.sockets, found.data, found.data.parent):
        assert folder.stat().st_mode & 0o077 == 0
    rules = (found.data / "pg_hba.conf").read_text(encoding="utf-8").split("\n")
    assert {rule.split()[0] for rule in rules if rule} == {"local"}
    assert {rule.split()[3] for rule in rules if rule} == {"peer"}
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(address.url().replace("mains@", "postgres@"))


@as_root
def test_another_user_of_the_machine_is_refused(made_home: Path) -> None:
    address = embedded.ensure_running(made_home)
    sockets = find_layout(made_home).sockets
    stranger = pwd.getpwnam("daemon")
    program = f"""if True:
        import os, psycopg
        os.setgroups([]); os.setgid({stranger.pw_gid}); os.setuid({stranger.pw_uid})
        psycopg.connect({address.url()!r})"""
    command = [sys.executable, "-c", program]
    shut_out = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Permission denied" in shut_out.stderr
    # Even with the doors of the file system open the server itself refuses.
    sockets.chmod(0o755)
    (sockets / ".s.PGSQL.5432").chmod(0o777)
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "authentication failed" in refused.stderr


def test_the_application_is_no_superuser(made_home: Path) -> None:
    assert _execute(made_home, "SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user") == [
        (False, True)
    ]


def test_durability_is_on(made_home: Path) -> None:
    names = ("fsync", "synchronous_commit", "full_page_writes", "data_checksums")
    assert [_execute(made_home, f"SHOW {name}") for name in names] == [[("on",)]] * 4
    assert _execute(made_home, "SHOW listen_addresses") == [("",)]
    assert _execute(made_home, "SHOW timezone") == [("UTC",)]


@as_root
def test_a_home_that_the_service_user_cannot_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    shut = Path(tempfile.mkdtemp(prefix="mains-shut-", dir="/tmp"))
    assert shut.stat().st_mode & 0o077 == 0
    source = layout_module._installed_programs()
    package = source.parent
    programs = shut / package.name / source.name
    shutil.copytree(source, programs, symlinks=True)
    shutil.copytree(package.with_name(f"{package.name}.libs"), shut / f"{package.name}.libs")
    monkeypatch.setattr(layout_module, "_installed_programs", lambda: programs)
    home = shut / "home"
    try:
        assert _execute(home, "SELECT 1") == [(1,)]
        found = find_layout(home)
        assert shut not in found.data.parents
        assert shut not in found.programs.parents
        embedded.stop(home)
        shutil.rmtree(found.programs.parents[1])
    finally:
        embedded.stop(home)
        _forget(home)
        shutil.rmtree(shut)


def test_a_socket_folder_of_somebody_else_is_refused(home: Path) -> None:
    place = socket_folder(home)
    place.symlink_to("/tmp")
    try:
        with pytest.raises(UnableToPlaceServer) as caught:
            embedded.ensure_running(home)
        assert caught.value.place == str(place)
    finally:
        place.unlink()


def test_a_server_that_cannot_start_says_why(made_home: Path) -> None:
    _execute(made_home, "SELECT 1")
    embedded.stop(made_home)
    found = find_layout(made_home)
    run_as_owner(found, ["/bin/mv", f"{found.data}/global", f"{found.data}/gone"])
    with pytest.raises(embedded.UnableToRunServer) as caught:
        embedded.ensure_running(made_home)
    assert "global" in caught.value.message
    run_as_owner(found, ["/bin/mv", f"{found.data}/gone", f"{found.data}/global"])
    assert _execute(made_home, "SELECT 1") == [(1,)]


def test_the_socket_path_is_short() -> None:
    longest = Path("/" + "/".join(["folder"] * 40))
    assert len(str(socket_folder(longest) / ".s.PGSQL.5432")) < 60


@pytest.mark.parametrize(("memory", "buffers"), [(512, "64MB"), (4096, "512MB"), (65536, "2048MB")])
def test_memory_is_an_eighth_and_at_most_two_gibibytes(memory: int, buffers: str) -> None:
    assert server_settings(sockets=Path("/x"), memory=memory, has_lz4=False)["shared_buffers"] == buffers
