"""Which demo a database holds, and the others kept beside it.

The mark is the comment on the database, so that it stays with the data when a database is renamed. A demo
that was asked for before is kept as a database of its own name and comes back when it is asked for again.
One whose loading was interrupted is dropped and made anew.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date

import psycopg
from psycopg import sql

from mains.base import embedded
from mains.base.address import DatabaseAddress
from mains.base.business_day import DEMO_DAY
from mains.kernel.errors import MainsError

_MARK = "mains-demo"
_UNFINISHED = "mains-demo-unfinished"


class UnableToChooseDemo(MainsError):
    """The database holds data that is not a demo's, or may not be renamed."""


@dataclass(frozen=True, kw_only=True)
class DemoKey:
    """What makes a demo: the same key gives the same data."""

    pack: str
    accounts: int
    seed: int

    @property
    def shelf_name(self) -> str:
        return f"demo_{self.pack}_{self.accounts}_{self.seed}"


@contextmanager
def demo_turn(*, address: DatabaseAddress, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the right to build a demo in this database; `on_wait` is called when another process has it."""
    with psycopg.connect(address.url(database="postgres"), autocommit=True) as session:
        name = f"mains demo {address.database}"
        if session.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [name]).fetchone() != (True,):
            on_wait()
            session.execute("SELECT pg_advisory_lock(hashtext(%s))", [name])
        yield


def choose_demo(*, wanted: DemoKey, address: DatabaseAddress, reset: bool) -> bool:
    """Make the database of `address` the wanted demo's, as far as it exists; whether it is loaded already.

    Another demo in it is put on the shelf under its own name, and the wanted one taken from there. With
    `reset` the database, whatever is in it, is dropped and made empty. Raises UnableToChooseDemo when it
    holds other data.
    """
    try:
        with psycopg.connect(address.url(database="postgres"), autocommit=True) as server:
            if reset:
                _drop(server, address.database)
                _drop(server, wanted.shelf_name)
            return _choose(server, wanted=wanted, address=address)
    except psycopg.errors.InsufficientPrivilege as error:
        raise UnableToChooseDemo(
            code="demo-rights",
            message=f"The database role may not do this: {str(error).strip()}",
            place=f"database {address.database}",
            remedy="Name an empty database in DATABASE_URL or MAINS_DATABASE, or give the role CREATEDB.",
        ) from error


def mark_demo(*, loaded: DemoKey, address: DatabaseAddress, today: date | None = None) -> None:
    """Note on the database that it holds this demo, completely loaded, and the day on which the demo lives."""
    with psycopg.connect(address.url(), autocommit=True) as session:
        _put_mark(session, address.database, _MARK, loaded, today=today)


def _choose(server: psycopg.Connection, *, wanted: DemoKey, address: DatabaseAddress) -> bool:
    found = _mark_of(server, address.database, _MARK)
    if found == wanted:
        return True
    if found is not None:
        _rename(server, address.database, found.shelf_name)
    else:
        unfinished = _mark_of(server, address.database, _UNFINISHED)
        accounts = _count_accounts(address)
        # Accounts are loaded in one transaction: any other number of them is somebody's own work.
        if unfinished is not None and accounts == unfinished.accounts:
            _drop(server, address.database)
        elif accounts:
            raise _not_a_demo(address)
    if _mark_of(server, wanted.shelf_name, _MARK) == wanted:
        _drop(server, address.database)
        _rename(server, wanted.shelf_name, address.database)
        return True
    _create(server, address)
    _put_mark(server, address.database, _UNFINISHED, wanted)
    return False


def _mark_of(server: psycopg.Connection, name: str, mark: str) -> DemoKey | None:
    row = server.execute(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [name]
    ).fetchone()
    if not row or not row[0] or f'"{mark}"' not in row[0]:
        return None
    return DemoKey(**json.loads(row[0])[mark])


def _put_mark(
    session: psycopg.Connection, name: str, mark: str, key: DemoKey, *, today: date | None = None
) -> None:
    text = json.dumps({mark: asdict(key)} | ({DEMO_DAY: today.isoformat()} if today else {}))
    session.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), sql.Literal(text)))


def _exists(server: psycopg.Connection, name: str) -> bool:
    return server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is not None


def _count_accounts(address: DatabaseAddress) -> int:
    try:
        with psycopg.connect(address.url()) as session:
            found = session.execute("SELECT count(*) FROM customers_account").fetchone()
            return int(found[0]) if found else 0
    except (psycopg.errors.UndefinedTable, psycopg.OperationalError):
        return 0


def _drop(server: psycopg.Connection, name: str) -> None:
    server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _rename(server: psycopg.Connection, name: str, new_name: str) -> None:
    _drop(server, new_name)
    server.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = %s AND pid <> pg_backend_pid()",
        [name],
    )
    server.execute(
        sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(name), sql.Identifier(new_name))
    )


def _create(server: psycopg.Connection, address: DatabaseAddress) -> None:
    if address.is_embedded:
        embedded.ensure_database(address.database)
    elif not _exists(server, address.database):
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(address.database)))


def _not_a_demo(address: DatabaseAddress) -> UnableToChooseDemo:
    return UnableToChooseDemo(
        code="demo-not-empty",
        message="The database has accounts that are not of a completely loaded demo.",
        place=f"database {address.database}",
        remedy="Run `mains demo --reset` to drop all its data, or name another database in MAINS_DATABASE.",
    )
