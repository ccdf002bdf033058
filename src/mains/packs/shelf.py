"""Which demo a database holds, and the others kept beside it.

The mark is the comment on the database, so that it stays with the data when a database is renamed. A demo
that was asked for before is kept as a database of its own name and comes back when it is asked for again.
"""

import json
from dataclasses import asdict, dataclass

import psycopg
from psycopg import sql

from mains.base import embedded
from mains.base.address import DatabaseAddress
from mains.kernel.errors import MainsError

_MARK = "mains-demo"


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
            found = _mark_of(server, address.database)
            if found == wanted:
                return True
            if found is not None:
                _rename(server, address.database, found.shelf_name)
            elif _has_accounts(address):
                raise _not_a_demo(address)
            if _mark_of(server, wanted.shelf_name) == wanted:
                _drop(server, address.database)
                _rename(server, wanted.shelf_name, address.database)
                return True
            _create(server, address)
            return False
    except psycopg.errors.InsufficientPrivilege as error:
        raise UnableToChooseDemo(
            code="demo-rights",
            message=f"The database role may not do this: {str(error).strip()}",
            place=f"database {address.database}",
            remedy="Name an empty database in DATABASE_URL or MAINS_DATABASE, or give the role CREATEDB.",
        ) from error


def mark_demo(*, loaded: DemoKey, address: DatabaseAddress) -> None:
    """Note on the database that it holds this demo, completely loaded."""
    with psycopg.connect(address.url(), autocommit=True) as session:
        text = json.dumps({_MARK: asdict(loaded)})
        session.execute(
            sql.SQL("COMMENT ON DATABASE {} IS {}").format(
                sql.Identifier(address.database), sql.Literal(text)
            )
        )


def _mark_of(server: psycopg.Connection, name: str) -> DemoKey | None:
    row = server.execute(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [name]
    ).fetchone()
    if not row or not row[0] or _MARK not in row[0]:
        return None
    return DemoKey(**json.loads(row[0])[_MARK])


def _exists(server: psycopg.Connection, name: str) -> bool:
    return server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is not None


def _has_accounts(address: DatabaseAddress) -> bool:
    try:
        with psycopg.connect(address.url()) as session:
            return session.execute("SELECT EXISTS (SELECT FROM customers_account)").fetchone() == (True,)
    except (psycopg.errors.UndefinedTable, psycopg.OperationalError):
        return False


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
