"""Create, start, stop and watch the embedded PostgreSQL server of one MAINS_HOME."""

import os
import subprocess
import time
from pathlib import Path

import psycopg
from psycopg import sql

from mains.base.address import DATABASE, ROLE, DatabaseAddress
from mains.base.embedded.configuration import ADMINISTRATOR, write_configuration
from mains.base.embedded.layout import Layout, find_layout, run_as_owner, start_stop_lock
from mains.base.places import home_folder
from mains.kernel.errors import MainsError

START_LIMIT_SECONDS = 120.0
ORPHAN_LIMIT_SECONDS = 30.0
_PROCESSES = Path("/proc")
_MARK = "MAINS_CREATED"


class UnableToRunServer(MainsError):
    """The embedded server could not be created, started or stopped."""


def ensure_running(home: Path | None = None, *, database: str = DATABASE) -> DatabaseAddress:
    """Start the server of `home` (default MAINS_HOME) unless it runs, create role and `database`, give the
    address.

    Safe to call from several processes at once. A server that was killed recovers here.
    """
    home = home or home_folder()
    with start_stop_lock(home):
        layout = find_layout(home)
        if not _server_pid(layout):
            _create_cluster(layout)
            _start(layout)
        address = _address(layout, database=database)
        _ensure_database(layout, database)
    return address


def ensure_database(name: str, *, home: Path | None = None) -> None:
    """Create database `name` in the running server unless it exists."""
    home = home or home_folder()
    with start_stop_lock(home):
        _ensure_database(find_layout(home), name)


def stop(home: Path | None = None) -> bool:
    """Stop the server of `home`, ending open sessions. False when it did not run."""
    home = home or home_folder()
    if not home.exists():
        return False
    with start_stop_lock(home):
        layout = find_layout(home)
        if not _server_pid(layout):
            return False
        command = [layout.program("pg_ctl"), "stop", "-D", str(layout.data), "-m", "fast", "-w", "-t", "120"]
        finished = run_as_owner(layout, command, timeout=150)
        if finished.returncode != 0:
            raise _unable("stop", layout, finished.stderr or finished.stdout)
        return True


def is_made(home: Path | None = None) -> bool:
    """Whether `home` has a server, running or not. Makes and starts nothing."""
    home = home or home_folder()
    if not any((home / name).exists() for name in ("postgresql", "postgresql.location")):
        return False
    return (find_layout(home).data / _MARK).exists()


def is_running(home: Path | None = None) -> bool:
    """Whether the server of `home` runs. Starts nothing."""
    home = home or home_folder()
    return home.exists() and _server_pid(find_layout(home)) is not None


def has_crashed(home: Path | None = None) -> bool:
    """Whether the server ended without being stopped: its pid file names a process that is gone."""
    home = home or home_folder()
    if not home.exists():
        return False
    layout = find_layout(home)
    return (layout.data / "postmaster.pid").exists() and _server_pid(layout) is None


def server_log(home: Path | None = None) -> Path:
    """Path of the server's log file."""
    return find_layout(home or home_folder()).log


def _create_cluster(layout: Layout) -> None:
    """Run initdb once.

    A folder left by an interrupted initdb is recognised by its missing mark and made anew.
    """
    mark = layout.data / _MARK
    if mark.exists():
        return
    if layout.data.exists():
        run_as_owner(layout, ["/bin/rm", "-rf", str(layout.data)])
    command = [
        layout.program("initdb"),
        f"--pgdata={layout.data}",
        f"--username={ADMINISTRATOR}",
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
        "--auth=peer",
        "--data-checksums",
        "--no-instructions",
    ]
    finished = run_as_owner(layout, command, timeout=START_LIMIT_SECONDS)
    if finished.returncode != 0:
        raise _unable("create", layout, finished.stderr)
    run_as_owner(layout, ["/usr/bin/touch", str(mark)])


def _start(layout: Layout) -> None:
    _wait_for_orphans(layout)
    _remove_misleading_lock(layout.data / "postmaster.pid")
    _remove_misleading_lock(layout.sockets / ".s.PGSQL.5432.lock")
    write_configuration(layout, has_lz4=_has_lz4(layout))
    command = [
        *(layout.program("pg_ctl"), "start", "-D", str(layout.data), "-l", str(layout.log)),
        *("-w", "-s", "-t", str(int(START_LIMIT_SECONDS))),
    ]
    log_size = layout.log.stat().st_size if layout.log.exists() else 0
    finished = run_as_owner(layout, command, timeout=START_LIMIT_SECONDS + 30)
    if finished.returncode != 0:
        raise _unable("start", layout, _log_since(layout, log_size) or finished.stderr)


def _has_lz4(layout: Layout) -> bool:
    built = subprocess.run(
        [layout.program("pg_config"), "--configure"], capture_output=True, text=True, check=False, cwd="/"
    )
    return "--with-lz4" in built.stdout


def _server_pid(layout: Layout) -> int | None:
    """Process id of this server, or None. The pid file alone proves nothing: ids are reused after a crash."""
    pid = _first_number(layout.data / "postmaster.pid")
    return pid if pid and _is_postgres_of(pid, layout.data) else None


def _first_number(path: Path) -> int | None:
    try:
        first = path.read_text(encoding="ascii", errors="replace").split("\n", 1)[0].strip()
    except OSError:
        return None
    return int(first) if first.isdigit() else None


def _is_postgres_of(pid: int, data: Path) -> bool:
    if not _PROCESSES.joinpath("self").exists():
        listed = subprocess.run(
            ["ps", "-o", "comm=", "-p", str(pid)], capture_output=True, text=True, check=False
        )
        return Path(listed.stdout.strip()).name.startswith("postgres")
    process = _PROCESSES / str(pid)
    try:
        name = process.joinpath("comm").read_text(encoding="utf-8", errors="replace").strip()
        # A zombie has a name and no folder.
        return name == "postgres" and process.joinpath("cwd").readlink() == data
    except OSError:
        return False


def _wait_for_orphans(layout: Layout) -> None:
    """After a kill of the server its last children need a moment to notice and to let go of the data."""
    deadline = time.monotonic() + ORPHAN_LIMIT_SECONDS
    while time.monotonic() < deadline:
        numbers = (int(entry.name) for entry in _PROCESSES.glob("[0-9]*"))
        if not any(_is_postgres_of(number, layout.data) for number in numbers):
            return
        time.sleep(0.1)


def _remove_misleading_lock(path: Path) -> None:
    """Remove a lock file whose process lives, or is a zombie nobody buries, but is no server of ours.

    PostgreSQL would refuse to start. No process holds the data any more when this is called. A lock file
    whose process is gone stays: PostgreSQL judges it together with its shared memory.
    """
    pid = _first_number(path)
    if pid is not None and (_PROCESSES / str(pid)).exists():
        path.unlink(missing_ok=True)


def _address(layout: Layout, *, database: str, role: str = ROLE) -> DatabaseAddress:
    return DatabaseAddress(
        host=str(layout.sockets), port=5432, database=database, user=role, is_embedded=True
    )


def _ensure_database(layout: Layout, name: str) -> None:
    address = _address(layout, database="postgres", role=ADMINISTRATOR)
    with psycopg.connect(address.url(), autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
            # No superuser: triggers that guard the ledger cannot be switched off by the application's role.
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(sql.Identifier(ROLE)))
            connection.execute(
                sql.SQL("GRANT pg_monitor, pg_checkpoint, pg_signal_backend TO {}").format(
                    sql.Identifier(ROLE)
                )
            )
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(ROLE))
            )


def _log_since(layout: Layout, size: int) -> str:
    if not layout.log.exists():
        return ""
    with layout.log.open("rb") as file:
        file.seek(min(size, os.fstat(file.fileno()).st_size))
        return file.read().decode("utf-8", errors="replace")


def _unable(what: str, layout: Layout, complaint: str) -> UnableToRunServer:
    lines = [line.strip() for line in complaint.splitlines() if line.strip()]
    reason = " ".join(lines[-6:])[-900:]
    return UnableToRunServer(
        code=f"server-{what}",
        message=f"The embedded database server could not {what}: {reason or 'it gave no reason.'}",
        place=str(layout.data),
        remedy=f"See {layout.log}, run `mains doctor`, or set DATABASE_URL to another server.",
        params={"reason": reason},
    )
