"""Databases of benchmarks: one loaded utility per pack, size and seed, kept, and a copy of it for each measurement."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import connections

from mains.base.address import database_address
from mains.base.progress import ProgressReport
from mains.packs.definition import read_pack
from mains.packs.loading import load_pack


@contextmanager
def loaded_copy(*, pack: str, accounts: int, seed: int, progress: ProgressReport) -> Iterator[str]:
    """Connect Django to a fresh copy of the pack's utility of that size, loading the utility when there is none yet.

    The copy is dropped at the end. Yields its name.
    """
    usual = connections["default"].settings_dict["NAME"]
    original = f"bench_{pack}_{accounts}_{seed}"
    if not _exists(original):
        _load(original, pack=pack, accounts=accounts, seed=seed, progress=progress)
    copy = f"{original}_run"
    with progress.step("Copy the loaded database"):
        administer(f"DROP DATABASE IF EXISTS {copy} WITH (FORCE)")
        administer(f"CREATE DATABASE {copy} TEMPLATE {original} STRATEGY file_copy")
        administer("CHECKPOINT", may_fail=True)
    try:
        connect_to(copy)
        bring_up_to_date()
        yield copy
    finally:
        connect_to(usual)
        administer(f"DROP DATABASE {copy} WITH (FORCE)")


def _load(name: str, *, pack: str, accounts: int, seed: int, progress: ProgressReport) -> None:
    """Loaded under another name first: a database of the final name is always complete."""
    draft = f"{name}_draft"
    administer(f"DROP DATABASE IF EXISTS {draft} WITH (FORCE)")
    administer(f"CREATE DATABASE {draft}")
    connect_to(draft)
    bring_up_to_date()
    load_pack(pack=read_pack(pack), accounts=accounts, seed=seed, progress=progress)
    with progress.step("Vacuum, as the server does by itself after a load"):
        connections["default"].close()
        with psycopg.connect(database_address().url(database=draft), autocommit=True) as server:
            server.execute("VACUUM (ANALYZE)")
    connect_to("postgres")
    administer(f"ALTER DATABASE {draft} RENAME TO {name}")


def bring_up_to_date() -> None:
    """A utility that was loaded and kept may lack the tables of later work."""
    from mains.config.start import apply_migrations

    apply_migrations()


def connect_to(name: str) -> None:
    connections["default"].close()
    connections["default"].settings_dict["NAME"] = name


def _exists(name: str) -> bool:
    with psycopg.connect(database_address().url(database="postgres")) as server:
        found = server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
    return found is not None


def administer(statement: str, *, may_fail: bool = False) -> None:
    with psycopg.connect(database_address().url(database="postgres"), autocommit=True) as server:
        try:
            server.execute(statement)
        except psycopg.errors.InsufficientPrivilege:
            if not may_fail:
                raise
