"""What became known of a month and a service point between two instants, kind by kind of fact."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from mains.billing.queries.explain import cause_statements as asked
from mains.billing.queries.explain.cause_kinds import (
    AGREEMENT,
    AGREEMENT_WITHDRAWN,
    BALANCE,
    CARRIED,
    CONDITION,
    CORRECTED_READING,
    FORECAST_REPLACED,
    HOURLY_PRICES,
    INTERVALS,
    LATE_READING,
    METER,
    METER_ERROR,
    METER_ERROR_WITHDRAWN,
    NODE_FIGURE,
    NODE_PLACEMENT,
    NODE_STATE,
    OPENING_BALANCE,
    PREMISE,
    TARIFF,
    UNMETERED_USE,
    UNMETERED_USE_WITHDRAWN,
    WITHDRAWN_READING,
    Cause,
)
from mains.engine.tariff import first_difference, read_tariff

Row = Mapping[str, Any]
Reader = Callable[[str, Mapping[str, object]], Sequence[Row]]
"""Reads rows by a statement with named parameters, in whatever transaction the caller works."""


def of_readings(read: Reader, about: Mapping[str, object], *, since: datetime) -> Iterator[Cause]:
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


def of_intervals(read: Reader, about: Mapping[str, object], *, first: date) -> Iterator[Cause]:
    """Interval data of days from `first` to the month's end, one cause a meter."""
    for row in read(asked.INTERVALS, {**about, "first": first}):
        yield Cause(
            kind=INTERVALS,
            fact_id=row["id"],
            day=row["first_day"],
            recorded_at=row["recorded_at"],
            name=row["serial"],
        )


def of_meters(read: Reader, about: Mapping[str, object]) -> Iterator[Cause]:
    rows = read(asked.INSTALLATIONS, about)
    for row in _told_anew(rows, ("meter_id",)):
        yield _dated(METER, row)


def of_findings(read: Reader, about: Mapping[str, object]) -> Iterator[Cause]:
    """Errors and acts; an error of days before the month where a forecast follows what it corrects."""
    yield from became_known(read, asked.METER_ERRORS, about, METER_ERROR, METER_ERROR_WITHDRAWN)
    yield from became_known(read, asked.UNMETERED, about, UNMETERED_USE, UNMETERED_USE_WITHDRAWN)


def became_known(
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


def of_agreements(read: Reader, about: Mapping[str, object]) -> Iterator[Cause]:
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


def of_premise(read: Reader, about: Mapping[str, object]) -> Iterator[Cause]:
    rows = read(asked.PREMISE_STATES, about)
    for row in _told_anew(rows, _ATTRIBUTES):
        old = [other for other in rows if other["was_known"] and _overlap(other, row)]
        names = [name for name in _ATTRIBUTES if not old or any(other[name] != row[name] for other in old)]
        yield _dated(PREMISE, row, name=", ".join(names))


def of_conditions(read: Reader, about: Mapping[str, object]) -> Iterator[Cause]:
    for row in _told_anew(read(asked.CONDITIONS, about), ("name", "word", "value_micro")):
        yield _dated(CONDITION, row)


def of_network(read: Reader, about: Mapping[str, object]) -> Iterator[Cause]:
    for row in _told_anew(read(asked.NODE_STATES, about), ("node_id", "band", "supply_hours_day")):
        yield _dated(NODE_STATE, row)
    for row in _told_anew(read(asked.NODE_FIGURES, about), ("node_id", "figure", "value_micro")):
        yield _dated(NODE_FIGURE, row)
    for row in _told_anew(read(asked.PLACEMENTS, about), ("node_id", "parent_id")):
        yield _dated(NODE_PLACEMENT, row)


def of_balances(read: Reader, about: Mapping[str, object]) -> Iterator[Cause]:
    """Nodes of whose remainder the point is given another share now."""
    for row in read(asked.SHARES, about):
        yield Cause(kind=BALANCE, fact_id=row["node_id"], recorded_at=row["recorded_at"], name=row["name"])


def of_carried(read: Reader, about: Mapping[str, object]) -> Iterator[Cause]:
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


def of_tariff(read: Reader, about: Mapping[str, object], *, following: date) -> Iterator[Cause]:
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


def of_prices(read: Reader, about: Mapping[str, object]) -> Iterator[Cause]:
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


_ATTRIBUTES = (
    "residents", "rooms", "floor_area_m2", "heated_area_m2", "storey_height_m", "location", "cooker",
    "meter_possible",
)  # fmt: skip
