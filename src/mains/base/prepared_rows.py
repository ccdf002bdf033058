"""Statements of a request that the server plans once a connection and then only executes.

Django puts values into the text of a statement, so that the server plans it each time; over years of monthly partitions
that takes longer than executing it. For the few statements that run a hundred times a second. Values need their types
in the statement (`%(day)s::date`), because the server does not see them.
"""

from collections.abc import Mapping
from typing import Any, cast

import psycopg
from django.db import connection
from psycopg.types.numeric import Int8

# Django switches preparing off by this number being None; with it nothing is prepared but what asks for it.
_UNASKED_NEVER = 2**31


def fetch_prepared(statement: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The rows of a statement, [] for one without, within Django's transaction; errors are Django's."""
    connection.ensure_connection()
    with connection.wrap_database_errors:
        raw = cast("psycopg.Connection[Any]", connection.connection)
        if raw.prepare_threshold is None:
            raw.prepare_threshold = _UNASKED_NEVER
        with psycopg.Cursor(raw) as cursor:
            cursor.execute(
                statement.encode(),
                {name: _of_one_type(value) for name, value in params.items()},
                prepare=True,
            )
            return cursor.fetchall() if cursor.description else []


def _of_one_type(value: Any) -> Any:
    """Integers as bigint whatever their size: the driver prepares a statement once for each set of types it meets."""
    if type(value) is int:
        return Int8(value)
    if type(value) is list:
        return [_of_one_type(one) for one in value]
    return value
