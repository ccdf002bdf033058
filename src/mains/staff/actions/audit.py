"""The audit log: one entry for every writing request, each chained to the one before by hash."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import DatabaseError, connection

from mains.staff.queries.audit import Told, text_of_entry

APPEND = """
SELECT mains_append_audit(%(request_id)s, %(at)s, %(user_id)s, %(person)s, %(channel)s, %(operation)s, %(path)s,
    %(status)s, %(reason)s, %(address)s, %(told)s)
"""


@contextmanager
def noting_changes(request_id: UUID) -> Iterator[None]:
    """While it lasts, the triggers of watched tables note what this connection writes under the request.

    The setting is of the session and not of a transaction, since a request may use several; `append_entry` takes it
    back, or the end of the block where nothing was appended.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('mains.request', %s, false)", [str(request_id)])
    try:
        yield
    except BaseException:
        _forget()
        raise


def append_entry(told: Told) -> int:
    """Append the entry of a request to the chain, with the digest of what it changed; its number. Changes are noted no
    more."""
    values = told.fields()
    with connection.cursor() as cursor:
        cursor.execute(APPEND, values | {"told": text_of_entry(values)})
        return int(cursor.fetchall()[0][0])


def stop_noting() -> None:
    """Note no more changes, without an entry."""
    _forget()


def _forget() -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('mains.request', '', false)")
    except DatabaseError:
        connection.close()  # with it ends its setting
