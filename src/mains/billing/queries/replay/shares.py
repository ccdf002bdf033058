"""What service points were given of the remainders of the nodes above them, for many accounts at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any

from mains.balance.queries.exact import (
    BalanceFacts,
    NodeBalance,
    known_at,
    prove_balance,
    read_balance_facts,
    stored_balances,
)
from mains.billing.queries.replay.histories import Histories
from mains.billing.queries.replay.rows import Agreement
from mains.kernel.period import next_month

Known = tuple[tuple[int, datetime, datetime | None], ...]
"""Nodes with the instants at which their balance and its shares became known."""


@dataclass
class NodeShares:
    """Shares of the points of `histories`; balances of a month and instant are read once for all of them."""

    histories: Histories
    _rows: dict[tuple[date, datetime], Mapping[int, dict[str, Any]]] = field(default_factory=dict)
    _facts: dict[tuple[date, datetime, datetime], BalanceFacts] = field(default_factory=dict)
    _known: dict[tuple[frozenset[int], date, datetime], Known] = field(default_factory=dict)
    _proved: dict[tuple[int, date, datetime], Sequence[NodeBalance]] = field(default_factory=dict)

    def known(self, nodes: frozenset[int], month: date, as_of: datetime) -> Known:
        """Which balances of the nodes were known."""
        key = (nodes, month, as_of)
        found = self._known.get(key)
        if found is None:
            rows = self._stored(month, as_of)
            found = self._known[key] = tuple(
                [
                    (node, rows[node]["recorded_at"], rows[node]["shares_at"])
                    for node in sorted(nodes & rows.keys())
                ]
            )
        return found

    def days(self, agreement: Agreement, month: date, as_of: datetime) -> Sequence[int]:
        """The point's shares of each day of the month, of all nodes together, in micro-units.

        Raises UnableToShowBalance where the exact twin finds another balance than is stored.
        """
        key = (agreement.node_id, month, as_of)
        balances = self._proved.get(key)
        if balances is None:
            balances = self._proved[key] = self._prove(*key)
        total: Sequence[int] = [0] * (next_month(month) - month).days
        for at, balance in enumerate(balances):
            shares = balance.share_days(agreement.service_point_id)
            total = [sum(pair) for pair in zip(total, shares, strict=True)] if at else shares
        return total

    def _prove(self, node_id: int, month: date, as_of: datetime) -> list[NodeBalance]:
        """The balances of the nodes above a node, computed again."""
        rows = self._stored(month, as_of)
        above = self._above(node_id, month, as_of) if rows else ()
        return [
            prove_balance(rows[node], partial(self._facts_of, rows, rows[node], as_of))
            for node in above
            if node in rows
        ]

    def _facts_of(
        self, rows: Mapping[int, dict[str, Any]], row: dict[str, Any], as_of: datetime
    ) -> BalanceFacts:
        """Facts of the row's balance, read at once with those of all others drawn up from the same knowledge."""
        key = (row["month"], known_at(row), as_of)
        if key not in self._facts:
            alike = [node for node, other in rows.items() if known_at(other) == key[1]]
            self._facts[key] = read_balance_facts(node_ids=alike, month=key[0], at=key[1])
        return self._facts[key]

    def _stored(self, month: date, as_of: datetime) -> Mapping[int, dict[str, Any]]:
        found = self._rows.get((month, as_of))
        if found is None:
            nodes = {row.node_id for rows in self.histories.agreements.values() for row in rows}
            for placements in self.histories.placements.values():
                nodes |= {row.parent_id for row in placements if row.parent_id is not None}
            found = self._rows[month, as_of] = stored_balances(node_ids=nodes, month=month, as_of=as_of)
        return found

    def _above(self, node: int, month: date, as_of: datetime) -> list[int]:
        """The node and all that stood above it on a day of the month, as believed."""
        following = next_month(month)
        found, rest = [], [node]
        while rest:
            node = rest.pop()
            if node not in found:
                found.append(node)
                rest += [
                    row.parent_id
                    for row in self.histories.placements.get(node, ())
                    if row.parent_id is not None
                    and row.recorded_at <= as_of
                    and (row.superseded_at is None or row.superseded_at > as_of)
                    and row.valid_from < following
                    and (row.valid_to is None or row.valid_to > month)
                ]
        return found
