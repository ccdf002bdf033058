"""Databases that tests copy: each is made once in a run of the suite, by the worker that wants it first.

Nobody is connected to a template once it is made: it is copied, by either worker, and the copy is written to. All of
them end with the suite's own server.
"""

import fcntl
import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from django.db import connections

from mains.base import embedded
from mains.base.address import database_address, socket_folder
from mains.base.kept_connections import close_kept_connections


def administer(*statements: str) -> None:
    """Do what is done from outside a database."""
    with psycopg.connect(database_address().url(database="postgres"), autocommit=True) as server:
        for statement in statements:
            server.execute(statement)


def connect_to(name: str) -> None:
    """Let this process use that database; what it had open to another one is closed, for that may be copied next."""
    close_kept_connections()
    connections["default"].close()
    connections["default"].settings_dict["NAME"] = name


@contextmanager
def connected(name: str) -> Iterator[str]:
    """Use that database meanwhile."""
    usual = connections["default"].settings_dict["NAME"]
    connect_to(name)
    try:
        yield name
    finally:
        connect_to(usual)


def copy_of(template: str) -> str:
    """The name of a new copy."""
    name = f"copy_{secrets.token_hex(6)}"
    # Files are copied by the system: through the write-ahead log it would be page by page.
    administer(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    return name


def drop(name: str) -> None:
    administer(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextmanager
def connected_copy(template: str) -> Iterator[str]:
    """Use a new copy meanwhile; commits are real, other processes see them. Its name."""
    name = copy_of(template)
    try:
        with connected(name):
            yield name
    finally:
        drop(name)


def migrated() -> str:
    """The template with all tables and nothing in them."""

    def migrate() -> None:
        _mains_migrate(os.environ | {"MAINS_DATABASE": str(connections["default"].settings_dict["NAME"])})

    return _made("migrated", migrate, template="template1")[0]


def filled(key: str, fill: Callable[[], object], *, template: str | None = None) -> tuple[str, object]:
    """The template `key` and what `fill` told of it, as JSON gives it back.

    `fill` writes into a copy of `template`, an empty utility unless named, that this process uses meanwhile.
    """
    return _made(f"template_{key}", fill, template=template or migrated())


def fill_home(home: Path) -> None:
    """Give a new MAINS_HOME, whose server has never run, a database with all tables and nothing in them."""
    master = Path(os.environ["MAINS_TEST_HOME"], "migrated_home")
    with _once("migrated_home") as note:
        if not note.exists():
            master.mkdir(mode=0o711, exist_ok=True)
            kept = {name: value for name, value in os.environ.items() if not name.startswith("MAINS_")}
            _mains_migrate(kept | {"MAINS_HOME": str(master)})
            embedded.stop(master)
            shutil.rmtree(socket_folder(master), ignore_errors=True)
            note.write_text("null", encoding="utf-8")
    assert not (home / "postgresql").exists(), "This home has a server already."
    # Its files are another user's where root runs the tests.
    subprocess.run(["cp", "-a", str(master / "postgresql"), str(home / "postgresql")], check=True)


def _mains_migrate(environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "mains", "migrate"]
    subprocess.run(command, env=environment, check=True, capture_output=True)


def _made(name: str, fill: Callable[[], object], *, template: str) -> tuple[str, object]:
    with _once(name) as note:
        if not note.exists():
            drop(name)  # what a worker began that was killed
            administer(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
            with connected(name):
                told = fill()
            note.write_text(json.dumps(told), encoding="utf-8")
    return name, json.loads(note.read_text(encoding="utf-8"))


@contextmanager
def _once(name: str) -> Iterator[Path]:
    """Keep the other workers waiting; the file that there is when the work is done."""
    note = Path(os.environ["MAINS_TEST_HOME"], f"{name}.json")
    with note.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield note
