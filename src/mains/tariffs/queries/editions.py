"""Tariff editions as believed at an instant."""

from dataclasses import dataclass
from datetime import date, datetime

from adbc_driver_manager.dbapi import Connection

from mains.base.db import read_frame
from mains.tariffs.queries.hourly_prices import list_changed_prices


@dataclass(frozen=True, kw_only=True)
class Edition:
    """A published tariff document. `replaced`: the document that was in force at the earlier instant asked about, None
    where it is the same or there was none; `is_changed` tells these two apart. `changed_prices`: series of prices by
    the hour of which others became known since, with the first day of these."""

    tariff_id: int
    code: str
    service: str
    edition_id: int
    document: str
    is_changed: bool
    replaced: str | None = None
    changed_prices: tuple[tuple[str, date], ...] = ()


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
    prices = list_changed_prices(connection=connection, known_since=known_since, as_of=as_of)
    return tuple(Edition(**row, changed_prices=prices) for row in rows.iter_rows(named=True))
