"""Rates one account exactly: segments, components in order of dependence, rounding, total."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from mains.engine.calendar import start_of_unit
from mains.engine.exact.cut import Segment, cut_period
from mains.engine.exact.explanation import Step, show_short, unit_text
from mains.engine.exact.interpreter import evaluate, number
from mains.engine.exact.protocol import Line, Protocol
from mains.engine.exact.runs import Run, find_runs
from mains.engine.exact.scope import ComponentAmount, Scope, apply_rounding
from mains.engine.facts import MICRO, Facts
from mains.engine.tariff.model import CALENDAR_CUTS, POSTED_KINDS, Component, Rounding, Tariff
from mains.kernel.rounding import RoundingMode, as_int, round_to_step

_SUM_OVER = {"month": "sum over months", "quarter": "sum over quarters", "year": "sum over years"}


@dataclass(frozen=True)
class Piece:
    """A component in one scope: before and after rounding. Inactive when its condition is false."""

    active: bool
    unrounded: Fraction
    value: Fraction
    quantity: Fraction | None
    step: Step


@dataclass(frozen=True)
class Computed:
    """A component over the whole period and in every segment, as others see it, and the lines it prints."""

    whole: ComponentAmount
    by_segment: tuple[ComponentAmount, ...]
    lines: tuple[Line, ...]
    figure: bool
    cuts: frozenset[int]

    def over(self, run: Run) -> ComponentAmount:
        """The component over some segments: the sum of its parts there, or the one value of a figure."""
        parts = [self.by_segment[at] for at in run]
        if len(run) == len(self.by_segment):
            return self.whole
        if self.figure:
            return parts[0]
        posted = sum((part.posted for part in parts), Fraction(0))
        return ComponentAmount(posted, sum((part.unrounded for part in parts), Fraction(0)), parts[0].step)


def rate_exact(*, tariff: Tariff, facts: Facts) -> Protocol:
    """Lines, total and explanation of one item. Raises UnableToRate, naming the clause, when a fact or figure
    is missing.
    """
    return rate_segments(tariff=tariff, segments=cut_period(tariff=tariff, facts=facts))


def rate_segments(*, tariff: Tariff, segments: Sequence[Segment]) -> Protocol:
    """As `rate_exact`, for a period which is already cut."""
    rater = _Rater(tariff, tuple(segments))
    for name in tariff.computing_order:
        rater.compute(name)
    return rater.protocol()


class _Rater:
    def __init__(self, tariff: Tariff, segments: tuple[Segment, ...]) -> None:
        self._tariff = tariff
        self._segments = segments
        self._from, self._to = segments[0].from_date, segments[-1].to_date
        self._days = (self._to - self._from).days
        self._computed: dict[str, Computed] = {}

    def compute(self, name: str) -> None:
        present = [segment.version.by_name.get(name) for segment in self._segments]
        last = next((component for component in reversed(present) if component is not None), None)
        if last is None:
            return
        if last.cut in CALENDAR_CUTS:
            self._computed[name] = self._by_calendar(last)
        else:
            self._compute(last, present)

    def _compute(self, last: Component, present: Sequence[Component | None]) -> None:
        name = last.name
        if last.on_change == "split":
            self._computed[name] = self._split(last, present)
        else:
            self._computed[name] = self._whole(last, present)

    def _by_calendar(self, last: Component) -> Computed:
        """Each month, quarter or year of the period is rated as a period of its own."""
        blocks: dict[date, list[int]] = {}
        for at, segment in enumerate(self._segments):
            blocks.setdefault(start_of_unit(segment.from_date, last.cut), []).append(at)
        parts = [(tuple(block), self._in_block(last.name, tuple(block))) for block in blocks.values()]
        shares = [
            Fraction(self._days_of(block), self._days) if last.figure else Fraction(1) for block, _ in parts
        ]
        amounts = [part.whole for _, part in parts]
        unrounded = sum((a.unrounded * share for a, share in zip(amounts, shares, strict=True)), Fraction(0))
        posted = sum((a.posted * share for a, share in zip(amounts, shares, strict=True)), Fraction(0))
        posted = apply_rounding(posted, last.rounding) if last.figure else posted
        step = amounts[0].step
        if len(parts) > 1:
            how = "mean by days" if last.figure else _SUM_OVER[last.cut]
            children = tuple(amount.step for amount in amounts)
            step = Step(last.name, posted, unit_text(last.unit), how, children=children)
        cuts = {block[0] for block, _ in parts[1:]} | {
            block[0] + at for block, part in parts for at in part.cuts
        }
        return Computed(
            ComponentAmount(posted, unrounded, step),
            tuple(amount for _, part in parts for amount in part.by_segment),
            tuple(line for _, part in parts for line in part.lines),
            figure=last.figure,
            cuts=frozenset(cuts) if last.figure else frozenset(),
        )

    def _in_block(self, name: str, block: Run) -> Computed:
        """The component over some segments alone, its lines numbered as in the whole period."""
        inner = _Rater(self._tariff, tuple(self._segments[at] for at in block))
        inner._computed = {
            other: self._seen_within(other, computed, block) for other, computed in self._computed.items()
        }
        present = [segment.version.by_name.get(name) for segment in inner._segments]
        last = next((component for component in reversed(present) if component is not None), None)
        if last is None:
            nothing = ComponentAmount(Fraction(0), Fraction(0), Step("not charged", Fraction(0)))
            return Computed(nothing, (nothing,) * len(block), (), figure=False, cuts=frozenset())
        inner._compute(last, present)
        found = inner._computed[name]
        lines = tuple(replace(line, segment=block[0] + max(line.segment, 0)) for line in found.lines)
        return replace(found, lines=lines)

    def _seen_within(self, name: str, computed: Computed, block: Run) -> Computed:
        """Another component as it is seen from inside some adjoining segments: a figure by its mean there."""
        parts = tuple(computed.by_segment[at] for at in block)
        whole = computed.over(block)
        if computed.figure and len(block) < len(self._segments):
            days = [Fraction(self._segments[at].days, self._days_of(block)) for at in block]
            mean = sum((part.posted * share for part, share in zip(parts, days, strict=True)), Fraction(0))
            unrounded = sum((p.unrounded * share for p, share in zip(parts, days, strict=True)), Fraction(0))
            components = (self._segments[at].version.by_name.get(name) for at in reversed(block))
            rounding = next((each.rounding for each in components if each is not None), None)
            whole = ComponentAmount(apply_rounding(mean, rounding), unrounded, parts[0].step)
        cuts = frozenset(at - block[0] for at in computed.cuts if block[0] < at <= block[-1])
        return Computed(whole, parts, (), figure=computed.figure, cuts=cuts)

    # --- scopes

    def _scope(self, measured: Run, priced: Run, component: Component) -> Scope:
        nothing = Step("not charged", Fraction(0))
        amounts = {
            name: ComponentAmount(Fraction(0), Fraction(0), nothing) for name in self._tariff.computing_order
        }
        # A figure, such as a unit price, is a price: it holds as in the segments whose prices hold.
        amounts |= {
            name: computed.over(priced if computed.figure else measured)
            for name, computed in self._computed.items()
        }
        chosen = [tuple(self._segments[at] for at in run) for run in (measured, priced)]
        return Scope(chosen[0], chosen[1], self._from, self._to, amounts, component)

    @property
    def _all(self) -> Run:
        return tuple(range(len(self._segments)))

    def _days_of(self, run: Run) -> int:
        return sum(self._segments[at].days for at in run)

    def _piece(self, scope: Scope, rounding: Rounding | None) -> Piece:
        component = scope.component
        condition = evaluate(component.condition, scope=scope) if component.condition is not None else None
        unit = unit_text(component.unit)
        if condition is not None and not condition.value:
            return _not_charged(component, condition)
        formula = evaluate(component.formula, scope=scope)
        unrounded = number(formula)
        value = apply_rounding(unrounded, rounding)
        quantity = (
            number(evaluate(component.quantity, scope=scope)) if component.quantity is not None else None
        )
        children = (*([condition] if condition is not None else []), formula)
        step = _rounded_step(
            Step(component.name, value, unit, component.formula_text, scope.clause(), children),
            unrounded,
            rounding,
        )
        return Piece(active=True, unrounded=unrounded, value=value, quantity=quantity, step=step)

    # --- components

    def _split(self, last: Component, present: Sequence[Component | None]) -> Computed:
        cuts = frozenset(
            at for name in last.reads if name in self._computed for at in self._computed[name].cuts
        )
        if last.cut == "every":
            cuts = frozenset(self._all)
        runs = find_runs(segments=self._segments, components=present, cuts=cuts)
        rounds_each = last.each == "segment"
        pieces = []
        for run in runs:
            component = present[run[0]]
            if component is None:
                pieces.append(_not_charged(last))
                continue
            scope = self._scope(run, run[:1], component)
            pieces.append(self._piece(scope, component.rounding if rounds_each else None))
        if last.figure:
            return self._figure(last, runs, pieces)
        unrounded = sum((piece.unrounded for piece in pieces), Fraction(0))
        value = sum((piece.value for piece in pieces), Fraction(0))
        if rounds_each:
            step = _joined(last, value, "sum over segments", pieces)
            whole = Piece(active=True, unrounded=unrounded, value=value, quantity=None, step=step)
            return self._computed_of(whole, runs, pieces, self._run_lines(last, runs, pieces))
        rounded = apply_rounding(unrounded, last.rounding)
        step = replace(_joined(last, rounded, "sum over segments", pieces), value=rounded)
        whole = Piece(
            active=any(piece.active for piece in pieces),
            unrounded=unrounded,
            value=rounded,
            quantity=_sum_quantities(pieces),
            step=_rounded_step(step, unrounded, last.rounding),
        )
        # The rounding of the sum falls on the last segment, so that the parts others see still make the line.
        parts = [*pieces[:-1], replace(pieces[-1], value=pieces[-1].value + rounded - value)]
        return self._computed_of(whole, runs, parts, self._whole_line(last, whole))

    def _figure(self, component: Component, runs: Sequence[Run], pieces: Sequence[Piece]) -> Computed:
        """A figure has a value of its own in each segment; over the period it is their mean by days."""
        days = [Fraction(self._days_of(run), self._days) for run in runs]
        unrounded = sum((p.unrounded * share for p, share in zip(pieces, days, strict=True)), Fraction(0))
        mean = sum((p.value * share for p, share in zip(pieces, days, strict=True)), Fraction(0))
        value = apply_rounding(mean, component.rounding)
        step = _joined(component, value, "mean by days", pieces)
        amounts = tuple(_amount(piece) for run, piece in zip(runs, pieces, strict=True) for _ in run)
        lines = self._run_lines(component, runs, pieces)
        cuts = frozenset(run[0] for run in runs[1:])
        return Computed(ComponentAmount(value, unrounded, step), amounts, lines, figure=True, cuts=cuts)

    def _whole(self, last: Component, present: Sequence[Component | None]) -> Computed:
        if last.on_change == "average":
            piece = self._piece(self._scope(self._all, self._all, last), last.rounding)
        elif last.on_change == "weight":
            piece = self._weighted(last, present)
        else:
            at = 0 if last.on_change == "start" else len(self._segments) - 1
            component = present[at]
            piece = _not_charged(last)
            if component is not None:
                piece = self._piece(self._scope(self._all, (at,), component), component.rounding)
        lines = self._whole_line(last, piece)
        if last.figure:
            amounts = tuple(_amount(piece) for _ in self._segments)
            return Computed(_amount(piece), amounts, lines, figure=True, cuts=frozenset())
        return self._computed_of(piece, [self._all], [piece], lines)

    def _weighted(self, last: Component, present: Sequence[Component | None]) -> Piece:
        """The whole at each run's prices, each counting by its days."""
        cuts = {at for name in last.reads if name in self._computed for at in self._computed[name].cuts}
        runs = find_runs(segments=self._segments, components=present, cuts=cuts)
        pieces = []
        for run in runs:
            component = present[run[0]]
            if component is None:
                pieces.append(_not_charged(last))
            else:
                pieces.append(self._piece(self._scope(self._all, run[:1], component), None))
        shares = [Fraction(self._days_of(run), self._days) for run in runs]
        unrounded = sum((p.unrounded * share for p, share in zip(pieces, shares, strict=True)), Fraction(0))
        value = apply_rounding(unrounded, last.rounding)
        weighed = [
            replace(piece, step=self._share_step(piece, run)) if len(runs) > 1 else piece
            for run, piece in zip(runs, pieces, strict=True)
        ]
        step = replace(_joined(last, value, "sum of weighted parts", weighed), value=value)
        quantities = [piece.quantity for piece in pieces if piece.quantity is not None]
        return Piece(
            active=any(piece.active for piece in pieces),
            unrounded=unrounded,
            value=value,
            quantity=quantities[-1] if quantities else None,
            step=_rounded_step(step, unrounded, last.rounding),
        )

    def _share_step(self, piece: Piece, run: Run) -> Step:
        share = Fraction(self._days_of(run), self._days)
        first, end = self._segments[run[0]].from_date, self._segments[run[-1]].to_date
        factor = Step("share of days", share, source=f"{first} – {end} (excluded)")
        formula = "whole × share of days"
        return Step(
            piece.step.label, piece.unrounded * share, piece.step.unit, formula, "", (piece.step, factor)
        )

    # --- lines

    def _computed_of(
        self, whole: Piece, runs: Sequence[Run], parts: Sequence[Piece], lines: tuple[Line, ...]
    ) -> Computed:
        """Spreads the part of a run over its segments by days."""
        amounts = []
        for run, part in zip(runs, parts, strict=True):
            for at in run:
                share = Fraction(self._segments[at].days, self._days_of(run))
                amounts.append(ComponentAmount(part.value * share, part.unrounded * share, part.step))
        return Computed(_amount(whole), tuple(amounts), lines, figure=False, cuts=frozenset())

    def _run_lines(
        self, component: Component, runs: Sequence[Run], pieces: Sequence[Piece]
    ) -> tuple[Line, ...]:
        active = [(run, piece) for run, piece in zip(runs, pieces, strict=True) if piece.active]
        return tuple(self._line(component, piece, run) for run, piece in active)

    def _whole_line(self, component: Component, piece: Piece) -> tuple[Line, ...]:
        return (self._line(component, piece, None),) if piece.active else ()

    def _line(self, component: Component, piece: Piece, run: Run | None) -> Line:
        is_money = component.unit == self._tariff.units.money and component.kind != "quantity"
        quantity = piece.quantity if is_money else piece.value
        return Line(
            component=component.name,
            kind=component.kind,
            segment=-1 if run is None else run[0],
            from_date=self._from if run is None else self._segments[run[0]].from_date,
            to_date=self._to if run is None else self._segments[run[-1]].to_date,
            quantity_micro=None if quantity is None else _micro(quantity),
            amount_minor=self._minor(piece.value) if is_money else None,
            value=piece.value,
            unrounded=piece.unrounded,
            unit=unit_text(component.unit),
            explanation=piece.step,
        )

    def _minor(self, value: Fraction) -> int:
        return as_int(
            round_to_step(value, step=self._tariff.minor_unit, mode=RoundingMode.HALF_UP)
            * self._tariff.posting_scale
        )

    def protocol(self) -> Protocol:
        lines = [
            line
            for name in self._tariff.printed_order
            if name in self._computed
            for line in self._computed[name].lines
        ]
        posted = [line for line in lines if line.kind in POSTED_KINDS]
        total_minor = sum(line.amount_minor for line in posted if line.amount_minor is not None)
        rounding = self._segments[-1].version.total_rounding
        if rounding is not None:
            unrounded = sum((line.value for line in posted), Fraction(0))
            total = apply_rounding(unrounded, rounding)
            difference = self._minor(total) - total_minor
            if difference:
                lines.append(self._rounding_line(difference, unrounded, total, rounding))
            total_minor += difference
        return Protocol(
            tariff=self._tariff.code,
            currency=self._tariff.currency,
            posting_scale=self._tariff.posting_scale,
            period_from=self._from,
            period_to=self._to,
            lines=tuple(lines),
            total_minor=total_minor,
            values={name: computed.whole.posted for name, computed in self._computed.items()},
        )

    def _rounding_line(
        self, difference: int, unrounded: Fraction, total: Fraction, rounding: Rounding
    ) -> Line:
        value = Fraction(difference, self._tariff.posting_scale)
        rounded = _rounded_step(
            Step("total", total, self._tariff.currency, "sum of lines"), unrounded, rounding
        )
        step = Step(
            "rounding",
            value,
            self._tariff.currency,
            "rounded total − lines",
            self._segments[-1].version.clause("total"),
            (rounded,),
        )
        return Line(
            "rounding",
            "rounding",
            -1,
            self._from,
            self._to,
            None,
            difference,
            value,
            value,
            self._tariff.currency,
            step,
        )


def _joined(component: Component, value: Fraction, formula: str, pieces: Sequence[Piece]) -> Step:
    """The step of several pieces together; of one alone, its own."""
    if len(pieces) == 1:
        return pieces[0].step
    children = tuple(piece.step for piece in pieces)
    return Step(component.name, value, unit_text(component.unit), formula, children=children)


def _micro(quantity: Fraction) -> int:
    return as_int(round_to_step(quantity * MICRO, step=1, mode=RoundingMode.HALF_UP))


def _not_charged(component: Component, condition: Step | None = None) -> Piece:
    children = () if condition is None else (condition,)
    step = Step(component.name, Fraction(0), unit_text(component.unit), children=children)
    return Piece(active=False, unrounded=Fraction(0), value=Fraction(0), quantity=None, step=step)


def _amount(piece: Piece) -> ComponentAmount:
    return ComponentAmount(piece.value, piece.unrounded, piece.step)


def _sum_quantities(pieces: Sequence[Piece]) -> Fraction | None:
    known = [piece.quantity for piece in pieces if piece.quantity is not None]
    return sum(known, Fraction(0)) if known else None


def _rounded_step(step: Step, unrounded: Fraction, rounding: Rounding | None) -> Step:
    if rounding is None:
        return step
    return replace(
        step, unrounded=unrounded, rounding=f"to {show_short(rounding.step)}, {rounding.mode.value}"
    )
