"""Statements of a request that the server plans once a connection and then only executes.

Django puts values into the text of a statement, so that the server plans it each time; over years of monthly partitions
that takes longer than executing it. For the few statements that run a hundred times a second. Values need their types
in the statement (`%(day)s::date`), because the server does not see them.
"""

from collections.abc import Mapping
from typing import Any, cast

import psycopg
from django.db import connection


def fetch_prepared(statement: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The rows of a statement, [] for one without, within Django's transaction; errors are Django's."""
    connection.ensure_connection()
    with connection.wrap_database_errors:
        raw = cast("psycopg.Connection[Any]", connection.connection)
        with psycopg.Cursor(raw) as cursor:
            cursor.execute(statement.encode(), params, prepare=True)
            return cursor.fetchall() if cursor.description else []
