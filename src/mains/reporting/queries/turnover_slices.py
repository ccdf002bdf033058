"""Turnover by any of its dimensions, within any of the others: the network, services, providers, tariff classes,
tariffs, persons, months; down to accounts.

Read from the tallies (`actions/turnover_tally.py`), which sum the same entries as the statement by units: every
dimension sums to the same total. The accounts of a slice are summed from their entries by the same attribution.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db import connection
from django.utils.translation import gettext as translate

from mains.customers.values import Category
from mains.network.values import Service
from mains.reporting.queries.turnover import CHARGE_WORDS, Figures, UnableToReportTurnover
from mains.staff.queries.organisations import list_units
from mains.staff.values import Scope

PAGE = 100


class Dimension(StrEnum):
    """By what a statement is taken apart."""

    UNIT = "unit"
    NODE = "node"
    SERVICE = "service"
    PROVIDER = "provider"
    CLASS = "class"
    TARIFF = "tariff"
    PERSON = "person"
    MONTH = "month"
    ACCOUNT = "account"


@dataclass(frozen=True, kw_only=True)
class Slice:
    """The part of the utility's turnover that is asked for; None: all of them."""

    month_from: date
    month_to: date
    as_of: datetime | None = None
    unit: int | None = None
    node: int | None = None
    service: str | None = None
    provider: int | None = None
    category: str | None = None
    tariff: int | None = None
    person: int | None = None


@dataclass(frozen=True, kw_only=True)
class SliceRow:
    """A part; `key` is what narrows the slice to it, `is_open` whether the same dimension goes on below it."""

    key: str
    code: str
    name: str
    figures: Figures
    is_open: bool = False


@dataclass(frozen=True, kw_only=True)
class SliceLevel:
    """Rows that sum to `total`, over all pages when they are accounts; `next_after` is the key of the next page."""

    asked: Slice
    by: Dimension
    total: Figures
    rows: tuple[SliceRow, ...]
    next_after: int | None = None


_SUMS = """
    coalesce(sum({t}.opening_minor), 0)::bigint
    + coalesce(sum({t}.accrued_minor + {t}.recalculated_minor - {t}.paid_minor)
               FILTER (WHERE {t}.month < %(month_from)s), 0)::bigint,
    coalesce(sum({t}.accrued_minor) FILTER (WHERE {t}.month >= %(month_from)s), 0)::bigint,
    coalesce(sum({t}.recalculated_minor) FILTER (WHERE {t}.month >= %(month_from)s), 0)::bigint,
    coalesce(sum({t}.paid_minor) FILTER (WHERE {t}.month >= %(month_from)s), 0)::bigint
""".format(t="y")
_WHERE = """
    y.month < %(month_to)s AND y.recorded_at <= coalesce(%(as_of)s::timestamptz, 'infinity')
    AND (%(units)s::bigint[] IS NULL OR y.organisation_id = ANY(%(units)s))
    AND (%(nodes)s::bigint[] IS NULL OR y.node_id = ANY(%(nodes)s))
    AND (%(service)s::text IS NULL OR y.service = %(service)s)
    AND (%(provider)s::bigint IS NULL OR y.provider_id = %(provider)s)
    AND (%(category)s::text IS NULL OR y.category = %(category)s)
    AND (%(tariff)s::bigint IS NULL OR y.tariff_id = %(tariff)s)
    AND (%(person)s::bigint IS NULL OR y.officer_id = %(person)s)
"""
_COLUMN = {
    Dimension.UNIT: "y.organisation_id",
    Dimension.NODE: "y.node_id",
    Dimension.SERVICE: "y.service",
    Dimension.PROVIDER: "y.provider_id",
    Dimension.CLASS: "y.category",
    Dimension.TARIFF: "y.tariff_id",
    Dimension.PERSON: "y.officer_id",
    Dimension.MONTH: "y.month",
}
_NODES = """
    WITH placed AS (
        SELECT n.id, n.code, n.name, p.parent_id FROM network_node n
        LEFT JOIN network_nodeplacement p
            ON p.node_id = n.id AND p.superseded_at IS NULL AND p.valid @> %(on_date)s::date
    )
    SELECT id, code, name, parent_id FROM placed ORDER BY code
"""
# The same choice of agreement and officer as in the tallies, entry by entry of the accounts of a page.
_ACCOUNTS = """
    WITH page AS MATERIALIZED (
        SELECT a.id, a.number, a.customer_id FROM customers_account a
        WHERE a.id > %(after)s AND (%(units)s::bigint[] IS NULL OR EXISTS (
            SELECT FROM ledger_entry u WHERE u.account_id = a.id AND u.organisation_id = ANY(%(units)s)))
          AND {candidates}
        ORDER BY a.id LIMIT %(limit)s
    ),
    entries AS (
        SELECT e.account_id, e.month, e.recorded_at, e.organisation_id, e.provider_id, e.service,
               coalesce(s.node_id, 0) AS node_id, coalesce(s.tariff_id, 0) AS tariff_id,
               coalesce(s.category, '') AS category, coalesce(o.officer_id, 0) AS officer_id,
               CASE e.kind WHEN 'opening' THEN e.amount_minor ELSE 0 END AS opening_minor,
               CASE WHEN e.kind IN ({charges}) THEN e.amount_minor - e.correction_minor ELSE 0 END
                   AS accrued_minor,
               CASE WHEN e.kind IN ({charges}) THEN e.correction_minor ELSE 0 END
                   AS recalculated_minor,
               CASE WHEN e.kind IN ('opening', {charges}) THEN 0 ELSE -e.amount_minor END
                   AS paid_minor
        FROM page JOIN ledger_entry e ON e.account_id = page.id AND e.month < %(month_to)s
        LEFT JOIN LATERAL (
            SELECT p.node_id, g.tariff_id, g.category
            FROM customers_agreement g JOIN network_servicepoint p ON p.id = g.service_point_id
            WHERE g.account_id = e.account_id AND g.provider_id = e.provider_id AND p.service = e.service
            ORDER BY g.recorded_at <= e.recorded_at DESC, coalesce(g.superseded_at > e.recorded_at, true) DESC,
                     g.valid @> e.business_date DESC, lower(g.valid) <= e.business_date DESC, lower(g.valid) DESC, g.id
            LIMIT 1) s ON true
        LEFT JOIN LATERAL (
            SELECT r.officer_id FROM customers_responsibility r WHERE r.account_id = e.account_id
            ORDER BY r.recorded_at <= e.recorded_at DESC, coalesce(r.superseded_at > e.recorded_at, true) DESC,
                     r.valid @> e.business_date DESC, lower(r.valid) <= e.business_date DESC, lower(r.valid) DESC, r.id
            LIMIT 1) o ON true
    )
    SELECT page.id, page.number, mains_name(c.name), count(y.account_id), {sums}
    FROM page JOIN customers_customer c ON c.id = page.customer_id
    LEFT JOIN entries y ON y.account_id = page.id AND {where}
    GROUP BY 1, 2, 3 ORDER BY 1
"""
_FEW_NODES = 300
_AT_FEW_NODES = """a.id IN (
    SELECT g.account_id FROM network_servicepoint p JOIN customers_agreement g ON g.service_point_id = p.id
    WHERE p.node_id = ANY(%(nodes)s))"""
_AT_NODES = """EXISTS (
    SELECT FROM customers_agreement g JOIN network_servicepoint p ON p.id = g.service_point_id
    WHERE g.account_id = a.id AND p.node_id = ANY(%(nodes)s))"""


def turnover_by(*, scope: Scope, asked: Slice, by: Dimension) -> SliceLevel:
    """The slice taken apart by a dimension. Units and nodes give the level below the one that the slice names, and what
    stands at that one itself; `turnover_accounts` gives the accounts. Raises UnableToReportTurnover."""
    assert by is not Dimension.ACCOUNT, "Accounts are paged: turnover_accounts."
    params = _params(scope, asked)
    statement = (
        f"SELECT {_COLUMN[by]}, {_SUMS} FROM reporting_turnovertally y WHERE {_WHERE} GROUP BY 1 ORDER BY 1"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        found = {row[0]: _figures(row[1:]) for row in cursor.fetchall()}
    if by is Dimension.MONTH:
        found = {month: figures for month, figures in found.items() if month >= asked.month_from}
        return _months(scope, asked, found)
    total = sum(found.values(), start=Figures())
    rows = _tree_rows(scope, asked, by, found) if by in (Dimension.UNIT, Dimension.NODE) else _rows(by, found)
    return SliceLevel(asked=asked, by=by, total=total, rows=tuple(rows))


def turnover_accounts(*, scope: Scope, asked: Slice, after: int = 0, limit: int = PAGE) -> SliceLevel:
    """The accounts of a slice, keyset-paged by `after`; `total` is of all pages."""
    params = _params(scope, asked) | {"after": after, "limit": limit + 1}
    nodes = params["nodes"]
    candidates = "true" if nodes is None else _AT_FEW_NODES if len(nodes) <= _FEW_NODES else _AT_NODES
    with connection.cursor() as cursor:
        cursor.execute(
            _ACCOUNTS.format(candidates=candidates, charges=CHARGE_WORDS, sums=_SUMS, where=_WHERE), params
        )
        found = cursor.fetchall()
    rows = tuple(
        SliceRow(key=str(row[0]), code=row[1], name=row[2], figures=_figures(row[4:]))
        for row in found[:limit]
        if row[3]
    )
    total = turnover_by(scope=scope, asked=asked, by=Dimension.PROVIDER).total
    return SliceLevel(
        asked=asked,
        by=Dimension.ACCOUNT,
        total=total,
        rows=rows,
        next_after=found[limit - 1][0] if len(found) > limit else None,
    )


def count_untallied() -> int:
    """How many transactions of the ledger are not in the tallies yet: what statements by slices leave out."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*) FROM ledger_transaction t
            WHERE NOT EXISTS (SELECT FROM reporting_talliedtransaction d WHERE d.transaction_id = t.id)
            """
        )
        return int(cursor.fetchone()[0])


def name_of(by: Dimension, key: int | str) -> str:
    """What a part of a dimension is called; the key itself where it has no name."""
    if by is Dimension.UNIT:
        statement, params = "SELECT name FROM staff_organisation WHERE id = %s", [key]
    elif by is Dimension.NODE:
        statement, params = "SELECT name FROM network_node WHERE id = %s", [key]
    else:
        return _names(by).get(key, ("", str(key) if key else translate("None")))[1]
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        found = cursor.fetchone()
    return str(found[0]) if found else str(key)


def path_of_node(*, node_id: int, on_date: date) -> list[tuple[int, str]]:
    """Ids and names from the source down to the node; empty for no such node."""
    nodes = _nodes(on_date)
    path: list[tuple[int, str]] = []
    at: int | None = node_id
    while at in nodes and len(path) < 30:
        path.append((at, nodes[at][1]))
        at = nodes[at][2]
    return path[::-1]


def _months(scope: Scope, asked: Slice, found: dict[date, Figures]) -> SliceLevel:
    """Month after month: each one's opening is the closing of the one before."""
    before = turnover_by(scope=scope, asked=asked, by=Dimension.PROVIDER).total
    rows, opening = [], before.opening_minor
    # Balances brought forward count as opening of the whole span, wherever they are dated.
    for month in sorted(found):
        figures = replace(found[month], opening_minor=opening)
        opening = figures.closing_minor
        rows.append(SliceRow(key=f"{month:%Y-%m}", code=f"{month:%Y-%m}", name="", figures=figures))
    return SliceLevel(asked=asked, by=Dimension.MONTH, total=before, rows=tuple(rows))


def _params(scope: Scope, asked: Slice) -> dict[str, Any]:
    if asked.month_from.day != 1 or asked.month_to.day != 1 or asked.month_from >= asked.month_to:
        raise UnableToReportTurnover(
            code="period-invalid",
            message=f"{asked.month_from} to {asked.month_to} are not whole months.",
            remedy="Give the first day of a month, and the first day of the month after the last one.",
        )
    return {
        "month_from": asked.month_from,
        "month_to": asked.month_to,
        "as_of": asked.as_of,
        "units": _units(scope, asked),
        "nodes": sorted(_below(asked.node, _parents(_nodes(_last_day(asked))))) if asked.node else None,
        "service": asked.service,
        "provider": asked.provider,
        "category": asked.category,
        "tariff": asked.tariff,
        "person": asked.person,
    }


def _units(scope: Scope, asked: Slice) -> list[int] | None:
    """The units of the slice within the scope; None for all there are."""
    if asked.unit is None:
        return None if scope.organisation_ids is None else sorted(scope.organisation_ids)
    units = list_units(scope=scope, on_date=_last_day(asked))
    if asked.unit not in {unit.id for unit in units}:
        raise UnableToReportTurnover(
            code="organisation-unknown",
            message="There is no such unit.",
            place=f"unit {asked.unit}",
            remedy="Start from the top of the statement.",
        )
    return sorted(_below(asked.unit, {unit.id: unit.parent_id for unit in units}))


def _tree_rows(scope: Scope, asked: Slice, by: Dimension, found: dict[int, Figures]) -> list[SliceRow]:
    """The parts right below the one that the slice names, each with all below it; the rest as what stands there."""
    if by is Dimension.NODE:
        nodes, at = _nodes(_last_day(asked)), asked.node
    else:
        units = list_units(scope=scope, on_date=_last_day(asked))
        known = {unit.id for unit in units}
        nodes = {
            unit.id: (unit.code, unit.name, unit.parent_id if unit.parent_id in known else None)
            for unit in units
        }
        at = asked.unit
    parents = _parents(nodes)
    children = [key for key, parent in parents.items() if parent == at]
    if at is None and len(children) == 1:
        at = children[0]
        children = [key for key, parent in parents.items() if parent == at]
    inner = set(parents.values())
    top_of: dict[int, int] = {}
    for child in children:
        top_of |= dict.fromkeys(_below(child, parents), child)
    sums: dict[int | None, Figures] = {}
    for key, figures in found.items():
        top = top_of.get(key)
        sums[top] = sums.get(top, Figures()) + figures
    rows = [
        SliceRow(
            key=str(child),
            code=nodes[child][0],
            name=nodes[child][1],
            figures=sums[child],
            is_open=child in inner,
        )
        for child in children
        if child in sums
    ]
    if None in sums:
        name = nodes[at][1] if at in nodes else translate("None")
        rows.append(SliceRow(key="", code="", name=name, figures=sums[None]))
    return rows


def _rows(by: Dimension, found: dict[Any, Figures]) -> list[SliceRow]:
    names = _names(by)
    rows = []
    for key, figures in found.items():
        code, name = names.get(key, (str(key or ""), translate("None") if not key else str(key)))
        rows.append(SliceRow(key=str(key), code=code, name=name, figures=figures))
    return sorted(rows, key=lambda row: (row.name, row.key))


def _names(by: Dimension) -> dict[Any, tuple[str, str]]:
    if by is Dimension.SERVICE:
        return {service.value: (service.value, str(service.label)) for service in Service}
    if by is Dimension.CLASS:
        return {one.value: (one.value, str(one.label)) for one in Category}
    statement = {
        Dimension.PROVIDER: "SELECT id, code, name FROM customers_party",
        Dimension.TARIFF: "SELECT id, code, name FROM tariffs_tariff",
        Dimension.PERSON: """SELECT id, username, coalesce(nullif(trim(first_name || ' ' || last_name), ''), username)
                             FROM staff_user""",
    }[by]
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return {row[0]: (row[1], row[2]) for row in cursor.fetchall()}


def _nodes(on_date: date) -> dict[int, tuple[str, str, int | None]]:
    """Code, name and parent of every node of the network on a day."""
    with connection.cursor() as cursor:
        cursor.execute(_NODES, {"on_date": on_date})
        return {row[0]: (row[1], row[2], row[3]) for row in cursor.fetchall()}


def _parents(nodes: dict[int, tuple[str, str, int | None]]) -> dict[int, int | None]:
    return {key: node[2] for key, node in nodes.items()}


def _below(top: int, parents: dict[int, int | None]) -> set[int]:
    """The part and all below it."""
    children: dict[int | None, list[int]] = {}
    for key, parent in parents.items():
        children.setdefault(parent, []).append(key)
    reached, waiting = set(), [top]
    while waiting:
        key = waiting.pop()
        if key not in reached:
            reached.add(key)
            waiting += children.get(key, [])
    return reached


def _last_day(asked: Slice) -> date:
    return asked.month_to - timedelta(days=1)


def _figures(columns: Sequence[int]) -> Figures:
    opening, accrued, recalculated, paid = columns
    return Figures(
        opening_minor=opening, accrued_minor=accrued, recalculated_minor=recalculated, paid_minor=paid
    )
