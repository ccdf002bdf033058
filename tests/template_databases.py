"""Databases that tests copy: each is made once in a run of the suite, by the worker that wants it first.

Nobody is connected to a template once it is made: it is copied, by either worker, and the copy is written to. All of
them end with the suite's own server.
"""

import fcntl
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from django.db import connections

from mains.base.address import database_address
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
        subprocess.run(
            [sys.executable, "-m", "mains", "migrate"],
            env=os.environ | {"MAINS_DATABASE": str(connections["default"].settings_dict["NAME"])},
            check=True,
            capture_output=True,
        )

    return _made("migrated", migrate, template="template1")[0]


def filled(key: str, fill: Callable[[], object], *, template: str | None = None) -> tuple[str, object]:
    """The template `key` and what `fill` told of it, as JSON gives it back.

    `fill` writes into a copy of `template`, an empty utility unless named, that this process uses meanwhile.
    """
    return _made(f"template_{key}", fill, template=template or migrated())


def _made(name: str, fill: Callable[[], object], *, template: str) -> tuple[str, object]:
    note = Path(os.environ["MAINS_TEST_HOME"], f"{name}.json")
    with note.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not note.exists():
            drop(name)  # what a worker began that was killed
            administer(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
            with connected(name):
                told = fill()
            note.write_text(json.dumps(told), encoding="utf-8")
    return name, json.loads(note.read_text(encoding="utf-8"))
