"""Components of a group of items: pieces by segment or for the period, rounding, lines, total."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import polars as pl

from mains.engine.columns import rational
from mains.engine.columns.compiled import Structure
from mains.engine.columns.group import Group
from mains.engine.columns.interpreter import View, find_flags, find_number, weighted
from mains.engine.columns.rational import Rational
from mains.engine.columns.runs import Run, Runs
from mains.engine.facts import MICRO
from mains.engine.language.units import Unit
from mains.engine.tariff.model import CALENDAR_CUTS, POSTED_KINDS, Component, Rounding
from mains.kernel.rounding import RoundingMode

ZERO = rational.constant(0)


@dataclass(frozen=True)
class Piece:
    """A component in one scope. `active` is None when every item has it."""

    active: pl.Series | None
    unrounded: Rational
    value: Rational
    quantity: Rational | None


NOTHING = Piece(pl.Series([False]), ZERO, ZERO, None)


@dataclass(frozen=True)
class Slot:
    """A line that each item of the group may have, over the segments of `run`; None for the whole period."""

    component: str
    kind: str
    run: Run | None
    active: pl.Series | None
    quantity_micro: pl.Series | None
    amount_minor: pl.Series | None
    value: Rational


@dataclass(frozen=True)
class _Computed:
    whole: tuple[Rational, Rational]
    by_segment: tuple[tuple[Rational, Rational], ...]
    figure: bool = False

    def over(self, run: Run) -> tuple[Rational, Rational]:
        """(posted, unrounded) over some segments: the sum of the parts there, or the one value of a figure."""
        if len(run) == len(self.by_segment):
            return self.whole
        parts = [self.by_segment[at] for at in run]
        if self.figure:
            return parts[0]
        return _sum([posted for posted, _ in parts]), _sum([unrounded for _, unrounded in parts])


class GroupRater:
    """Computes all components of a group whose segment k has structure `structures[k]`. Raises TooLarge."""

    def __init__(self, *, group: Group, structures: Sequence[Structure], runs: Runs) -> None:
        self._runs = runs
        self._group = group
        self._structures = structures
        self._computed: dict[str, _Computed] = {}
        self._slots: dict[str, list[Slot]] = {}
        self.bad: pl.Series | None = None

    def rate(self) -> list[Slot]:
        """All lines in printed order. Afterwards `bad` holds the reason of each item that must be refused."""
        last = self._structures[-1]
        for name in last.computing_order:
            present = [structure.by_name.get(name) for structure in self._structures]
            component = next((item for item in reversed(present) if item is not None), None)
            if component is None:
                continue
            if component.cut in CALENDAR_CUTS:
                self._computed[name] = self._by_calendar(component)
            else:
                self._computed[name] = self._compute(component, present)
        slots = [slot for name in last.printed_order for slot in self._slots.get(name, [])]
        return [*slots, *self._rounding(slots, last)]

    def _compute(self, component: Component, present: Sequence[Component | None]) -> _Computed:
        compute = self._split if component.on_change == "split" else self._whole
        return compute(component, present)

    # --- the calendar

    def _by_calendar(self, last: Component) -> _Computed:
        """Each month, quarter or year is rated as a period of its own; the items all part at the same segments."""
        first = self._group.unit_starts(last.cut)
        self._note_bad(self._group.beyond_unit(last.cut), None)
        starts = [0, *(at for at in self._all[1:] if first[0, at] != first[0, at - 1])]
        blocks = [
            tuple(range(start, end)) for start, end in zip(starts, [*starts[1:], len(self._all)], strict=True)
        ]
        parts = [self._in_block(last.name, block) for block in blocks]
        by_segment = tuple(pair for part in parts for pair in part.by_segment)
        posted, unrounded = ([part.whole[at] for part in parts] for at in (0, 1))
        if not last.figure:
            return _Computed((_sum(posted), _sum(unrounded)), by_segment)
        if len(parts) == 1:
            return _Computed(parts[0].whole, by_segment, figure=True)
        days = self._group.time("days", Fraction(1), self._all)
        shares = [
            rational.divide(self._group.time("days", Fraction(1), block), days, reason=0) for block in blocks
        ]
        means = [
            _sum([rational.multiply(value, share) for value, share in zip(values, shares, strict=True)])
            for values in (posted, unrounded)
        ]
        return _Computed((_rounded(means[0], last.rounding), means[1]), by_segment, figure=True)

    def _in_block(self, name: str, block: Run) -> _Computed:
        """The component over some segments alone; its lines are kept as lines of those segments."""
        structures = [self._structures[at] for at in block]
        runs = {other: _runs_within(found, block) for other, found in self._runs.items()}
        inner = GroupRater(group=self._group.part(block), structures=structures, runs=runs)
        for other, computed in self._computed.items():
            inner._computed[other] = self._seen_within(other, computed, block, inner)
        present = [structure.by_name.get(name) for structure in structures]
        component = next((item for item in reversed(present) if item is not None), None)
        if component is None:
            return _Computed((ZERO, ZERO), ((ZERO, ZERO),) * len(block))
        computed = inner._compute(component, present)
        self.bad = rational.join_bad(self.bad, inner.bad)
        slots = (
            replace(slot, run=block if slot.run is None else tuple(block[at] for at in slot.run))
            for slot in inner._slots.get(name, [])
        )
        self._slots.setdefault(name, []).extend(slots)
        return computed

    def _seen_within(self, name: str, computed: _Computed, block: Run, inner: "GroupRater") -> _Computed:
        """Another component as it is seen from inside some adjoining segments: a figure by its mean there."""
        parts = tuple(computed.by_segment[at] for at in block)
        whole = computed.over(block)
        if computed.figure and len(block) < self._group.segments:
            means = [weighted(list(values), inner._group) for values in zip(*parts, strict=True)]
            present = (self._structures[at].by_name.get(name) for at in reversed(block))
            rounding = next((each.rounding for each in present if each is not None), None)
            whole = (_rounded(means[0], rounding), means[1])
        return _Computed(whole, parts, figure=computed.figure)

    # --- scopes

    @property
    def _all(self) -> tuple[int, ...]:
        return tuple(range(self._group.segments))

    def _view(self, measured: tuple[int, ...], priced: tuple[int, ...], component: Component) -> View:
        structure = self._structures[priced[-1]]
        amounts = dict.fromkeys(structure.computing_order, (ZERO, ZERO))
        for name, computed in self._computed.items():
            # A figure, such as a unit price, is a price: it holds as in the segments whose prices hold.
            amounts[name] = computed.over(priced if computed.figure else measured)
        return View(self._group, measured, priced, component, amounts, dict(structure.defaults))

    def _piece(self, view: View, rounding: Rounding | None) -> Piece:
        component = view.component
        unrounded = find_number(component.formula, view)
        quantity = find_number(component.quantity, view) if component.quantity is not None else None
        active = None
        if component.condition is not None:
            condition = find_flags(component.condition, view)
            active = condition.values
            self._note_bad(condition.bad, None)
            unrounded = rational.pick(active, unrounded, ZERO)
        self._note_bad(unrounded.bad, active)
        if quantity is not None:
            self._note_bad(quantity.bad, active)
        return Piece(active, unrounded, _rounded(unrounded, rounding), quantity)

    def _note_bad(self, bad: pl.Series | None, active: pl.Series | None) -> None:
        if bad is not None and active is not None:
            bad = rational.pick_bad(active, bad, None)
        self.bad = rational.join_bad(self.bad, bad)

    # --- components

    def _split(self, last: Component, present: Sequence[Component | None]) -> _Computed:
        each = last.each == "segment"
        runs = self._runs.get(last.name, tuple((at,) for at in self._all))
        pieces = []
        for run in runs:
            component = present[run[0]]
            if component is None:
                pieces.append(NOTHING)
            else:
                rounding = component.rounding if each else None
                pieces.append(self._piece(self._view(run, run[:1], component), rounding))
        unrounded = _sum([piece.unrounded for piece in pieces])
        if each:
            self._slots[last.name] = [
                self._slot(last, run, piece)
                for run, piece in zip(runs, pieces, strict=True)
                if piece is not NOTHING
            ]
        if last.figure:
            return self._figure(last, runs, pieces)
        if each:
            whole = (_sum([piece.value for piece in pieces]), unrounded)
            return self._computed_of(whole, runs, [(piece.value, piece.unrounded) for piece in pieces])
        value = _rounded(unrounded, last.rounding)
        others = _sum([piece.unrounded for piece in pieces[:-1]])
        parts = [piece.unrounded for piece in pieces[:-1]] + [rational.subtract(value, others)]
        period = Piece(_any(pieces), unrounded, value, _sum_quantities(pieces))
        self._slots[last.name] = [self._slot(last, None, period)]
        both = [(part, piece.unrounded) for part, piece in zip(parts, pieces, strict=True)]
        return self._computed_of((value, unrounded), runs, both)

    def _figure(self, last: Component, runs: Sequence[Run], pieces: Sequence[Piece]) -> _Computed:
        """A figure keeps its value in each segment; over the period it is the mean by days."""
        by_segment = tuple(
            (piece.value, piece.unrounded) for run, piece in zip(runs, pieces, strict=True) for _ in run
        )
        if len(runs) == 1:
            return _Computed(by_segment[0], by_segment, figure=True)
        means = [weighted(list(values), self._group) for values in zip(*by_segment, strict=True)]
        return _Computed((_rounded(means[0], last.rounding), means[1]), by_segment, figure=True)

    def _computed_of(
        self,
        whole: tuple[Rational, Rational],
        runs: Sequence[Run],
        parts: Sequence[tuple[Rational, Rational]],
    ) -> _Computed:
        """Spreads the part of a run over its segments by days."""
        by_segment = []
        for run, (posted, unrounded) in zip(runs, parts, strict=True):
            for at in run:
                share = self._share(at, run)
                by_segment.append((rational.multiply(posted, share), rational.multiply(unrounded, share)))
        return _Computed(whole, tuple(by_segment))

    def _share(self, at: int, run: Run) -> Rational:
        if len(run) == 1:
            return rational.constant(1)
        days = self._group.time("days", Fraction(1), run)
        return rational.divide(self._group.days_of(at), days, reason=0)

    def _whole(self, last: Component, present: Sequence[Component | None]) -> _Computed:
        if last.on_change == "average":
            piece = self._piece(self._view(self._all, self._all, last), last.rounding)
        elif last.on_change == "weight" and self._group.segments > 1:
            piece = self._weighted(last, present)
        else:
            at = 0 if last.on_change == "start" else self._group.segments - 1
            component = present[at]
            piece = (
                NOTHING
                if component is None
                else self._piece(self._view(self._all, (at,), component), component.rounding)
            )
        self._slots[last.name] = [self._slot(last, None, piece)]
        whole = (piece.value, piece.unrounded)
        if last.figure:
            return _Computed(whole, (whole,) * self._group.segments, figure=True)
        return self._computed_of(whole, [self._all], [whole])

    def _weighted(self, last: Component, present: Sequence[Component | None]) -> Piece:
        """The whole at each segment's prices, each counting by its days."""
        pieces = [
            NOTHING if component is None else self._piece(self._view(self._all, (at,), component), None)
            for at, component in enumerate(present)
        ]
        unrounded = weighted([piece.unrounded for piece in pieces], self._group)
        quantity = None
        for piece in pieces:
            if piece.quantity is not None:
                known = piece.quantity
                quantity = (
                    known
                    if quantity is None or piece.active is None
                    else rational.pick(piece.active, known, quantity)
                )
        return Piece(_any(pieces), unrounded, _rounded(unrounded, last.rounding), quantity)

    # --- lines

    def _slot(self, component: Component, run: Run | None, piece: Piece) -> Slot:
        structure = self._structures[-1]
        is_money = component.kind != "quantity" and component.unit == self._money
        quantity = piece.quantity if is_money else piece.value
        return Slot(
            component=component.name,
            kind=component.kind,
            run=run,
            active=piece.active,
            quantity_micro=None if quantity is None else rational.to_int64(quantity, per_unit=MICRO),
            amount_minor=_minor(piece.value, structure) if is_money else None,
            value=piece.value,
        )

    @property
    def _money(self) -> Unit:
        return self._group.frame.tariffs.editions[
            int(self._group.frame.edition[self._group.rows[0, -1]])
        ].tariff.units.money

    def _rounding(self, slots: Sequence[Slot], structure: Structure) -> list[Slot]:
        rounding = structure.total_rounding
        if rounding is None:
            return []
        posted = [slot for slot in slots if slot.kind in POSTED_KINDS and slot.amount_minor is not None]
        total = _rounded(_sum([slot.value for slot in posted]), rounding)
        lines = _sum([_active_amount(slot) for slot in posted])
        difference = rational.subtract(rational.column(_minor(total, structure), scale=1), lines)
        amount = rational.to_int64(difference, per_unit=1)
        return [Slot("rounding", "rounding", None, amount != 0, None, amount, difference)]


def _runs_within(runs: Sequence[Run], block: Run) -> tuple[Run, ...]:
    """Runs cut to a block, numbered from its first segment."""
    inside = (tuple(at - block[0] for at in run if at in block) for run in runs)
    return tuple(run for run in inside if run)


def _active_amount(slot: Slot) -> Rational:
    assert slot.amount_minor is not None
    amount = rational.column(slot.amount_minor, scale=1)
    return amount if slot.active is None else rational.pick(slot.active, amount, ZERO)


def _rounded(value: Rational, rounding: Rounding | None) -> Rational:
    return value if rounding is None else rational.round_to(value, step=rounding.step, mode=rounding.mode)


def _minor(value: Rational, structure: Structure) -> pl.Series:
    """Whole minor units; a value finer than the currency's smallest coin goes to the nearest, half up."""
    rounded = rational.round_to(value, step=structure.minor_unit, mode=RoundingMode.HALF_UP)
    return rational.to_int64(rounded, per_unit=structure.posting_scale)


def _sum(values: Sequence[Rational]) -> Rational:
    total = ZERO
    for value in values:
        total = rational.add(total, value)
    return total


def _any(pieces: Sequence[Piece]) -> pl.Series | None:
    """Where any piece is active."""
    found: pl.Series | None = None
    for piece in pieces:
        if piece.active is None:
            return None
        found = piece.active if found is None else found | piece.active
    return found


def _sum_quantities(pieces: Sequence[Piece]) -> Rational | None:
    known = [
        replace(p.quantity, bad=None)
        if p.active is None
        else rational.pick(p.active, replace(p.quantity, bad=None), ZERO)
        for p in pieces
        if p.quantity is not None
    ]
    return _sum(known) if known else None
