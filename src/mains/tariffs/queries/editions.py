"""Tariff editions as believed at an instant."""

from dataclasses import dataclass
from datetime import datetime

from adbc_driver_manager.dbapi import Connection

from mains.base.db import read_frame


@dataclass(frozen=True, kw_only=True)
class Edition:
    """A published tariff document. `replaced`: the document that was in force at the earlier instant asked about, None
    where it is the same or there was none; `is_changed` tells these two apart."""

    tariff_id: int
    code: str
    service: str
    edition_id: int
    document: str
    is_changed: bool
    replaced: str | None = None


def list_editions(*, connection: Connection, as_of: datetime, known_since: datetime) -> tuple[Edition, ...]:
    """The edition of every tariff that was believed at `as_of`, ordered by tariff code; with the one before it where
    another was believed at `known_since`."""
    rows = read_frame(
        """
        SELECT t.id AS tariff_id, t.code, t.service, e.id AS edition_id, e.document,
               e.id IS DISTINCT FROM b.id AS is_changed,
               CASE WHEN e.id <> b.id THEN b.document END AS replaced
        FROM tariffs_tariff t JOIN tariffs_tariffedition e ON e.tariff_id = t.id
        LEFT JOIN tariffs_tariffedition b ON b.tariff_id = t.id AND b.recorded_at <= %(known_since)s
             AND (b.superseded_at IS NULL OR b.superseded_at > %(known_since)s)
        WHERE e.recorded_at <= %(as_of)s AND (e.superseded_at IS NULL OR e.superseded_at > %(as_of)s)
        ORDER BY t.code
        """,
        {"as_of": as_of, "known_since": known_since},
        connection=connection,
    )
    return tuple(Edition(**row) for row in rows.iter_rows(named=True))
