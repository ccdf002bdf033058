"""The turnover statement: opening, accrued, recalculated, paid, closing, from the utility down to one
account.

The levels of units are summed from the receivable postings, which are few; the accounts of one unit from
their entries. Both are the same money: every transaction's entries sum to its receivable postings (`mains
ledger check`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db import connection
from django.utils.translation import gettext as translate

from mains.kernel.errors import MainsError
from mains.ledger.values import CHARGES, CHARGING
from mains.staff.queries.organisations import Unit, list_units
from mains.staff.values import Scope

PAGE = 100
CHARGE_WORDS = ", ".join(f"'{kind.value}'" for kind in CHARGES)
CHARGING_WORDS = ", ".join(f"'{kind.value}'" for kind in CHARGING)
"""The kinds of entries and of transactions that charge, for SQL."""

# Brought forward counts as opening wherever it is dated; what is neither that nor bill, shared
# or not, nor late interest was paid.
_FIGURES = """
    coalesce(sum({m}.amount_minor)
             FILTER (WHERE {d}.business_date < %(month_from)s OR {d}.kind = 'opening'), 0)::bigint,
    coalesce(sum({m}.amount_minor - {m}.correction_minor)
             FILTER (WHERE {d}.business_date >= %(month_from)s AND {d}.kind IN ({charged})), 0)::bigint,
    coalesce(sum({m}.correction_minor)
             FILTER (WHERE {d}.business_date >= %(month_from)s AND {d}.kind IN ({charged})), 0)::bigint,
    coalesce(-sum({m}.amount_minor) FILTER (
        WHERE {d}.business_date >= %(month_from)s AND {d}.kind NOT IN ('opening', {charged})), 0)::bigint
"""
_BY_UNIT = """
    SELECT p.organisation_id, {supply} {figures}
    FROM ledger_posting p JOIN ledger_transaction t ON t.id = p.transaction_id
    WHERE p.control = 'receivable' AND t.business_date < %(month_to)s
      AND t.recorded_at <= coalesce(%(as_of)s::timestamptz, 'infinity')
    GROUP BY {groups} ORDER BY {groups}
"""
_BY_ACCOUNT = """
    WITH page AS (
        SELECT id, number, customer_id FROM customers_account
        WHERE organisation_id = %(organisation_id)s AND id > %(after)s ORDER BY id LIMIT %(limit)s
    )
    SELECT page.id, page.number, mains_name(c.name), {figures}
    FROM page JOIN customers_customer c ON c.id = page.customer_id
    LEFT JOIN ledger_entry e ON e.account_id = page.id AND e.organisation_id = %(organisation_id)s
         AND e.month < %(month_to)s AND e.recorded_at <= coalesce(%(as_of)s::timestamptz, 'infinity')
    GROUP BY page.id, page.number, c.name ORDER BY page.id
"""


class UnableToReportTurnover(MainsError):
    """The unit is unknown or out of reach, or the period is not whole months."""


class RowKind(StrEnum):
    """What a row stands for: a unit with all below it, a unit's own accounts beside its sub-units, one
    account.
    """

    UNIT = "unit"
    OWN_ACCOUNTS = "own_accounts"
    ACCOUNT = "account"


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Minor units; owed is positive. Paid is positive when customers paid."""

    opening_minor: int = 0
    accrued_minor: int = 0
    recalculated_minor: int = 0
    paid_minor: int = 0

    @property
    def closing_minor(self) -> int:
        return self.opening_minor + self.accrued_minor + self.recalculated_minor - self.paid_minor

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(
            opening_minor=self.opening_minor + other.opening_minor,
            accrued_minor=self.accrued_minor + other.accrued_minor,
            recalculated_minor=self.recalculated_minor + other.recalculated_minor,
            paid_minor=self.paid_minor + other.paid_minor,
        )


@dataclass(frozen=True, kw_only=True)
class TurnoverRow:
    """`id` is of the unit or account; `code` is the unit's code or the account's number."""

    kind: RowKind
    id: int
    code: str
    name: str
    figures: Figures


@dataclass(frozen=True, kw_only=True)
class TurnoverLevel:
    """One level: `total` of the unit, and rows that sum to it (over all pages, when the rows are accounts).

    `path` leads from the top of the person's reach to the unit. `next_after` is the key of the next page,
    None on the last one. `unit` is None when the reach has several tops.
    """

    month_from: date
    month_to: date
    as_of: datetime | None
    unit: Unit | None
    path: tuple[Unit, ...]
    total: Figures
    rows: tuple[TurnoverRow, ...]
    next_after: int | None = None


@dataclass(frozen=True, kw_only=True)
class SupplyRow:
    """Turnover of one provider's service."""

    provider_id: int
    provider: str
    service: str
    figures: Figures


def turnover(
    *,
    scope: Scope,
    month_from: date,
    month_to: date,
    organisation_id: int | None = None,
    own_accounts: bool = False,
    as_of: datetime | None = None,
    after: int = 0,
    limit: int = PAGE,
) -> TurnoverLevel:
    """One level of the statement of the months [month_from, month_to), both first days.

    Without `organisation_id` the level of the top of the scope. A unit with sub-units gives them as rows, and
    its own accounts as one row, if it has any; `own_accounts` opens that row. A unit without sub-units gives
    its accounts, keyset-paged by `after`. With `as_of` only what was recorded by then counts. Raises
    UnableToReportTurnover.
    """
    period = _period(month_from, month_to, as_of)
    tree = _Tree(list_units(scope=scope, on_date=month_to - timedelta(days=1)))
    found = _figures_of_units(period)
    strays = sorted(set(found) - set(tree.units)) if scope.organisation_ids is None else []
    tops = tree.children(None)
    if organisation_id is None and (len(tops) != 1 or strays):
        rows = [_unit_row(unit, tree, found) for unit in tops]
        rows += [_stray_row(stray, found[stray]) for stray in strays]
        return TurnoverLevel(
            **_dates(period), unit=None, path=(), total=_sum(row.figures for row in rows), rows=tuple(rows)
        )
    unit = tops[0] if organisation_id is None else tree.units.get(organisation_id)
    if unit is None:
        raise UnableToReportTurnover(
            code="organisation-unknown",
            message="There is no such unit.",
            place=f"unit {organisation_id}",
            remedy="Start from the top of the statement.",
        )
    level = TurnoverLevel(**_dates(period), unit=unit, path=tree.path(unit), total=Figures(), rows=())
    children = tree.children(unit.id)
    own = found.get(unit.id, Figures())
    if not children or own_accounts:
        accounts, next_after = _account_rows(period, organisation_id=unit.id, after=after, limit=limit)
        return replace(level, total=own, rows=accounts, next_after=next_after)
    rows = [_unit_row(child, tree, found) for child in children]
    if unit.id in found:
        rows.append(
            TurnoverRow(
                kind=RowKind.OWN_ACCOUNTS,
                id=unit.id,
                code=unit.code,
                name=translate("Own accounts"),
                figures=own,
            )
        )
    return replace(level, total=_sum(row.figures for row in rows), rows=tuple(rows))


def all_rows(level: TurnoverLevel, *, limit: int = 5_000) -> Iterator[TurnoverRow]:
    """Every row of a level, the pages that follow included: for exports, which are never cut."""
    yield from level.rows
    after = level.next_after
    while after is not None:
        assert level.unit is not None, "Only the accounts of a unit are paged."
        period = _period(level.month_from, level.month_to, level.as_of)
        rows, after = _account_rows(period, organisation_id=level.unit.id, after=after, limit=limit)
        yield from rows


def turnover_by_supply(
    *,
    scope: Scope,
    month_from: date,
    month_to: date,
    organisation_id: int | None = None,
    as_of: datetime | None = None,
) -> list[SupplyRow]:
    """The same figures by provider and service, of a unit with all below it, or of the whole scope."""
    tree = _Tree(list_units(scope=scope, on_date=month_to - timedelta(days=1)))
    reached = set(tree.units) if organisation_id is None else tree.subtree(organisation_id)
    everything = organisation_id is None and scope.organisation_ids is None
    sums: dict[tuple[int, str], Figures] = {}
    for row in _ask_units(_period(month_from, month_to, as_of), by_supply=True):
        if everything or row[0] in reached:
            sums[row[1], row[2]] = sums.get((row[1], row[2]), Figures()) + _figures(row[3:])
    names = _provider_names()
    return [
        SupplyRow(provider_id=provider, provider=names.get(provider, ""), service=service, figures=figures)
        for (provider, service), figures in sorted(sums.items())
    ]


class _Tree:
    """The units that the scope reaches, by id, with their places."""

    def __init__(self, units: Sequence[Unit]) -> None:
        self.units = {unit.id: unit for unit in units}
        self._children: dict[int | None, list[Unit]] = {}
        for unit in units:
            parent = unit.parent_id if unit.parent_id in self.units else None
            self._children.setdefault(parent, []).append(unit)

    def children(self, unit_id: int | None) -> list[Unit]:
        return self._children.get(unit_id, [])

    def subtree(self, unit_id: int) -> set[int]:
        if unit_id not in self.units:
            return set()
        return {unit_id}.union(*(self.subtree(child.id) for child in self.children(unit_id)))

    def path(self, unit: Unit) -> tuple[Unit, ...]:
        above = self.units.get(unit.parent_id or 0)
        return (*self.path(above), unit) if above else (unit,)


def _period(month_from: date, month_to: date, as_of: datetime | None) -> dict[str, Any]:
    if month_from.day != 1 or month_to.day != 1 or month_from >= month_to:
        raise UnableToReportTurnover(
            code="period-invalid",
            message=f"{month_from} to {month_to} are not whole months.",
            remedy="Give the first day of a month, and the first day of the month after the last one.",
        )
    return {"month_from": month_from, "month_to": month_to, "as_of": as_of}


def _dates(period: Mapping[str, Any]) -> dict[str, Any]:
    return dict(period)


def _figures(columns: Sequence[int]) -> Figures:
    opening, accrued, recalculated, paid = columns
    return Figures(
        opening_minor=opening, accrued_minor=accrued, recalculated_minor=recalculated, paid_minor=paid
    )


def _sum(parts: Iterable[Figures]) -> Figures:
    return sum(parts, start=Figures())


def _ask_units(period: Mapping[str, Any], *, by_supply: bool = False) -> list[Any]:
    supply, groups = ("p.provider_id, p.service,", "1, 2, 3") if by_supply else ("", "1")
    with connection.cursor() as cursor:
        figures = _FIGURES.format(m="p", d="t", charged=CHARGING_WORDS)
        cursor.execute(_BY_UNIT.format(supply=supply, groups=groups, figures=figures), period)
        return list(cursor.fetchall())


def _figures_of_units(period: Mapping[str, Any]) -> dict[int, Figures]:
    return {row[0]: _figures(row[1:]) for row in _ask_units(period)}


def _account_rows(
    period: Mapping[str, Any], *, organisation_id: int, after: int, limit: int
) -> tuple[tuple[TurnoverRow, ...], int | None]:
    params = {**period, "organisation_id": organisation_id, "after": after, "limit": limit + 1}
    with connection.cursor() as cursor:
        cursor.execute(
            _BY_ACCOUNT.format(figures=_FIGURES.format(m="e", d="e", charged=CHARGE_WORDS)),
            params,
        )
        found = cursor.fetchall()
    rows = tuple(
        TurnoverRow(kind=RowKind.ACCOUNT, id=row[0], code=row[1], name=row[2], figures=_figures(row[3:]))
        for row in found[:limit]
    )
    return rows, rows[-1].id if len(found) > limit else None


def _unit_row(unit: Unit, tree: _Tree, found: Mapping[int, Figures]) -> TurnoverRow:
    figures = _sum(found.get(below, Figures()) for below in tree.subtree(unit.id))
    return TurnoverRow(kind=RowKind.UNIT, id=unit.id, code=unit.code, name=unit.name, figures=figures)


def _stray_row(organisation_id: int, figures: Figures) -> TurnoverRow:
    """Money of a unit that stands nowhere in the tree: shown, because the total must be whole."""
    return TurnoverRow(
        kind=RowKind.UNIT,
        id=organisation_id,
        code=str(organisation_id),
        name=translate("Not in the organisation tree"),
        figures=figures,
    )


def _provider_names() -> dict[int, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, name FROM customers_party")
        return dict(cursor.fetchall())
