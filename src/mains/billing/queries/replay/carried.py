"""Balances from bill to bill, for many accounts at once: what items open with, and what was kept of them.

The rules are those of `explain/carried.py`; a test holds the two against one another.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from mains.billing.queries.explain.evidence import tariff_of_document
from mains.billing.queries.replay.histories import Histories
from mains.billing.queries.replay.rows import Agreement, KeptBalance, believed
from mains.engine.tariff.model import Tariff

Left = Mapping[tuple[int, str], int]
"""Millionths by agreement and balance."""


def kept_in(histories: Histories, account_id: int, month: date, as_of: datetime) -> Left:
    """What was kept of the account's items of the month, as known at an instant."""
    rows = _last(histories.kept.get(account_id, ()), (month,), as_of)
    return {(row.agreement_id, row.balance): row.value_micro for row in rows if row.value_micro is not None}


def count_known(histories: Histories, account_id: int, month: date, as_of: datetime) -> int:
    """How many rows about what the month opens with were ever written up to an instant: another number, another
    opening."""
    months = (month, _before(month))
    kept = histories.kept.get(account_id, ())
    return sum(1 for row in kept if row.month in months and row.recorded_at <= as_of)


def opening_of(
    histories: Histories, *, chain: Sequence[Agreement], tariff: Tariff, month: date, as_of: datetime
) -> dict[str, int]:
    """What an item opens with, in millionths, of each balance that a formula reads; left out where nobody knows."""
    found = {}
    for name, unit in tariff.balances.items():
        if name in tariff.read_attributes:
            value = _opening(histories, chain[0], (name, str(unit)), month, as_of)
            if value is not None:
                found[name] = value
    return found


def _opening(
    histories: Histories, first: Agreement, balance: tuple[str, str], month: date, as_of: datetime
) -> int | None:
    account_id, subject = first.account_id, (first.service_point_id, *balance)
    first_day = max(first.valid_from, month)
    earlier = [
        row
        for row in believed(histories.agreements.get(account_id, ()), as_of)
        if row.service_point_id == first.service_point_id
        and row.valid_from < first_day
        and _declares(histories, row, balance, as_of)
    ]
    if first_day == month or all(row.valid_to is not None and row.valid_to <= month for row in earlier):
        for told in believed(histories.openings.get(account_id, ()), as_of):
            if told.month == month and (told.service_point_id, told.balance, told.unit) == subject:
                return told.value_micro
    for kept in _last(histories.kept.get(account_id, ()), (month, _before(month)), as_of):
        left = (kept.service_point_id, kept.balance, kept.unit)
        if kept.to_date == first_day and left == subject and kept.value_micro is not None:
            return kept.value_micro
    return None if any(row.valid_to is None or row.valid_to >= first_day for row in earlier) else 0


def _declares(histories: Histories, row: Agreement, balance: tuple[str, str], as_of: datetime) -> bool:
    name, unit = balance
    for edition in believed(histories.editions.get(row.tariff_id, ()), as_of):
        declared = tariff_of_document(edition.document).balances
        return name in declared and str(declared[name]) == unit
    return False


def _last(rows: Sequence[KeptBalance], months: Sequence[date], as_of: datetime) -> list[KeptBalance]:
    """The last revision of each, known at an instant; rows are in the order of revisions."""
    found = {
        (row.month, row.agreement_id, row.balance): row
        for row in rows
        if row.month in months and row.recorded_at <= as_of
    }
    return list(found.values())


def _before(month: date) -> date:
    return (month - timedelta(days=1)).replace(day=1)
