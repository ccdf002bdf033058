"""What an item opened with, and where that is kept; what it leaves is proved against what was kept (decision 0021).

The exact side's own way to these rows: nothing here is shared with the frames of bill runs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from mains.base.formats import month_text
from mains.engine.facts import MICRO, DatedValue
from mains.engine.tariff.model import Tariff

Row = dict[str, Any]
_KNOWN = "{0}.recorded_at <= %(as_of)s AND ({0}.superseded_at IS NULL OR {0}.superseded_at > %(as_of)s)"


@dataclass(frozen=True, kw_only=True)
class CarriedRows:
    """Of some accounts, as known at an instant: `kept` of the month and the one before, `openings` of the month,
    `agreements` from the day before the month on, each with the `balances` of its tariff (name and unit)."""

    kept: tuple[Row, ...] = ()
    openings: tuple[Row, ...] = ()
    agreements: tuple[Row, ...] = ()


def load_carried(
    read: Callable[[str, Row], Sequence[Row]],
    *,
    account_ids: Sequence[int],
    month: date,
    following: date,
    as_of: object,
    balances_of: Callable[[str], Mapping[str, str]],
) -> CarriedRows:
    """The rows about balances; `balances_of` tells those of a tariff's document."""
    last_day = month - timedelta(days=1)
    about = {
        "accounts": list(account_ids),
        "months": [month, last_day.replace(day=1)],
        "month": month,
        "from": last_day,
        "to": following,
        "as_of": as_of,
    }
    agreements = [row | {"balances": balances_of(row["document"])} for row in read(_AGREEMENTS, about)]
    return CarriedRows(
        kept=tuple(read(_KEPT, about)), openings=tuple(read(_OPENINGS, about)), agreements=tuple(agreements)
    )


def opening_values(
    rows: CarriedRows, *, tariff: Tariff, account_id: int, service_point_id: int, first_day: date
) -> dict[str, tuple[DatedValue, ...]]:
    """What an item opens with of each balance that a formula reads, with its origin; none where nobody knows."""
    supply = (account_id, service_point_id)
    found: dict[str, tuple[DatedValue, ...]] = {}
    for name, unit in tariff.balances.items():
        if name in tariff.read_attributes:
            opening = _opening(rows, supply, (name, str(unit)), first_day)
            found[name] = () if opening is None else (opening,)
    return found


def kept_of(rows: CarriedRows, *, agreement_id: int, month: date) -> dict[str, Fraction]:
    """What was kept of the item's balances."""
    return {
        row["balance"]: Fraction(row["value_micro"], MICRO)
        for row in rows.kept
        if (row["agreement_id"], row["month"]) == (agreement_id, month) and row["value_micro"] is not None
    }


def _opening(
    rows: CarriedRows, supply: tuple[int, int], balance: tuple[str, str], first_day: date
) -> DatedValue | None:
    def same(row: Row) -> bool:
        return (row["account_id"], row["service_point_id"]) == supply

    month = first_day.replace(day=1)
    earlier = [
        row
        for row in rows.agreements
        if same(row) and row["valid_from"] < first_day and balance in row["balances"].items()
    ]
    began_earlier = first_day > month and any(
        row["valid_to"] is None or row["valid_to"] > month for row in earlier
    )
    for row in rows.openings:
        if (
            not began_earlier
            and same(row)
            and row["month"] == month
            and (row["balance"], row["unit"]) == balance
        ):
            return _value(row, _told_by(row))
    for row in rows.kept:
        ends_here = row["to_date"] == first_day and row["value_micro"] is not None
        if ends_here and same(row) and (row["balance"], row["unit"]) == balance:
            source = _("left by the bill of %(month)s") % {"month": _month(row["month"])}
            return _value(row, source)
    if any(row["valid_to"] is None or row["valid_to"] >= first_day for row in earlier):
        return None
    source = _("nothing could be left: the balance begins on %(day)s") % {"day": first_day}
    return DatedValue(Fraction(0), source=source)


def _value(row: Row, source: str) -> DatedValue:
    return DatedValue(Fraction(row["value_micro"], MICRO), source=source)


def _told_by(row: Row) -> str:
    return _("opening balance %(id)s of %(month)s, recorded %(recorded)s: %(proof)s") % {
        "id": row["id"],
        "month": _month(row["month"]),
        "recorded": f"{row['recorded_at']:%Y-%m-%d}",
        "proof": row["proof"],
    }


def _month(month: date) -> str:
    return month_text(month, language=get_language() or "en")


_KEPT = """
SELECT DISTINCT ON (month, account_id, agreement_id, balance)
       month, account_id, agreement_id, service_point_id, balance, unit, to_date, value_micro, recorded_at
FROM billing_carriedbalance
WHERE account_id = ANY(%(accounts)s) AND month = ANY(%(months)s) AND recorded_at <= %(as_of)s
ORDER BY month, account_id, agreement_id, balance, revision DESC
"""
_OPENINGS = f"""
SELECT o.id, o.account_id, o.service_point_id, o.balance, o.unit, o.month, o.value_micro, o.recorded_at, o.proof
FROM billing_openingbalance o
WHERE o.account_id = ANY(%(accounts)s) AND o.month = %(month)s AND {_KNOWN.format("o")}
"""
_AGREEMENTS = f"""
SELECT a.account_id, a.service_point_id, lower(a.valid) AS valid_from, upper(a.valid) AS valid_to, e.document
FROM customers_agreement a JOIN tariffs_tariffedition e ON e.tariff_id = a.tariff_id
WHERE a.account_id = ANY(%(accounts)s) AND a.valid && daterange(%(from)s, %(to)s)
  AND {_KNOWN.format("a")} AND {_KNOWN.format("e")}
"""
