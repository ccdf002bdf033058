"""Which facts a recalculation comes from: what became known between the account's last run and this one.

Nothing about causes is stored. Facts are never changed, so what became known between two instants is found again
whenever it is asked for, and cannot disagree with what was posted.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from django.db import connection

from mains.billing.models import Bill
from mains.billing.queries.explain import cause_statements as asked
from mains.billing.queries.explain.cause_finders import (
    Reader,
    Row,
    became_known,
    of_agreements,
    of_balances,
    of_carried,
    of_conditions,
    of_findings,
    of_intervals,
    of_meters,
    of_network,
    of_premise,
    of_prices,
    of_readings,
    of_tariff,
)
from mains.billing.queries.explain.cause_kinds import ABSENCE, ABSENCE_WITHDRAWN, LEFT_OUT, Cause
from mains.kernel.period import next_month


def bill_causes(bill: Bill) -> dict[tuple[date, int], tuple[Cause, ...]]:
    """The causes of a bill's corrections by month of use and service point; also of what it bills of its own month
    beyond a final settlement."""
    wanted = _rows(
        asked.CORRECTED,
        {"month": bill.month, "bill": bill.id, "account": bill.account_id, "as_of": bill.recorded_at},
    )
    pairs = [(row["service_month"], row["service_point_id"]) for row in wanted]
    if not pairs:
        return {}
    return find_causes(_rows, account_id=bill.account_id, pairs=pairs, as_of=bill.recorded_at)


def find_causes(
    read: Reader, *, account_id: int, pairs: Iterable[tuple[date, int]], as_of: datetime
) -> dict[tuple[date, int], tuple[Cause, ...]]:
    """The facts about each (month, service point) that became known since the account's last run before `as_of`."""
    since, was_left_out = _last_run(read, account_id=account_id, as_of=as_of)
    found = {}
    for month, point_id in pairs:
        about = {
            "point": point_id,
            "account": account_id,
            "month": month,
            "next": next_month(month),
            "known_since": since,
            "as_of": as_of,
        }
        causes = [
            *of_readings(read, about, since=since),
            *of_intervals(read, about, first=month),
            *of_meters(read, about),
            *of_findings(read, about),
            *of_agreements(read, about),
            *of_premise(read, about),
            *became_known(read, asked.ABSENCES, about, ABSENCE, ABSENCE_WITHDRAWN),
            *of_conditions(read, about),
            *of_network(read, about),
            *of_balances(read, about),
            *of_carried(read, about),
            *of_tariff(read, about, following=next_month(month)),
        ]
        causes += of_prices(read, about)
        if not causes:
            # Hours before the month set its ratchets, and stand for its missing ones.
            # So do demands that somebody stated of them.
            causes = [
                *of_intervals(read, about, first=date.min),
                *of_conditions(read, {**about, "month": date.min}),
            ]
        if was_left_out:
            causes.append(Cause(kind=LEFT_OUT))
        found[month, point_id] = tuple(causes)
    return found


def _last_run(read: Reader, *, account_id: int, as_of: datetime) -> tuple[datetime, bool]:
    """The instant up to which facts counted when the account was last dealt with, and whether it was left out since."""
    rows = read(
        asked.RUNS_BEFORE,
        {"account": account_id, "as_of": as_of},
    )
    was_left_out = False
    for row in rows:
        if not row["blocked"]:
            return row["facts_as_of"], was_left_out
        was_left_out = True
    return (rows[-1]["facts_as_of"] if rows else as_of), was_left_out


def _rows(statement: str, params: Mapping[str, Any]) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
