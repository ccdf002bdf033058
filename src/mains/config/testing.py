"""pytest plugin: the suite's own MAINS_HOME with its own embedded server. Not part of the wheel.

A plugin, because pytest-django reads the settings before the first conftest.py. The process that starts the
run makes the home and stops the server; the workers of pytest-xdist inherit it through the environment.
"""

import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psycopg
import pytest

from mains.base import embedded
from mains.base.address import DatabaseAddress
from mains.base.embedded.configuration import ADMINISTRATOR

_PREFIX = "mains-test-"
_is_owner = "MAINS_TEST_HOME" not in os.environ


def _make_home() -> Path:
    # Others pass through: the service user must reach the data when root runs the tests.
    home = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir="/tmp"))
    home.chmod(0o711)
    return home


if _is_owner:
    os.environ["MAINS_TEST_HOME"] = str(_make_home())
    os.environ.pop("DATABASE_URL", None)
    os.environ.pop("MAINS_DATABASE", None)
    os.environ["MAINS_RECALCULATE"] = "off"  # workers do what a test asks for, and nothing by themselves
    os.environ["MAINS_SECRET_KEY"] = "a key for tests only, the same in every process"
os.environ["MAINS_HOME"] = os.environ["MAINS_TEST_HOME"]


_SWITCH_TRUNCATION_GUARDS = """
DO $$
DECLARE guard record;
BEGIN
    FOR guard IN SELECT tgrelid::regclass AS guarded, tgname FROM pg_trigger
                 WHERE tgtype & 32 <> 0 AND NOT tgisinternal LOOP
        EXECUTE format('ALTER TABLE %s {switch} TRIGGER %I', guard.guarded, guard.tgname);
    END LOOP;
END $$
"""


def pytest_configure(config: pytest.Config) -> None:
    if _is_owner and not config.option.collectonly:
        _remove_abandoned_homes()
        _forget_durability(embedded.ensure_running())
    _let_flush_pass_the_guards()


def pytest_unconfigure() -> None:
    if _is_owner:
        _remove_home(Path(os.environ["MAINS_TEST_HOME"]))


def _forget_durability(address: DatabaseAddress) -> None:
    """Let the suite's own server never wait for the disk: it is thrown away with the run, and so is what a power
    failure would lose.

    Servers that tests kill have homes of their own, and all that production has.
    """
    url = replace(address, user=ADMINISTRATOR).url(database="postgres")
    with psycopg.connect(url, autocommit=True) as server:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            server.execute(f"ALTER SYSTEM SET {name} = off")
        server.execute("SELECT pg_reload_conf()")


def _let_flush_pass_the_guards() -> None:
    """Let Django empty the tables after a test that commits: append-only tables refuse TRUNCATE otherwise."""
    # Django's packages import each other in a circle unless it is set up first.
    from django.db.backends.postgresql.operations import DatabaseOperations

    plain = DatabaseOperations.sql_flush

    def guarded(self: DatabaseOperations, *args: Any, **options: Any) -> list[str]:
        statements = plain(self, *args, **options)
        if not statements:
            return statements
        off, on = (_SWITCH_TRUNCATION_GUARDS.format(switch=switch) for switch in ("DISABLE", "ENABLE"))
        return [off, *statements, on]

    patch.object(DatabaseOperations, "sql_flush", guarded).start()


def _remove_abandoned_homes() -> None:
    """Stop servers and remove folders of earlier runs that were killed."""
    for home in Path("/tmp").glob(f"{_PREFIX}*"):
        pid = home.name.removeprefix(_PREFIX).split("-", 1)[0]
        # Another run may be removing the same one.
        with suppress(FileNotFoundError):
            if home.stat().st_uid == os.getuid() and pid.isdigit() and not Path("/proc", pid).exists():
                _remove_home(home)


def _remove_home(home: Path) -> None:
    embedded.stop(home)
    note = home / "postgresql.location"
    if note.exists():
        shutil.rmtree(note.read_text(encoding="utf-8").strip(), ignore_errors=True)
    sockets = embedded.socket_folder(home)
    shutil.rmtree(home, ignore_errors=True)
    shutil.rmtree(sockets, ignore_errors=True)
