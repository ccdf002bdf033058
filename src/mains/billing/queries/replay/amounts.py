"""What an account owes for a month by the facts believed at an instant, computed by the exact interpreters.

The rules are those of the explanations (`explain/evidence.py`, `explain/facts.py`, `explain/usage.py`), and a test
holds these amounts against theirs. Here nothing is said about where a number comes from, and what has not changed since
the instant before is not computed again.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

from mains.billing.queries.explain.evidence import tariff_of_document
from mains.billing.queries.explain.intervals.believed import known_prices
from mains.billing.queries.explain.intervals.measuring import ItemMeasurer
from mains.billing.queries.explain.intervals.stated import stated_demands
from mains.billing.queries.replay.carried import Left, count_known, opening_of
from mains.billing.queries.replay.histories import Histories
from mains.billing.queries.replay.rows import Agreement, Believed, believed
from mains.billing.queries.replay.shapes import Item, item_shape
from mains.billing.queries.replay.shares import Known, NodeShares
from mains.billing.queries.replay.uses import DailyUses
from mains.billing.values import COMMON_USE, LineKind
from mains.engine.exact.amounts import Amounts, AmountTapes
from mains.engine.facts import MICRO
from mains.engine.intervals import Measured
from mains.engine.tariff.model import Tariff
from mains.kernel.errors import MainsError
from mains.kernel.period import next_month

Key = tuple[int, date, str, str]
"""Agreement, month of use, component, kind."""

_KINDS = frozenset(map(str, LineKind.values))
_tapes = AmountTapes()


class Owed(NamedTuple):
    """Amounts in minor units under each key of a month, what it leaves of balances, and what could not be computed, in
    words."""

    amounts: Mapping[Key, int]
    problems: tuple[tuple[int, str], ...]
    """Agreement and why it cannot be rated."""
    left: Left


class _About(NamedTuple):
    """What an account's amounts depend on: instants at which something about it became known or was no longer
    believed, its service points, and the nodes that share what is left."""

    instants: list[datetime]
    points: tuple[int, ...]
    sharing: frozenset[int]


@dataclass
class MonthlyAmounts:
    """Amounts of the accounts of `histories`, computed when asked for and kept while the facts stay the same."""

    histories: Histories
    _accounts: dict[int, _About] = field(default_factory=dict)
    _found: dict[tuple[int, date, int, int, int, Known, date | None], Owed] = field(default_factory=dict)
    _above: dict[int, frozenset[int]] = field(default_factory=dict)
    _instants_above: dict[int, frozenset[datetime]] = field(default_factory=dict)
    _measurer: ItemMeasurer = field(default_factory=ItemMeasurer)

    def __post_init__(self) -> None:
        self._shares = NodeShares(self.histories)
        self._uses = DailyUses(self.histories)

    def owed(self, account_id: int, month: date, as_of: datetime, *, until: date | None = None) -> Owed:
        """The account's amounts for `month`, or for its days before `until`, by what was believed at `as_of`; the same
        object while that is the same."""
        about = self._accounts.get(account_id)
        if about is None:
            about = self._accounts[account_id] = self._about(account_id)
        known_use = 0
        for point in about.points:
            for row in self.histories.stored.get((point, month), ()):
                known_use += row.recorded_at <= as_of
        shares = self._shares.known(about.sharing, month, as_of) if about.sharing else ()
        known_balances = count_known(self.histories, account_id, month, as_of)
        key = (
            account_id,
            month,
            bisect_right(about.instants, as_of),
            known_use,
            known_balances,
            shares,
            until,
        )
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._compute(account_id, month, as_of, until)
        return found

    def forget(self) -> None:
        """Drop what was computed: nothing of one account is asked for again with the next."""
        self._accounts.clear()
        self._found.clear()
        self._uses.forget()
        self._measurer.forget()

    def agreements_left_and_held(
        self, account_id: int, as_of: datetime
    ) -> tuple[frozenset[int], frozenset[int]]:
        """The account's agreements, ever believed, for service points that it does not pay for after the day of
        `as_of`, and those for service points that it does."""
        ever = [row for row in self.histories.agreements.get(account_id, ()) if row.recorded_at <= as_of]
        tomorrow = as_of.date() + timedelta(days=1)
        held = {
            row.service_point_id
            for row in believed(ever, as_of)
            if row.valid_to is None or row.valid_to > tomorrow
        }
        left = frozenset(row.id for row in ever if row.service_point_id not in held)
        return left, frozenset(row.id for row in ever) - left

    def _about(self, account_id: int) -> _About:
        agreements = self.histories.agreements.get(account_id, ())
        return _About(
            instants=self._instants_of(account_id, agreements),
            points=tuple({row.service_point_id for row in agreements}),
            sharing=self._nodes_that_share(agreements),
        )

    def _instants_of(self, account_id: int, agreements: Sequence[Agreement]) -> list[datetime]:
        """When anything about the account became known or was no longer believed, readings apart: these count through
        the daily use that was computed from them."""
        histories = self.histories
        rows: list[Believed] = [*agreements, *histories.openings.get(account_id, ())]
        for row in agreements:
            rows += histories.premise_states.get(row.premise_id, ())
            rows += histories.absences.get(row.premise_id, ())
            rows += histories.installed.get(row.service_point_id, ())
            rows += histories.conditions.get(row.service_point_id, ())
            rows += histories.editions.get(row.tariff_id, ())
        told = {fact.recorded_at for fact in histories.prices}
        if histories.intervals:
            for point in {row.service_point_id for row in agreements}:
                facts = histories.intervals.get(point, ())
                told |= {fact.recorded_at for fact in facts}
                for register in histories.installed.get(point, ()) if facts else ():
                    rows += histories.errors.get(register.register_id, ())
        return sorted(
            told.union(_instants(rows), *[self._instants_of_nodes(row.node_id) for row in agreements])
        )

    def _instants_of_nodes(self, start: int) -> frozenset[datetime]:
        """The same of a node and all that were ever above it."""
        found = self._instants_above.get(start)
        if found is None:
            rows: list[Believed] = []
            for node in self._ever_above(start):
                rows += self.histories.placements.get(node, ())
                rows += self.histories.node_states.get(node, ())
                rows += self.histories.node_figures.get(node, ())
            found = self._instants_above[start] = frozenset(_instants(rows))
        return found

    def _nodes_that_share(self, agreements: Sequence[Agreement]) -> frozenset[int]:
        """Nodes ever above the account's points whose tariffs, in any edition, read what nodes share out."""
        found: frozenset[int] = frozenset()
        for row in agreements:
            editions = self.histories.editions.get(row.tariff_id, ())
            if any(COMMON_USE in tariff_of_document(each.document).quantities for each in editions):
                above = self._ever_above(row.node_id)
                found = found | above if found else above
        return found

    def _ever_above(self, start: int) -> frozenset[int]:
        known = self._above.get(start)
        if known is not None:
            return known
        found, rest = {start}, [start]
        while rest:
            for row in self.histories.placements.get(rest.pop(), ()):
                if row.parent_id is not None and row.parent_id not in found:
                    found.add(row.parent_id)
                    rest.append(row.parent_id)
        self._above[start] = frozenset(found)
        return self._above[start]

    def _compute(self, account_id: int, month: date, as_of: datetime, until: date | None) -> Owed:
        following = next_month(month)
        end = min(until or following, following)
        known = [
            row
            for row in self.histories.agreements.get(account_id, ())
            if row.recorded_at <= as_of and _overlaps(row, month, end)
        ]
        chains = [*_chains(believed(known, as_of), month, following)]
        count = Counter([chain[0].parties for chain in chains])
        amounts: dict[Key, int] = {}
        left: dict[tuple[int, str], int] = {}
        problems: list[tuple[int, str]] = []
        for chain in chains:
            first = chain[0]
            agreement_id = first.id
            if count[first.parties] == 1 and len(known) > 1:
                agreement_id = min([row.id for row in known if row.parties == first.parties])
            edition = next(iter(believed(self.histories.editions.get(first.tariff_id, ()), as_of)), None)
            if edition is None:
                continue
            tariff = tariff_of_document(edition.document)
            try:
                own = self._rate(edition.document, tariff, chain, month, end, as_of)
            except MainsError as error:
                problems.append((agreement_id, f"{agreement_id} {month}: {error.message} ({error.place})"))
                continue
            if tariff.balances:
                left |= dict.fromkeys(((agreement_id, name) for name in tariff.balances), 0)
            for component, kind, figure in own:
                if kind in _KINDS:
                    key = (agreement_id, month, component, kind)
                    amounts[key] = amounts.get(key, 0) + figure
                elif kind == "balance":
                    is_money = tariff.balances[component] == tariff.units.money
                    left[agreement_id, component] += figure * (
                        MICRO // tariff.posting_scale if is_money else 1
                    )
        return Owed(amounts, tuple(problems), left)

    def _rate(
        self,
        document: str,
        tariff: Tariff,
        chain: Sequence[Agreement],
        month: date,
        end: date,
        as_of: datetime,
    ) -> Amounts:
        first, last = chain[0], chain[-1]
        period = (
            max(first.valid_from, month),
            end if last.valid_to is None else min(last.valid_to, end),
        )
        openings = {}
        if tariff.balances:
            openings = opening_of(self.histories, chain=chain, tariff=tariff, month=month, as_of=as_of)
        shape, numbers = item_shape(
            Item(
                document=document,
                tariff=tariff,
                chain=chain,
                period=period,
                measured=self._measured(first.service_point_id, tariff, period, as_of),
                use=self._uses.of(first, month, next_month(month), as_of),
                quantities=(
                    {COMMON_USE: self._shares.days(first, month, as_of)}
                    if COMMON_USE in tariff.quantities
                    else {}
                ),
                openings=openings,
                histories=self.histories,
                as_of=as_of,
            )
        )
        return _tapes.amounts(tariff=tariff, shape=shape, numbers=numbers)

    def _measured(
        self, point_id: int, tariff: Tariff, period: tuple[date, date], as_of: datetime
    ) -> Measured | None:
        """What intervals give, where the tariff reads them. Raises UnableToMeasure."""
        if not tariff.needs_intervals:
            return None
        known, _clock = self.histories.told_by_intervals(point_id).known(as_of)
        conditions = believed(self.histories.conditions.get(point_id, ()), as_of)
        return self._measurer.measure(
            tariff,
            known,
            period=period,
            prices=known_prices(self.histories.prices, tariff, as_of),
            stated=stated_demands(row._asdict() for row in conditions),
        ).measured


def _instants(rows: Sequence[Believed]) -> set[datetime]:
    found = {row.recorded_at for row in rows}
    found |= {row.superseded_at for row in rows if row.superseded_at is not None}
    return found


def _chains(agreements: Sequence[Agreement], month: date, following: date) -> Iterator[list[Agreement]]:
    """Agreement rows of one payer, point, tariff and provider that adjoin within the month."""
    if len(agreements) == 1:
        yield [*agreements]
        return
    groups: dict[tuple[int, ...], list[Agreement]] = defaultdict(list)
    for row in agreements:
        groups[row.parties].append(row)
    for parties in sorted(groups):
        chain: list[Agreement] = []
        for row in sorted(groups[parties], key=lambda row: (max(row.valid_from, month), row.id)):
            if chain and min(chain[-1].valid_to or following, following) != max(row.valid_from, month):
                yield chain
                chain = []
            chain.append(row)
        yield chain


def _overlaps(row: Agreement, first: date, end: date) -> bool:
    return row.valid_from < end and (row.valid_to is None or row.valid_to > first)
