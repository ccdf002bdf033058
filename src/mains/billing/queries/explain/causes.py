"""Which facts a recalculation comes from: what became known between the account's last run and this one.

Nothing about causes is stored. Facts are never changed, so what became known between two instants is found again
whenever it is asked for, and cannot disagree with what was posted.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from mains.billing.models import Bill
from mains.billing.queries.explain import cause_statements as asked
from mains.engine.tariff import first_difference, read_tariff
from mains.kernel.period import next_month

Row = Mapping[str, Any]
Reader = Callable[[str, Mapping[str, object]], Sequence[Row]]
"""Reads rows by a statement with named parameters, in whatever transaction the caller works."""

LATE_READING, FORECAST_REPLACED = "late_reading", "forecast_replaced"
CORRECTED_READING, WITHDRAWN_READING = "corrected_reading", "withdrawn_reading"
METER, AGREEMENT, AGREEMENT_WITHDRAWN, PREMISE = "meter", "agreement", "agreement_withdrawn", "premise"
NODE_FIGURE = "node_figure"
NODE_STATE, NODE_PLACEMENT, TARIFF, LEFT_OUT = "node_state", "node_placement", "tariff", "left_out"
BALANCE = "balance"
OPENING_BALANCE, CARRIED = "opening_balance", "carried"
METER_ERROR, METER_ERROR_WITHDRAWN = "meter_error", "meter_error_withdrawn"
UNMETERED_USE, UNMETERED_USE_WITHDRAWN = "unmetered_use", "unmetered_use_withdrawn"
ABSENCE, ABSENCE_WITHDRAWN = "absence", "absence_withdrawn"
INTERVALS, HOURLY_PRICES = "intervals", "hourly_prices"
CONDITION = "condition"


@dataclass(frozen=True, kw_only=True)
class Cause:
    """A fact that became known: its kind, id and day (a reading's, or its first day), and when we learnt of it.

    `name` says what it is about: a meter's serial, a node, the name of a figure and its node, that of a condition of
    supply, a tariff, the proof of an act or absence, or the attributes of a premise that differ, apart by commas.
    `replaced_id` is the fact that it corrects. A month that was left out of its bill has no fact.
    """

    kind: str
    fact_id: int | None = None
    day: date | None = None
    recorded_at: datetime | None = None
    name: str = ""
    replaced_id: int | None = None

    def to_data(self) -> dict[str, object]:
        """JSON-ready; schema in docs/schemas/bill-explanation.schema.json."""
        data: dict[str, object] = {"kind": self.kind}
        if self.fact_id is not None:
            data["fact_id"] = self.fact_id
        if self.day is not None:
            data["day"] = self.day.isoformat()
        if self.recorded_at is not None:
            data["recorded_at"] = self.recorded_at.isoformat()
        if self.name:
            data["name"] = self.name
        if self.replaced_id is not None:
            data["replaced_id"] = self.replaced_id
        return data


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
            *_readings(read, about, since=since),
            *_intervals(read, about, first=month),
            *_meters(read, about),
            *_findings(read, about),
            *_agreements(read, about),
            *_premise(read, about),
            *_became_known(read, asked.ABSENCES, about, ABSENCE, ABSENCE_WITHDRAWN),
            *_conditions(read, about),
            *_network(read, about),
            *_balances(read, about),
            *_carried(read, about),
            *_tariff(read, about, following=next_month(month)),
        ]
        causes += _prices(read, about)
        if not causes:
            # Hours before the month set its ratchets, and stand for its missing ones.
            causes = [*_intervals(read, about, first=date.min)]
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


def _readings(read: Reader, about: Mapping[str, object], *, since: datetime) -> Iterator[Cause]:
    """Readings that the month's days come from now and did not before, or the reverse."""
    used = read(asked.USED_READINGS, about)
    before = {number for row in used if row["is_before"] for number in row["numbers"]}
    now = {number for row in used if not row["is_before"] for number in row["numbers"]}
    changed = {row["id"]: row for row in read(asked.CHANGED_READINGS, about)}
    speaking = [changed[number] for number in sorted(before ^ now) if number in changed]
    if not speaking and any(row["differs"] for row in used):
        # A forecast follows the readings before it, though it names the last one only.
        speaking = [row for row in changed.values() if row["reading_date"] < about["next"]]
    replaced = {
        (row["register_id"], row["reading_date"]): row["id"] for row in changed.values() if row["ended_at"]
    }
    added = {(row["register_id"], row["reading_date"]) for row in changed.values() if not row["ended_at"]}
    for row in speaking:
        place = (row["register_id"], row["reading_date"])
        if row["ended_at"]:
            if place not in added:
                yield _reading(WITHDRAWN_READING, row, row["ended_at"])
        elif place in replaced:
            yield _reading(CORRECTED_READING, row, row["recorded_at"], replaced_id=replaced[place])
        else:
            kind = FORECAST_REPLACED if row["reading_date"] >= since.date() else LATE_READING
            yield _reading(kind, row, row["recorded_at"])


def _reading(kind: str, row: Row, at: datetime, replaced_id: int | None = None) -> Cause:
    return Cause(
        kind=kind,
        fact_id=row["id"],
        day=row["reading_date"],
        recorded_at=at,
        name=row["serial"],
        replaced_id=replaced_id,
    )


def _intervals(read: Reader, about: Mapping[str, object], *, first: date) -> Iterator[Cause]:
    """Interval data of days from `first` to the month's end, one cause a meter."""
    for row in read(asked.INTERVALS, {**about, "first": first}):
        yield Cause(
            kind=INTERVALS,
            fact_id=row["id"],
            day=row["first_day"],
            recorded_at=row["recorded_at"],
            name=row["serial"],
        )


def _meters(read: Reader, about: Mapping[str, object]) -> Iterator[Cause]:
    rows = read(asked.INSTALLATIONS, about)
    for row in _told_anew(rows, ("meter_id",)):
        yield _dated(METER, row)


def _findings(read: Reader, about: Mapping[str, object]) -> Iterator[Cause]:
    """Errors and acts; an error of days before the month where a forecast follows what it corrects."""
    yield from _became_known(read, asked.METER_ERRORS, about, METER_ERROR, METER_ERROR_WITHDRAWN)
    yield from _became_known(read, asked.UNMETERED, about, UNMETERED_USE, UNMETERED_USE_WITHDRAWN)


def _became_known(
    read: Reader, statement: str, about: Mapping[str, object], recorded: str, withdrawn: str
) -> Iterator[Cause]:
    for row in read(statement, about):
        if row["is_known"] and not row["was_known"]:
            yield _dated(recorded, row)
        elif row["was_known"] and not row["is_known"]:
            yield Cause(
                kind=withdrawn,
                fact_id=row["id"],
                day=row["valid_from"],
                recorded_at=row["ended_at"],
                name=row["name"],
            )


def _agreements(read: Reader, about: Mapping[str, object]) -> Iterator[Cause]:
    rows = read(asked.AGREEMENTS, about)
    values = ("account_id", "tariff_id", "provider_id", "category", "load_class")
    told = list(_told_anew(rows, values))
    for row in told:
        yield _dated(AGREEMENT, row)
    if not told and _days_of(rows, values, before=True) != _days_of(rows, values, before=False):
        for row in rows:
            if row["ended_at"]:
                yield Cause(
                    kind=AGREEMENT_WITHDRAWN,
                    fact_id=row["id"],
                    day=row["valid_from"],
                    recorded_at=row["ended_at"],
                )


def _premise(read: Reader, about: Mapping[str, object]) -> Iterator[Cause]:
    rows = read(asked.PREMISE_STATES, about)
    for row in _told_anew(rows, _ATTRIBUTES):
        old = [other for other in rows if other["was_known"] and _overlap(other, row)]
        names = [name for name in _ATTRIBUTES if not old or any(other[name] != row[name] for other in old)]
        yield _dated(PREMISE, row, name=", ".join(names))


def _conditions(read: Reader, about: Mapping[str, object]) -> Iterator[Cause]:
    for row in _told_anew(read(asked.CONDITIONS, about), ("name", "word", "value_micro")):
        yield _dated(CONDITION, row)


def _network(read: Reader, about: Mapping[str, object]) -> Iterator[Cause]:
    for row in _told_anew(read(asked.NODE_STATES, about), ("node_id", "band", "supply_hours_day")):
        yield _dated(NODE_STATE, row)
    for row in _told_anew(read(asked.NODE_FIGURES, about), ("node_id", "figure", "value_micro")):
        yield _dated(NODE_FIGURE, row)
    for row in _told_anew(read(asked.PLACEMENTS, about), ("node_id", "parent_id")):
        yield _dated(NODE_PLACEMENT, row)


def _balances(read: Reader, about: Mapping[str, object]) -> Iterator[Cause]:
    """Nodes of whose remainder the point is given another share now."""
    for row in read(asked.SHARES, about):
        yield Cause(kind=BALANCE, fact_id=row["node_id"], recorded_at=row["recorded_at"], name=row["name"])


def _carried(read: Reader, about: Mapping[str, object]) -> Iterator[Cause]:
    """Opening balances recorded or withdrawn, and what bills before leave now that they did not leave before."""
    told = {row["balance"]: row for row in read(asked.CHANGED_OPENINGS, about)}
    for row in told.values():
        yield Cause(
            kind=OPENING_BALANCE,
            fact_id=row["id"],
            day=row["month"],
            recorded_at=row["ended_at"] or row["recorded_at"],
            name=row["balance"],
        )
    for row in read(asked.CARRIED, about):
        if row["balance"] not in told:
            yield Cause(kind=CARRIED, day=row["month"], recorded_at=row["recorded_at"], name=row["balance"])


def _tariff(read: Reader, about: Mapping[str, object], *, following: date) -> Iterator[Cause]:
    for row in read(asked.EDITIONS, about):
        before = read_tariff(row["replaced"]) if row["replaced"] else None
        changed_from = first_difference(before, read_tariff(row["document"]))
        if changed_from is not None and changed_from < following:
            yield Cause(
                kind=TARIFF,
                fact_id=row["id"],
                day=None if changed_from == date.min else changed_from,
                recorded_at=row["recorded_at"],
                name=row["name"],
            )


def _prices(read: Reader, about: Mapping[str, object]) -> Iterator[Cause]:
    """Prices by the hour that became known of days of the month, of series that the tariffs read."""
    changed = read(asked.CHANGED_PRICES, about)
    if changed:
        read_by = {
            name for row in read(asked.DOCUMENTS, about) for name in read_tariff(row["document"]).price_series
        }
        for row in changed:
            if row["series"] in read_by:
                yield Cause(
                    kind=HOURLY_PRICES,
                    fact_id=row["id"],
                    day=row["first_day"],
                    recorded_at=row["recorded_at"],
                    name=row["series"],
                )


def _told_anew(rows: Sequence[Row], values: Sequence[str]) -> Iterator[Row]:
    """Rows believed now and recorded since, of days of which they say something else than was believed."""
    for row in rows:
        if row["is_known"] and not row["was_known"]:
            same = [
                old for old in rows if old["was_known"] and all(old[name] == row[name] for name in values)
            ]
            if not any(_covers(old, row) for old in same):
                yield row


def _days_of(rows: Sequence[Row], values: Sequence[str], *, before: bool) -> set[tuple[object, ...]]:
    flag = "was_known" if before else "is_known"
    return {(row["from_day"], row["to_day"], *(row[name] for name in values)) for row in rows if row[flag]}


def _covers(old: Row, new: Row) -> bool:
    return bool(old["from_day"] <= new["from_day"] and new["to_day"] <= old["to_day"])


def _overlap(one: Row, other: Row) -> bool:
    return bool(one["from_day"] < other["to_day"] and other["from_day"] < one["to_day"])


def _dated(kind: str, row: Row, *, name: str | None = None) -> Cause:
    return Cause(
        kind=kind,
        fact_id=row["id"],
        day=row["valid_from"],
        recorded_at=row["recorded_at"],
        name=row["name"] if name is None else name,
    )


def _rows(statement: str, params: Mapping[str, Any]) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


_ATTRIBUTES = (
    "residents", "rooms", "floor_area_m2", "heated_area_m2", "storey_height_m", "location", "cooker",
    "meter_possible",
)  # fmt: skip
