"""Masks of personal data: what a person may not see, queries for people hand out masked.

Statements that read for people wrap columns in the database functions `mains_name` and `mains_contact`, which look at a
setting of the session. It is told for the time of one request by the gate of pages; commands and jobs see everything.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import DatabaseError, connection

NAMES, CONTACTS = "names", "contacts"
_masked: ContextVar[frozenset[str]] = ContextVar("masked", default=frozenset())


@contextmanager
def masking(kinds: frozenset[str]) -> Iterator[None]:
    """While it lasts, this connection hands out names, contacts or both masked."""
    if not kinds:
        yield
        return
    token = _masked.set(kinds)
    _tell(" ".join(sorted(kinds)))
    try:
        yield
    finally:
        _masked.reset(token)
        if not connection.needs_rollback:
            try:
                _tell("")
            except DatabaseError:
                connection.close()  # with it ends its setting


def is_masked(kind: str) -> bool:
    """Whether the request in this thread may not see names or contacts."""
    return kind in _masked.get()


def _tell(kinds: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('mains.masks', %s, false)", [kinds])
