"""What inspectors of the demo find: a few meters that count wrongly, a few who go past them, a few who are away."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from mains.base.db import adbc_connect, read_frame
from mains.metering.actions.findings import record_meter_error, record_unmetered_use
from mains.metering.values import UnmeteredReason
from mains.network.actions.absences import record_absence
from mains.network.values import AbsenceReason
from mains.packs.definition import Pack, add_months

_PERCENT_HUNDREDTHS = (-325, 500, 1_250, -1_000)
_KWH = (90, 240, 45, 410)
Row = dict[str, Any]


def record_findings(*, pack: Pack) -> None:
    """Record the pack's number of errors, acts and absences of the last month but one, as known when that was billed.

    What an earlier start recorded is left alone.
    """
    if not pack.findings or len(pack.billing.months) < 2:
        return
    month = pack.billing.months[-2]
    following = add_months(month, 1)
    rows = _candidates(month, following, count=pack.findings)
    now = datetime.combine(pack.billing.cut_off(month), time(12), tzinfo=UTC)
    for number, row in _numbered(rows, "error"):
        record_meter_error(
            register_id=row["register_id"],
            percent_hundredths=_PERCENT_HUNDREDTHS[number % len(_PERCENT_HUNDREDTHS)],
            valid_from=month + timedelta(days=number),
            valid_to=following,
            proof=_act(number + 1, following),
            actor=None,
            now=now,
        )
    for number, row in _numbered(rows, "act"):
        reasons = list(UnmeteredReason)
        record_unmetered_use(
            service_point_id=row["service_point_id"],
            amount_micro=_KWH[number % len(_KWH)] * 1_000_000,
            reason=reasons[number % len(reasons)],
            valid_from=month + timedelta(days=2 * number),
            valid_to=month + timedelta(days=20 + number),
            proof=_act(number + 11, following),
            actor=None,
            now=now,
        )
    for number, row in _numbered(rows, "absence"):
        absences = list(AbsenceReason)
        record_absence(
            premise_id=row["premise_id"],
            residents=1,
            reason=absences[number % len(absences)],
            left_on=month + timedelta(days=number),
            returned_on=month + timedelta(days=14 + 3 * number),
            proof=_act(number + 21, following),
            actor=None,
            now=now,
        )


def _act(number: int, day: date) -> str:
    return f"{number}/{day:%Y}, {day:%d.%m.%Y}"


def _numbered(rows: list[Row], kind: str) -> Iterator[tuple[int, Row]]:
    return enumerate(row for row in rows if row["kind"] == kind)


def _candidates(month: date, following: date, *, count: int) -> list[Row]:
    """Service points for each kind, the first ones that fit; none where anything is found already."""
    with adbc_connect() as connection:
        return read_frame(
            """
            WITH metered AS (
                SELECT DISTINCT ON (sp.id) sp.id, sp.premise_id, r.id AS register_id
                FROM network_servicepoint sp
                JOIN metering_installation i ON i.service_point_id = sp.id AND i.superseded_at IS NULL
                     AND i.valid @> daterange(%(month)s, %(next)s)
                JOIN metering_register r ON r.meter_id = i.meter_id AND r.zone = 0
                WHERE NOT sp.measures_node AND sp.connected_on < %(month)s AND sp.disconnected_on IS NULL
                  AND EXISTS (SELECT FROM customers_agreement a WHERE a.service_point_id = sp.id
                              AND a.superseded_at IS NULL AND a.valid @> daterange(%(month)s, %(next)s))
                ORDER BY sp.id LIMIT %(both)s
            ), numbered AS (
                SELECT *, row_number() OVER (ORDER BY id) AS place FROM metered
            ), away AS (
                SELECT sp.id, sp.premise_id
                FROM network_servicepoint sp
                JOIN network_premisestate s ON s.premise_id = sp.premise_id AND s.superseded_at IS NULL
                     AND s.valid @> daterange(%(month)s, %(next)s) AND s.residents > 1 AND NOT s.meter_possible
                WHERE sp.connected_on < %(month)s AND sp.disconnected_on IS NULL
                  AND NOT EXISTS (SELECT FROM metering_installation i WHERE i.service_point_id = sp.id)
                  AND EXISTS (SELECT FROM customers_agreement a WHERE a.service_point_id = sp.id
                              AND a.superseded_at IS NULL AND a.valid @> daterange(%(month)s, %(next)s))
                ORDER BY sp.id LIMIT %(count)s
            )
            SELECT kind, service_point_id, premise_id, register_id FROM (
                SELECT 'error' AS kind, id AS service_point_id, premise_id, register_id
                FROM numbered WHERE place <= %(count)s
                UNION ALL SELECT 'act', id, premise_id, register_id FROM numbered WHERE place > %(count)s
                UNION ALL SELECT 'absence', id, premise_id, NULL FROM away
            ) AS found
            WHERE NOT EXISTS (SELECT FROM metering_metererror) AND NOT EXISTS (SELECT FROM metering_unmetereduse)
              AND NOT EXISTS (SELECT FROM network_absence)
            ORDER BY kind, service_point_id
            """,
            {"month": month, "next": following, "count": count, "both": 2 * count},
            connection=connection,
        ).to_dicts()
