"""Rows of a query as frozen records, for pages and lists; bulk reads go through frames instead."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.db import connection

Record = TypeVar("Record")


def fetch_rows(kind: Callable[..., Record], statement: str, params: Mapping[str, Any]) -> list[Record]:
    """The rows of a query as `kind`: a record whose fields are the columns in order, or a function of them."""
    with connection.cursor() as cursor:
        cursor.execute(statement, dict(params))
        return [kind(*row) for row in cursor.fetchall()]


def fetch_row(kind: Callable[..., Record], statement: str, params: Mapping[str, Any]) -> Record | None:
    """The first row as `kind`, or None."""
    rows = fetch_rows(kind, statement, params)
    return rows[0] if rows else None
