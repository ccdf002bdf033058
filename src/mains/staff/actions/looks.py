"""Who looked at whom: one cheap row for every page of an account that somebody opens."""

from datetime import date, datetime

from django.db import connection

NOTE = "SELECT mains_note_look(%(at)s, %(user_id)s, %(account_id)s, %(page)s, %(address)s, %(reason)s)"
_TEXT_MAX = 200


def note_look(
    *, user_id: int, account_id: int, page: str, address: str, at: datetime, reason: str = ""
) -> None:
    """Note that a person opened a page of an account, when, from where, and why if they were asked."""
    with connection.cursor() as cursor:
        cursor.execute(
            NOTE,
            {
                "at": at,
                "user_id": user_id,
                "account_id": account_id,
                "page": page[:60],
                "address": address or None,
                "reason": reason[:_TEXT_MAX],
            },
        )


def forget_looks(*, before: date) -> int:
    """Drop the months of looks that ended before the month of a day; how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhparent = 'staff_look'::regclass AND c.relname < %s
            """,
            [f"staff_look_y{before:%Y}m{before:%m}"],
        )
        old = [row[0] for row in cursor.fetchall()]
        for name in old:
            cursor.execute(f'DROP TABLE "{name}"')
    return len(old)
