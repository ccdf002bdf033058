"""Where drills happen: a server of their own under a temporary home, with a utility that they may wreck."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from signal import SIGKILL

import psycopg

from mains.base import embedded
from mains.base.address import database_address

ORIGINAL = "drill"
"""The database that each drill copies."""
_PREFIX = "mains-drill-"
_OURS = ("MAINS_HOME", "MAINS_DATABASE", "DATABASE_URL", "MAINS_RECALCULATE")


@contextmanager
def drill_home() -> Iterator[Path]:
    """A new home with a running server for this process and its children; stopped and removed at the end.

    Whatever database the environment names is not touched.
    """
    # Others pass through: the service user must reach the data when root runs drills.
    home = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir="/tmp"))
    home.chmod(0o711)
    usual = {name: os.environ.pop(name, None) for name in _OURS}
    os.environ["MAINS_HOME"], os.environ["MAINS_DATABASE"] = str(home), ORIGINAL
    os.environ["MAINS_RECALCULATE"] = "off"
    try:
        embedded.ensure_running(home, database=ORIGINAL)
        yield home
    finally:
        for name, value in usual.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        embedded.stop(home)
        note = home / "postgresql.location"
        if note.exists():
            shutil.rmtree(note.read_text(encoding="utf-8").strip(), ignore_errors=True)
        shutil.rmtree(embedded.socket_folder(home), ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def copied_database(name: str, *, original: str = "") -> Iterator[str]:
    """Connect Django, and the processes begun meanwhile, to a copy of a database; dropped at the end."""
    from django.db import connections

    from mains.base.kept_connections import close_kept_connections

    settings = connections["default"].settings_dict
    usual = original or settings["NAME"]
    before = os.environ.get("MAINS_DATABASE"), settings["NAME"]
    close_kept_connections()
    connections["default"].close()
    _administer(f'CREATE DATABASE "{name}" TEMPLATE "{usual}" STRATEGY file_copy')
    os.environ["MAINS_DATABASE"] = settings["NAME"] = name
    try:
        yield name
    finally:
        close_kept_connections()
        connections["default"].close()
        settings["NAME"] = before[1]
        os.environ.pop("MAINS_DATABASE")
        if before[0] is not None:
            os.environ["MAINS_DATABASE"] = before[0]
        with suppress(psycopg.Error):
            _administer(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def kill_server(home: Path) -> int:
    """SIGKILL the server of a home and all its processes at once; how many there were."""
    killed = 0
    for pid_file in home.rglob("postmaster.pid"):
        with suppress(FileNotFoundError, IndexError, ValueError):
            server = int(pid_file.read_text(encoding="ascii").splitlines()[0])
            for pid in (server, *_children(server)):
                with suppress(ProcessLookupError):
                    os.kill(pid, SIGKILL)
                    killed += 1
    return killed


def _children(parent: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, IndexError, ValueError):
            # The name may hold blanks and brackets: the parent is the second word behind the last of them.
            if int(status.read_text(encoding="utf-8").rpartition(")")[2].split()[1]) == parent:
                found.append(int(status.parent.name))
    return found


def _administer(statement: str) -> None:
    with psycopg.connect(database_address().url(database="postgres"), autocommit=True) as server:
        server.execute(statement)
