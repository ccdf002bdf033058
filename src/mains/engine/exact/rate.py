"""Rates one account exactly: segments, components in order of dependence, rounding, total."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from mains.engine.exact.cut import Segment, cut_period
from mains.engine.exact.explanation import Step, show_short, unit_text
from mains.engine.exact.interpreter import evaluate, number
from mains.engine.exact.protocol import Line, Protocol
from mains.engine.exact.scope import ComponentAmount, Scope, apply_rounding
from mains.engine.facts import MICRO, Facts
from mains.engine.tariff.model import POSTED_KINDS, Component, Rounding, Tariff
from mains.kernel.rounding import RoundingMode, round_to_step


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
        if last.on_change == "split":
            self._computed[name] = self._split(last, present)
        else:
            self._computed[name] = self._whole(last, present)

    # --- scopes

    def _scope(self, measured: Sequence[Segment], priced: Sequence[Segment], component: Component) -> Scope:
        nothing = Step("not charged", Fraction(0))
        amounts = {
            name: ComponentAmount(Fraction(0), Fraction(0), nothing) for name in self._tariff.computing_order
        }
        for name, computed in self._computed.items():
            alone = len(measured) == 1 and len(self._segments) > 1
            amounts[name] = (
                computed.by_segment[self._segments.index(measured[0])] if alone else computed.whole
            )
        if len(self._segments) == 1:
            amounts.update({name: computed.by_segment[0] for name, computed in self._computed.items()})
        return Scope(tuple(measured), tuple(priced), self._from, self._to, amounts, component)

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
        rounds_each = last.each == "segment"
        pieces = []
        for segment, component in zip(self._segments, present, strict=True):
            if component is None:
                pieces.append(_not_charged(last))
            else:
                scope = self._scope([segment], [segment], component)
                pieces.append(self._piece(scope, component.rounding if rounds_each else None))
        if last.figure:
            return self._figure(last, pieces)
        if rounds_each:
            return self._computed_from(pieces, self._segment_lines(present, pieces))
        unrounded = sum((piece.unrounded for piece in pieces), Fraction(0))
        value = apply_rounding(unrounded, last.rounding)
        # The rounding of the sum falls on the last segment, so that the parts others see still make the line.
        parts = [
            *pieces[:-1],
            replace(pieces[-1], value=value - sum((piece.value for piece in pieces[:-1]), Fraction(0))),
        ]
        step = (
            pieces[0].step
            if len(pieces) == 1
            else Step(
                last.name,
                value,
                unit_text(last.unit),
                "sum over segments",
                children=tuple(p.step for p in pieces),
            )
        )
        whole = Piece(
            any(piece.active for piece in pieces),
            unrounded,
            value,
            _sum_quantities(pieces),
            _rounded_step(replace(step, value=value), unrounded, last.rounding),
        )
        return self._computed_from(parts, self._whole_line(last, whole), whole)

    def _figure(self, component: Component, pieces: list[Piece]) -> Computed:
        """A figure has a value of its own in each segment; over the period it is their mean by days."""
        days = [segment.days for segment in self._segments]
        mean = [
            sum((f * d for f, d in zip(values, days, strict=True)), Fraction(0)) / self._days
            for values in ([p.unrounded for p in pieces], [p.value for p in pieces])
        ]
        value = apply_rounding(mean[1], component.rounding)
        step = (
            pieces[0].step
            if len(pieces) == 1
            else Step(
                component.name,
                value,
                unit_text(component.unit),
                "mean by days",
                children=tuple(p.step for p in pieces),
            )
        )
        whole = Piece(active=True, unrounded=mean[0], value=value, quantity=None, step=step)
        return self._computed_from(pieces, self._segment_lines([component] * len(pieces), pieces), whole)

    def _whole(self, last: Component, present: Sequence[Component | None]) -> Computed:
        at = {"start": [0], "end": [len(self._segments) - 1]}.get(last.on_change, range(len(self._segments)))
        if last.on_change == "average":
            piece = self._piece(self._scope(self._segments, self._segments, last), last.rounding)
        elif len(at) == 1:
            component = present[at[0]]
            if component is None:
                piece = _not_charged(last)
            else:
                piece = self._piece(
                    self._scope(self._segments, [self._segments[at[0]]], component), component.rounding
                )
        else:
            piece = self._weighted(last, present)
        parts = [
            replace(
                piece,
                unrounded=piece.unrounded * s.days / self._days,
                value=piece.value * s.days / self._days,
            )
            for s in self._segments
        ]
        return self._computed_from(parts, self._whole_line(last, piece), piece)

    def _weighted(self, last: Component, present: Sequence[Component | None]) -> Piece:
        """The whole at each segment's prices, each counting by its days."""
        unrounded, steps, active, quantity = Fraction(0), [], False, None
        for segment, component in zip(self._segments, present, strict=True):
            if component is None:
                continue
            piece = self._piece(self._scope(self._segments, [segment], component), None)
            unrounded += piece.unrounded * segment.days / self._days
            active, quantity = (
                active or piece.active,
                piece.quantity if piece.quantity is not None else quantity,
            )
            share = Step(
                "share of days",
                Fraction(segment.days, self._days),
                source=f"{segment.from_date} – {segment.to_date} (excluded)",
            )
            steps.append(
                Step(
                    component.name,
                    piece.unrounded * segment.days / self._days,
                    piece.step.unit,
                    "whole × share of days",
                    children=(piece.step, share),
                )
            )
        value = apply_rounding(unrounded, last.rounding)
        step = Step(last.name, value, unit_text(last.unit), "sum of weighted parts", children=tuple(steps))
        return Piece(active, unrounded, value, quantity, _rounded_step(step, unrounded, last.rounding))

    # --- lines

    def _computed_from(
        self, parts: Sequence[Piece], lines: tuple[Line, ...], whole: Piece | None = None
    ) -> Computed:
        if whole is None:
            total, value = (
                sum((p.unrounded for p in parts), Fraction(0)),
                sum((p.value for p in parts), Fraction(0)),
            )
            step = (
                parts[0].step
                if len(parts) == 1
                else Step(
                    parts[-1].step.label,
                    value,
                    parts[-1].step.unit,
                    "sum over segments",
                    children=tuple(p.step for p in parts),
                )
            )
            whole = Piece(active=True, unrounded=total, value=value, quantity=None, step=step)
        return Computed(_amount(whole), tuple(_amount(part) for part in parts), lines)

    def _segment_lines(
        self, present: Sequence[Component | None], pieces: Sequence[Piece]
    ) -> tuple[Line, ...]:
        return tuple(
            self._line(component, piece, at, segment)
            for at, (segment, component, piece) in enumerate(
                zip(self._segments, present, pieces, strict=True)
            )
            if component is not None and piece.active
        )

    def _whole_line(self, component: Component, piece: Piece) -> tuple[Line, ...]:
        return (self._line(component, piece, -1, None),) if piece.active else ()

    def _line(self, component: Component, piece: Piece, at: int, segment: Segment | None) -> Line:
        is_money = component.unit == self._tariff.units.money and component.kind != "quantity"
        quantity = piece.quantity if is_money else piece.value
        return Line(
            component=component.name,
            kind=component.kind,
            segment=at,
            from_date=segment.from_date if segment else self._from,
            to_date=segment.to_date if segment else self._to,
            quantity_micro=None
            if quantity is None
            else int(round_to_step(quantity * MICRO, step=1, mode=RoundingMode.HALF_UP)),
            amount_minor=self._minor(piece.value) if is_money else None,
            value=piece.value,
            unrounded=piece.unrounded,
            unit=unit_text(component.unit),
            explanation=piece.step,
        )

    def _minor(self, value: Fraction) -> int:
        return int(
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
        total_minor = sum(line.amount_minor or 0 for line in posted)
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
            f"versions[{self._segments[-1].version.valid_from}].total",
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
