"""What an account owes for a month by the facts believed at an instant, computed by the exact interpreters.

The rules are those of the explanations (`explain/evidence.py`, `explain/facts.py`, `explain/usage.py`), and a test
holds these amounts against theirs. Here nothing is said about where a number comes from, and what has not changed since
the instant before is not computed again.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction

from mains.billing.queries.explain.evidence import tariff_of_document
from mains.billing.queries.explain.intervals import (
    days_told,
    known_intervals,
    known_prices,
    measure_item,
)
from mains.billing.queries.explain.usage import averages_of_class, check_use
from mains.billing.queries.replay.carried import Left, count_known, opening_of
from mains.billing.queries.replay.histories import (
    Agreement,
    Believed,
    Edition,
    Histories,
    Installed,
    believed,
)
from mains.billing.queries.replay.shapes import item_shape
from mains.billing.queries.replay.shares import Known, NodeShares
from mains.billing.values import COMMON_USE, LineKind
from mains.engine.exact.amounts import AmountTapes
from mains.engine.facts import MICRO
from mains.engine.intervals import Measured
from mains.engine.tariff.model import Tariff
from mains.engine.usage.exact import Installation, Point, PointReadings, compute_daily_usage
from mains.kernel.errors import MainsError
from mains.kernel.period import next_month
from mains.metering.actions.usage import RULES
from mains.metering.values import DayQuality, Zone

Key = tuple[int, date, str, str]
"""Agreement, month of use, component, kind."""
Use = Mapping[int, list[int]]
"""Micro-units of each day of a month, by zone."""

_KINDS = frozenset(LineKind.values)
_ONE = Fraction(1)
_tapes = AmountTapes()


@dataclass(frozen=True)
class Owed:
    """Amounts in minor units under each key of a month, what it leaves of balances, and what could not be computed, in
    words."""

    amounts: Mapping[Key, int]
    problems: tuple[tuple[int, str], ...] = ()
    """Agreement and why it cannot be rated."""
    left: Left = field(default_factory=dict)


@dataclass
class MonthlyAmounts:
    """Amounts of the accounts of `histories`, computed when asked for and kept while the facts stay the same."""

    histories: Histories
    _instants: dict[int, list[datetime]] = field(default_factory=dict)
    _found: dict[tuple[int, date, int, int, int, Known], Owed] = field(default_factory=dict)
    _above: dict[int, set[int]] = field(default_factory=dict)
    _sharing_nodes: dict[int, frozenset[int]] = field(default_factory=dict)
    _use: dict[tuple[int, date, int], Use] = field(default_factory=dict)
    _valid: dict[tuple[int, datetime, tuple[tuple[int, Fraction], ...]], PointReadings] = field(
        default_factory=dict
    )

    def __post_init__(self) -> None:
        self._shares = NodeShares(self.histories)

    def owed(self, account_id: int, month: date, as_of: datetime) -> Owed:
        """The account's amounts for `month` by what was believed at `as_of`; the same object while that is the same."""
        instants = self._instants.get(account_id)
        if instants is None:
            instants = self._instants[account_id] = self._instants_of(account_id)
        known_use = 0
        for point in {row.service_point_id for row in self.histories.agreements.get(account_id, ())}:
            stored = self.histories.stored.get((point, month), ())
            known_use += sum(1 for row in stored if row.recorded_at <= as_of)
        sharing = self._sharing_nodes.get(account_id)
        if sharing is None:
            sharing = self._sharing_nodes[account_id] = self._nodes_that_share(account_id)
        shares = self._shares.known(sharing, month, as_of) if sharing else ()
        known_balances = count_known(self.histories, account_id, month, as_of)
        key = (account_id, month, bisect_right(instants, as_of), known_use, known_balances, shares)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._compute(account_id, month, as_of)
        return found

    def agreements_left(self, account_id: int, as_of: datetime) -> frozenset[int]:
        """The account's agreements, ever believed, for service points that it does not pay for after the day of
        `as_of`."""
        ever = [row for row in self.histories.agreements.get(account_id, ()) if row.recorded_at <= as_of]
        tomorrow = as_of.date() + timedelta(days=1)
        held = {
            row.service_point_id
            for row in believed(ever, as_of)
            if row.valid_to is None or row.valid_to > tomorrow
        }
        return frozenset(row.id for row in ever if row.service_point_id not in held)

    def _instants_of(self, account_id: int) -> list[datetime]:
        """When anything about the account became known or was no longer believed, readings apart: these count through
        the daily use that was computed from them."""
        histories = self.histories
        agreements = histories.agreements.get(account_id, ())
        nodes = {node for row in agreements for node in self._ever_above(row.node_id)}
        rows: list[Believed] = [*agreements, *histories.openings.get(account_id, ())]
        for row in agreements:
            rows += histories.premise_states.get(row.premise_id, ())
            rows += histories.absences.get(row.premise_id, ())
            rows += histories.installed.get(row.service_point_id, ())
            rows += histories.conditions.get(row.service_point_id, ())
            rows += histories.editions.get(row.tariff_id, ())
        told = {
            fact.recorded_at
            for point in {row.service_point_id for row in agreements}
            for fact in histories.intervals.get(point, ())
        }
        told |= {fact.recorded_at for fact in histories.prices}
        for node in nodes:
            rows += histories.placements.get(node, ())
            rows += histories.node_states.get(node, ())
            rows += histories.node_figures.get(node, ())
        known = {at for row in rows for at in (row.recorded_at, row.superseded_at) if at is not None}
        return sorted(known | told)

    def _nodes_that_share(self, account_id: int) -> frozenset[int]:
        """Nodes ever above the account's points whose tariffs, in any edition, read what nodes share out."""
        found: set[int] = set()
        for row in self.histories.agreements.get(account_id, ()):
            editions = self.histories.editions.get(row.tariff_id, ())
            if any(COMMON_USE in tariff_of_document(each.document).quantities for each in editions):
                found |= self._ever_above(row.node_id)
        return frozenset(found)

    def _ever_above(self, start: int) -> set[int]:
        known = self._above.get(start)
        if known is not None:
            return known
        found, rest = {start}, [start]
        while rest:
            for row in self.histories.placements.get(rest.pop(), ()):
                if row.parent_id is not None and row.parent_id not in found:
                    found.add(row.parent_id)
                    rest.append(row.parent_id)
        self._above[start] = found
        return found

    def _compute(self, account_id: int, month: date, as_of: datetime) -> Owed:
        following = next_month(month)
        known = [
            row
            for row in self.histories.agreements.get(account_id, ())
            if row.recorded_at <= as_of and _overlaps(row, month, following)
        ]
        chains = list(_chains(believed(known, as_of), month, following))
        count = Counter(chain[0].parties for chain in chains)
        amounts: dict[Key, int] = {}
        left: dict[tuple[int, str], int] = {}
        problems: list[tuple[int, str]] = []
        for chain in chains:
            first = chain[0]
            agreement_id = first.id
            if count[first.parties] == 1:
                agreement_id = min(row.id for row in known if row.parties == first.parties)
            edition = next(iter(believed(self.histories.editions.get(first.tariff_id, ()), as_of)), None)
            if edition is None:
                continue
            tariff = tariff_of_document(edition.document)
            try:
                own = self._rate(edition, chain, month, following, as_of)
            except MainsError as error:
                problems.append((agreement_id, f"{agreement_id} {month}: {error.message} ({error.place})"))
                continue
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
        self, edition: Edition, chain: Sequence[Agreement], month: date, following: date, as_of: datetime
    ) -> Iterable[tuple[str, str, int]]:
        first, tariff = chain[0], tariff_of_document(edition.document)
        period = (max(first.valid_from, month), min(chain[-1].valid_to or following, following))
        shape, numbers = item_shape(
            document=edition.document,
            tariff=tariff,
            chain=chain,
            period_from=period[0],
            period_to=period[1],
            measured=self._measured(first.service_point_id, tariff, period, as_of),
            use=self._use_of(first, month, following, as_of),
            quantities=(
                {COMMON_USE: self._shares.days(first, month, as_of)}
                if COMMON_USE in tariff.quantities
                else {}
            ),
            openings=(
                opening_of(self.histories, chain=chain, tariff=tariff, month=month, as_of=as_of)
                if tariff.balances
                else {}
            ),
            histories=self.histories,
            as_of=as_of,
        )
        return _tapes.amounts(tariff=tariff, shape=shape, numbers=numbers)

    # --- use

    def _measured(
        self, point_id: int, tariff: Tariff, period: tuple[date, date], as_of: datetime
    ) -> Measured | None:
        """What intervals give, where the tariff reads them. Raises UnableToMeasure."""
        if not tariff.needs_intervals:
            return None
        facts = self.histories.intervals.get(point_id, ())
        known, _clock = known_intervals(facts, self.histories.hung(point_id), as_of)
        prices = known_prices(self.histories.prices, tariff, as_of)
        return measure_item(tariff, known, period_from=period[0], period_to=period[1], prices=prices).measured

    def _use_of(self, agreement: Agreement, month: date, following: date, as_of: datetime) -> Use:
        """The days that follow from the readings known when the stored days were computed; the two must agree."""
        point_id = agreement.service_point_id
        known = [row for row in self.histories.stored.get((point_id, month), ()) if row.recorded_at <= as_of]
        if not known:
            return {}
        key = (point_id, month, len(known))
        found = self._use.get(key)
        if found is None:
            stored = {
                row.zone: row for row in known
            }  # in the order of revisions, so the last one of each zone stays
            at = max(row.recorded_at for row in stored.values())
            averages: Mapping[int, Fraction] = {}
            if any(DayQuality.CLASS_AVERAGE in row.quality.upper() for row in stored.values()):
                code = f"{agreement.service} {agreement.premise_kind}"
                averages = averages_of_class(class_code=code, month=month)
            found = self._compute_use(agreement, month, following, at, averages)
            days = {zone: row.days_micro for zone, row in stored.items()}
            check_use(stored=days, computed=found, point_code=agreement.point_code, month=month)
            self._use[key] = found
        return found

    def _compute_use(
        self,
        agreement: Agreement,
        month: date,
        following: date,
        at: datetime,
        averages: Mapping[int, Fraction],
    ) -> Use:
        readings = self._readings(agreement, at, averages)
        found = compute_daily_usage(
            readings=readings,
            month_from=month,
            month_to=following,
            lookback_days=RULES.lookback_days,
            history_days_min=RULES.history_days_min,
            total_zone=int(Zone.TOTAL),
        )
        use = {int(zone): days for zone, days in found.items()}
        if agreement.service_point_id in self.histories.intervals:
            self._lay_over(use, readings, agreement.service_point_id, (month, following), at)
        return use

    def _lay_over(
        self,
        use: dict[int, list[int]],
        readings: PointReadings,
        point_id: int,
        month: tuple[date, date],
        at: datetime,
    ) -> None:
        """Put the days that intervals tell of in the place of others; those stay to which an act adds, and those of
        which readings tell and no interval of the day itself."""
        known, clock = known_intervals(self.histories.intervals[point_id], self.histories.hung(point_id), at)
        installed = believed(self.histories.installed.get(point_id, ()), at)
        acts = [row.act for row in believed(self.histories.acts.get(point_id, ()), at)]
        for zone, days in use.items():
            hung = [(row.valid_from, row.valid_to) for row in installed if row.zone == zone]
            told = days_told(known, clock, zone=zone, first=month[0], end=month[1], installed=hung)
            read = [
                stretch
                for chain in readings.chains
                if chain.installation.zone == zone
                for stretch in chain.stretches(*month)
            ]
            for day, found in told.items():
                has_act = any(act.zone == zone and act.valid_from <= day < act.valid_to for act in acts)
                is_read = any(stretch.first <= day < stretch.end for stretch in read)
                if not has_act and (found.has_own or not is_read):
                    days[(day - month[0]).days] = found.micro

    def _readings(
        self, agreement: Agreement, at: datetime, averages: Mapping[int, Fraction]
    ) -> PointReadings:
        """The point's readings as they were valid at an instant; the same for all months computed then."""
        key = (agreement.service_point_id, at, tuple(averages.items()))
        found = self._valid.get(key)
        if found is None:
            installed = believed(self.histories.installed.get(agreement.service_point_id, ()), at)
            readings = self.histories.readings
            registers = {row.register_id for row in installed}
            errors, acts = self.histories.errors, self.histories.acts.get(agreement.service_point_id, ())
            point = Point(
                connected=((agreement.connected_on, agreement.disconnected_on),),
                installations=tuple([_installation(row, averages.get(row.zone)) for row in installed]),
                readings=tuple(
                    [
                        reading
                        for register_id in registers
                        for recorded_at, superseded_at, reading in readings.get(register_id, ())
                        if recorded_at <= at and (superseded_at is None or superseded_at > at)
                    ]
                ),
                errors=tuple(
                    [row.error for each in registers for row in believed(errors.get(each, ()), at)]
                    if errors
                    else ()
                ),
                acts=tuple([row.act for row in believed(acts, at)]) if acts else (),
            )
            found = self._valid[key] = PointReadings(point, as_of_date=at.date())
        return found


def _installation(row: Installed, average: Fraction | None) -> Installation:
    return Installation(
        row.register_id,
        row.zone,
        row.digits,
        Fraction(row.multiplier_micro, MICRO) if row.multiplier_micro != MICRO else _ONE,
        row.valid_from,
        row.valid_to,
        average,
    )


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
