"""Balances of one account as people read them: what its tariffs carry, and what is carried now."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from mains.base.rows import fetch_rows
from mains.billing.queries.records import WITHIN, BillRecord, scope_params
from mains.engine.facts import MICRO
from mains.staff.values import Scope
from mains.tariffs.queries.records import tariff_of_edition


@dataclass(frozen=True, kw_only=True)
class DeclaredBalance:
    """A balance of a tariff, its unit, and the smallest step in which it is kept, in micro-units."""

    name: str
    unit: str
    step_micro: int


@dataclass(frozen=True)
class CarriedRecord:
    """What a service point's last bill of `month` left of a balance, in micro-units of `unit`, at the end of the day
    before `to_date`; `tariff_edition_id` is the edition in force."""

    service_point_id: int
    point_code: str
    balance: str
    unit: str
    month: date
    to_date: date
    value_micro: int
    tariff_edition_id: int


@dataclass(frozen=True)
class OpeningRecord:
    """An opening balance as it was stated, in micro-units of `unit` (empty: a number), also one that was replaced
    (`superseded_at`) or withdrawn (`withdrawn_by` and why); `tariff_edition_id` names the balance."""

    id: int
    service_point_id: int
    point_code: str
    balance: str
    unit: str
    month: date
    value_micro: int
    tariff_edition_id: int | None
    proof: str
    recorded_at: datetime
    recorded_by: str
    superseded_at: datetime | None
    withdrawn_by: str
    withdrawal_reason: str


@dataclass(frozen=True, kw_only=True)
class BalancePlace:
    """A balance that some tariff of the account carries at a service point, on any dates."""

    service_point_id: int
    point_code: str
    tariff_edition_id: int
    name: str
    unit: str


def list_openings(*, account_id: int, scope: Scope) -> list[OpeningRecord]:
    """What was ever stated of the account's openings, the latest month first."""
    return fetch_rows(OpeningRecord, _OPENINGS, {"account": account_id} | scope_params(scope))


def list_balance_places(*, account_id: int, scope: Scope) -> list[BalancePlace]:
    """The balances that tariffs of the account's agreements carry, by service point; by editions in force."""
    found: dict[tuple[int, str], BalancePlace] = {}
    for point_id, code, edition_id in fetch_rows(
        _place, _PLACES, {"account": account_id} | scope_params(scope)
    ):
        tariff = tariff_of_edition(edition_id=edition_id)
        for name, unit in tariff.balances.items():
            found[point_id, name] = BalancePlace(
                service_point_id=point_id,
                point_code=code,
                tariff_edition_id=edition_id,
                name=name,
                unit=_unit_word(str(unit)),
            )
    return list(found.values())


def _place(point_id: int, code: str, edition_id: int) -> tuple[int, str, int]:
    return point_id, code, edition_id


def _unit_word(unit: str) -> str:
    return "" if unit == "number" else unit


def list_declared_balances(
    *, account_id: int, service_point_id: int, month: date, at: datetime
) -> list[DeclaredBalance]:
    """The balances of the tariffs by which the account pays for the point in the month, as believed at `at`; none
    where it does not pay for it."""
    found: dict[tuple[str, str], DeclaredBalance] = {}
    asked = {"account": account_id, "point": service_point_id, "month": month, "at": at}
    for edition_id in fetch_rows(int, _EDITIONS, asked):
        tariff = tariff_of_edition(edition_id=edition_id)
        for name, unit in tariff.balances.items():
            coin = int(MICRO * tariff.minor_unit) if unit == tariff.units.money else 1
            found[name, str(unit)] = DeclaredBalance(name=name, unit=str(unit), step_micro=coin)
    return list(found.values())


def list_carried(*, account_id: int, scope: Scope) -> list[CarriedRecord]:
    """What is carried to the account's next bill, by service point and balance; what is nought is left out."""
    return _carried(account_id, scope, month=None, known_at="infinity")


def list_left_by(*, bill: BillRecord, scope: Scope) -> list[CarriedRecord]:
    """What a month's bill left to the next when it was made; nothing of a recalculation."""
    if bill.is_recalculation:
        return []
    return _carried(bill.account_id, scope, month=bill.month, known_at=bill.recorded_at)


def _carried(
    account_id: int, scope: Scope, *, month: date | None, known_at: datetime | str
) -> list[CarriedRecord]:
    asked = {"account": account_id, "month": month, "known_at": known_at}
    return list(_last_of_each(fetch_rows(CarriedRecord, _CARRIED, asked | scope_params(scope))))


def _last_of_each(rows: list[CarriedRecord]) -> Iterator[CarriedRecord]:
    seen: set[tuple[int, str, str]] = set()
    for row in rows:  # the latest first
        key = (row.service_point_id, row.balance, row.unit)
        if key not in seen and row.value_micro:
            yield row
        seen.add(key)


_EDITIONS = """
SELECT DISTINCT e.id
FROM customers_agreement a
JOIN tariffs_tariffedition e ON e.tariff_id = a.tariff_id
WHERE a.account_id = %(account)s AND a.service_point_id = %(point)s
  AND a.valid && daterange(%(month)s::date, (%(month)s::date + interval '1 month')::date)
  AND a.recorded_at <= %(at)s AND (a.superseded_at IS NULL OR a.superseded_at > %(at)s)
  AND e.recorded_at <= %(at)s AND (e.superseded_at IS NULL OR e.superseded_at > %(at)s)
ORDER BY e.id
"""
_PLACES = f"""
SELECT DISTINCT sp.id, sp.code, e.id
FROM customers_agreement a
JOIN customers_account c ON c.id = a.account_id
JOIN network_servicepoint sp ON sp.id = a.service_point_id
JOIN tariffs_tariffedition e ON e.tariff_id = a.tariff_id AND e.superseded_at IS NULL
WHERE a.account_id = %(account)s AND a.superseded_at IS NULL AND {WITHIN.format(t="c")}
ORDER BY sp.code, e.id
"""
# An edition that names the balance: of an agreement that touches the month, else of any of the account's for the point.
_OPENINGS = f"""
SELECT o.id, o.service_point_id, sp.code, o.balance, CASE WHEN o.unit = 'number' THEN '' ELSE o.unit END, o.month,
       o.value_micro, t.id, o.proof, o.recorded_at,
       coalesce(nullif(trim(u.first_name || ' ' || u.last_name), ''), u.username, ''), o.superseded_at,
       coalesce(nullif(trim(w.first_name || ' ' || w.last_name), ''), w.username, ''), coalesce(x.reason, '')
FROM billing_openingbalance o
JOIN customers_account c ON c.id = o.account_id
JOIN network_servicepoint sp ON sp.id = o.service_point_id
LEFT JOIN LATERAL (
    SELECT e.id FROM customers_agreement a
    JOIN tariffs_tariffedition e ON e.tariff_id = a.tariff_id AND e.superseded_at IS NULL
    WHERE a.account_id = o.account_id AND a.service_point_id = o.service_point_id AND a.superseded_at IS NULL
    ORDER BY a.valid && daterange(o.month, (o.month + interval '1 month')::date) DESC, lower(a.valid) LIMIT 1
) t ON TRUE
LEFT JOIN billing_openingbalancewithdrawal x ON x.fact_id = o.id
LEFT JOIN staff_user u ON u.id = o.recorded_by_id
LEFT JOIN staff_user w ON w.id = x.withdrawn_by_id
WHERE o.account_id = %(account)s AND {WITHIN.format(t="c")}
ORDER BY o.month DESC, sp.code, o.balance, o.recorded_at DESC
"""
# Of the account's last month only: a balance that no bill went on with since is listed there too.
_CARRIED = f"""
SELECT l.service_point_id, sp.code, l.balance, CASE WHEN l.unit = 'number' THEN '' ELSE l.unit END, l.month, l.to_date,
       l.value_micro, e.id
FROM (
    SELECT DISTINCT ON (month, agreement_id, balance) *
    FROM billing_carriedbalance
    WHERE account_id = %(account)s AND recorded_at <= %(known_at)s::timestamptz
      AND month = coalesce(
          %(month)s::date, (SELECT max(month) FROM billing_carriedbalance WHERE account_id = %(account)s)
      )
    ORDER BY month, agreement_id, balance, revision DESC
) AS l
JOIN customers_account c ON c.id = l.account_id
JOIN network_servicepoint sp ON sp.id = l.service_point_id
JOIN customers_agreement a ON a.id = l.agreement_id
JOIN tariffs_tariffedition e ON e.tariff_id = a.tariff_id AND e.superseded_at IS NULL
WHERE l.value_micro IS NOT NULL AND {WITHIN.format(t="c")}
ORDER BY l.to_date DESC, sp.code, l.balance
"""
