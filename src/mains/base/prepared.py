"""Statements that a connection prepares: planned once for whatever values, and then only executed.

To plan a query over three years of monthly partitions takes the server five milliseconds, to execute it half of one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from weakref import WeakKeyDictionary

import polars as pl
from adbc_driver_manager import Error as DriverError
from adbc_driver_manager.dbapi import Connection, Cursor

from mains.base.literals import literal

_KEPT_MAX = 200
"""Statements of one connection; further ones are planned each time."""
_WITHOUT_COPY = {"adbc.postgresql.use_copy": "false"}
_INTEGERS = (("integer", 2**31), ("bigint", 2**63))
_Key = tuple[str, tuple[str, ...]]


@dataclass
class _Prepared:
    """Names of what the server process has prepared, by text and types; None for what it refused to."""

    names: dict[_Key, str | None] = field(default_factory=dict)


_of_connection: WeakKeyDictionary[Connection, _Prepared] = WeakKeyDictionary()


class _Places(dict[str, str]):
    """`%(name)s` becomes `$1`, `$2` …, the same one wherever the name stands."""

    def __missing__(self, name: str) -> str:
        self[name] = f"${len(self) + 1}"
        return self[name]


def prepare_on(connection: Connection) -> None:
    """Let the connection prepare what is read on it from now on; for one that reads the same few statements again and
    again, each of few rows. Commits."""
    with connection.cursor() as cursor:
        # The plan for any values: asked for the values' own, the server would plan anew each time.
        cursor.execute("SET plan_cache_mode = force_generic_plan")
    connection.commit()
    _of_connection[connection] = _Prepared()


def execute_prepared(
    cursor: Cursor, statement: str, params: Mapping[str, object] | None, *, connection: Connection
) -> bool:
    """Execute a query as a prepared statement, if its connection prepares; whether it did."""
    prepared = _of_connection.get(connection)
    if prepared is None:
        return False
    places = _Places()
    text = statement if params is None else statement % places
    values = [(params or {})[name] for name in places]
    types = [_type(value) for value in values]
    known = tuple(each for each in types if each is not None)
    if len(known) < len(types):
        return False
    key = (text, known)
    if key not in prepared.names:
        if len(prepared.names) >= _KEPT_MAX:
            return False
        prepared.names[key] = _prepare(cursor, key, f"kept_{len(prepared.names)}")
    name = prepared.names[key]
    if name is None:
        return False
    given = ", ".join(literal(value) for value in values)
    # Only a plain query can execute what is prepared; the copying of results begins with a query of its own.
    cursor.adbc_statement.set_options(**_WITHOUT_COPY)
    cursor.execute(f"EXECUTE {name}({given})" if given else f"EXECUTE {name}")
    return True


def _prepare(cursor: Cursor, key: _Key, name: str) -> str | None:
    """The name, if the server can tell the types of all values by where they stand."""
    text, types = key
    declared = f"({', '.join(types)})" if types else ""
    cursor.execute("SAVEPOINT preparing")
    try:
        cursor.execute(f"PREPARE {name}{declared} AS {text}")
    except DriverError:
        cursor.execute("ROLLBACK TO SAVEPOINT preparing")
        return None
    cursor.execute("RELEASE SAVEPOINT preparing")
    return name


def _type(value: object) -> str | None:
    """The type that a value's literal has, `unknown` where the server finds it out as it does for the literal; None for
    what is not prepared."""
    if value is None or isinstance(value, str):
        return "unknown"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return next((name for name, most in _INTEGERS if -most <= value < most), None)
    if isinstance(value, datetime):
        return "timestamptz"
    if isinstance(value, date):
        return "date"
    if isinstance(value, pl.Series):
        return "bigint[]" if value.dtype.is_integer() else "unknown"
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return "bigint[]" if value and all(type(item) is int for item in value) else "unknown"
    return None
