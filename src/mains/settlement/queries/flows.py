"""Who owes whom, live: what was collected for whom, what was passed on, and where the rest waits; down to the receipt.

Sums are read from the tallies of the batches and from the control accounts, which are few rows; only the last steps,
the accounts of a house and the payments of an account, read splits.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from mains.settlement.queries.parties import names_of_parties
from mains.staff.values import Scope

_WITHIN = "(%(everything)s OR {t}.organisation_id = ANY(%(reached)s))"
_PERIOD = """
    {t}.business_date BETWEEN %(since)s AND %(through)s
    AND {t}.recorded_at <= coalesce(%(as_of)s::timestamptz, 'infinity')
"""
_PARTS = """
    coalesce(sum({t}.amount_minor - {taken}), 0)::bigint, coalesce(-sum({taken}), 0)::bigint,
    coalesce(sum({t}.amount_minor) FILTER (WHERE {t}.kind = 'fee'), 0)::bigint,
    coalesce(sum({t}.amount_minor) FILTER (WHERE {t}.kind = 'share'), 0)::bigint
"""
_TALLIED = _PARTS.format(t="y", taken="y.taken_minor")
_SPLIT = _PARTS.format(t="y", taken="least(y.amount_minor, 0)")
_FLOWS = f"""
    SELECT y.payee_id, y.party_id, {_TALLIED} FROM settlement_tally y
    WHERE {_PERIOD.format(t="y")} AND {_WITHIN.format(t="y")} GROUP BY 1, 2 ORDER BY 1, 2
"""
# As of the last day of the period, whatever its first: what waits, waits since ever.
_BALANCES = f"""
    SELECT p.control, p.provider_id, -sum(p.amount_minor)::bigint,
           coalesce(sum(p.amount_minor) FILTER (WHERE t.kind <> 'settlement_split' AND t.business_date >= %(since)s), 0)
           ::bigint
    FROM ledger_posting p JOIN ledger_transaction t ON t.id = p.transaction_id
    WHERE p.control IN ('payable', 'transit') AND t.business_date <= %(through)s
      AND t.recorded_at <= coalesce(%(as_of)s::timestamptz, 'infinity')
      AND (p.control = 'transit' OR {_WITHIN.format(t="p")})
    GROUP BY 1, 2
"""
_HOUSES = f"""
    SELECT y.building_id, coalesce(b.city || ', ' || b.street || ', ' || b.house, ''), {_TALLIED}
    FROM settlement_tally y LEFT JOIN network_building b ON b.id = y.building_id
    WHERE (y.payee_id = %(party_id)s OR y.party_id = %(party_id)s) AND {_PERIOD.format(t="y")}
      AND {_WITHIN.format(t="y")} AND y.building_id > %(after)s
    GROUP BY 1, 2 ORDER BY 1 LIMIT %(limit)s
"""
_ACCOUNTS = f"""
    SELECT y.account_id, a.number, mains_name(c.name), {_SPLIT}
    FROM settlement_split y JOIN customers_account a ON a.id = y.account_id
    JOIN customers_customer c ON c.id = a.customer_id
    WHERE y.account_id IN (
        SELECT g.account_id FROM customers_agreement g JOIN network_servicepoint s ON s.id = g.service_point_id
        JOIN network_premise h ON h.id = s.premise_id WHERE h.building_id = %(building_id)s)
      AND y.building_id = %(building_id)s AND (y.payee_id = %(party_id)s OR y.party_id = %(party_id)s)
      AND {_PERIOD.format(t="y")} AND {_WITHIN.format(t="y")} AND y.account_id > %(after)s
    GROUP BY 1, 2, 3 ORDER BY 1 LIMIT %(limit)s
"""
_RECEIPTS = f"""
    SELECT y.document_id, y.business_date, y.service, {_SPLIT}
    FROM settlement_split y
    WHERE y.account_id = %(account_id)s AND (y.payee_id = %(party_id)s OR y.party_id = %(party_id)s)
      AND {_PERIOD.format(t="y")} AND {_WITHIN.format(t="y")}
    GROUP BY 1, 2, 3 ORDER BY 2, 1, 3
"""


@dataclass(frozen=True, kw_only=True)
class Span:
    """Business days, both included, and the instant by which things were recorded (None: now)."""

    since: date
    through: date
    as_of: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Minor units: collected − taken back − fee = due."""

    collected_minor: int
    taken_back_minor: int
    fee_minor: int
    due_minor: int


@dataclass(frozen=True, kw_only=True)
class Flow(Parts):
    """What was collected for `party`, and paid or to be paid to `payee`; they differ in a chain."""

    payee_id: int
    payee: str
    party_id: int
    party: str


@dataclass(frozen=True, kw_only=True)
class PayeeFigures(Parts):
    """A payee's parts in the span; ordered in the span; waiting, and at the bank, at the end of it."""

    party_id: int
    name: str
    ordered_minor: int
    at_bank_minor: int
    waiting_minor: int


@dataclass(frozen=True, kw_only=True)
class Line(Parts):
    """A row of a drill-down: a house, an account, or a receipt on a day. `key` is its id."""

    key: int
    title: str
    note: str = ""
    on_date: date | None = None


def list_flows(*, scope: Scope, span: Span) -> list[Flow]:
    """What went to whom through whom, of the units in the scope."""
    names = names_of_parties()
    return [
        Flow(
            payee_id=payee,
            payee=_name(names, payee),
            party_id=party,
            party=_name(names, party),
            **_parts(figures),
        )
        for payee, party, *figures in _ask(_FLOWS, scope, span)
    ]


def list_payee_figures(*, scope: Scope, span: Span, flows: list[Flow]) -> list[PayeeFigures]:
    """One row a payee, by name: `flows` summed, with what was ordered and what waits."""
    names = names_of_parties()
    waiting: dict[int, int] = {}
    ordered: dict[int, int] = {}
    at_bank: dict[int, int] = {}
    for control, payee, balance, ordered_minor in _ask(_BALANCES, scope, span):
        if control == "transit":
            at_bank[payee] = balance
        else:
            waiting[payee], ordered[payee] = balance, ordered_minor
    payees = {flow.payee_id for flow in flows} | {payee for payee, minor in waiting.items() if minor}
    rows = []
    for payee in payees:
        mine = [flow for flow in flows if flow.payee_id == payee]
        rows.append(
            PayeeFigures(
                party_id=payee,
                name=_name(names, payee),
                collected_minor=sum(flow.collected_minor for flow in mine),
                taken_back_minor=sum(flow.taken_back_minor for flow in mine),
                fee_minor=sum(flow.fee_minor for flow in mine),
                due_minor=sum(flow.due_minor for flow in mine),
                ordered_minor=ordered.get(payee, 0),
                at_bank_minor=at_bank.get(payee, 0) if scope.organisation_ids is None else 0,
                waiting_minor=waiting.get(payee, 0),
            )
        )
    return sorted(rows, key=lambda row: (row.name, row.party_id))


def list_houses(*, scope: Scope, span: Span, party_id: int, after: int = -1, limit: int = 100) -> list[Line]:
    """The houses whose customers paid for a party, as payee or in a chain; keyset-paged by `after`."""
    found = _ask(_HOUSES, scope, span, party_id=party_id, after=after, limit=limit)
    return [Line(key=key, title=title, **_parts(figures)) for key, title, *figures in found]


def list_accounts(
    *, scope: Scope, span: Span, party_id: int, building_id: int, after: int = 0, limit: int = 100
) -> list[Line]:
    """The accounts of a house that paid for a party; keyset-paged by `after`."""
    found = _ask(_ACCOUNTS, scope, span, party_id=party_id, building_id=building_id, after=after, limit=limit)
    return [
        Line(key=key, title=number, note=name, **_parts(figures)) for key, number, name, *figures in found
    ]


def list_receipts(*, scope: Scope, span: Span, party_id: int, account_id: int) -> list[Line]:
    """The receipts of an account of which a party has a part, each with the days of its changes."""
    found = _ask(_RECEIPTS, scope, span, party_id=party_id, account_id=account_id)
    return [
        Line(key=key, title=str(key), note=service, on_date=day, **_parts(figures))
        for key, day, service, *figures in found
    ]


def _ask(statement: str, scope: Scope, span: Span, **more: Any) -> list[Any]:
    params = {
        "everything": scope.organisation_ids is None,
        "reached": sorted(scope.organisation_ids or ()),
        "since": span.since,
        "through": span.through,
        "as_of": span.as_of,
        **more,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return list(cursor.fetchall())


def _parts(figures: list[int]) -> dict[str, Any]:
    collected, taken_back, fee, due = figures
    return {
        "collected_minor": collected,
        "taken_back_minor": taken_back,
        "fee_minor": fee,
        "due_minor": due,
    }


def _name(names: dict[int, tuple[str, str]], party_id: int) -> str:
    return names.get(party_id, ("", str(party_id)))[1]
