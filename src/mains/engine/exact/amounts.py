"""Amounts of very many items, without their explanations: each is a tape's, recorded by the exact interpreter from the
first item of the kind.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import NamedTuple, cast

from mains.engine.exact.protocol import Line
from mains.engine.exact.rate import rate_exact
from mains.engine.exact.tape import Recorder, Tape
from mains.engine.facts import MICRO, DatedValue, Facts, Stretch
from mains.engine.tariff.model import Tariff

_TAPES_MAX = 64
"""Tapes of one shape; beyond, its items are rated one by one: something in their tariff decides by every number."""

Days = tuple[date, date]
Spans = tuple[tuple[date, date, str | bool | None], ...]


class Shape(NamedTuple):
    """All about an item but its numbers: items of one shape differ by their use and number attributes alone.

    `use` are the days of each stretch by name, `attributes` the spans of each attribute; None is a number. The numbers
    follow in the same order, in millionths: of use, then of attributes. `tariff` is anything that tells two tariffs
    apart, such as the document.
    """

    tariff: str
    period_from: date
    period_to: date
    use: tuple[tuple[str, tuple[Days, ...]], ...]
    attributes: tuple[tuple[str, Spans], ...]

    def facts(self, numbers: Sequence[int | Fraction]) -> Facts:
        """The item as the interpreter takes it; the numbers may be ones that are being recorded."""
        left = iter(numbers)
        use: dict[str, tuple[Stretch, ...]] = {}
        for name, stretches in self.use:
            use[name] = tuple(Stretch(first, end, cast("int", next(left))) for first, end in stretches)
        attributes = {
            name: tuple(
                DatedValue(next(left) * Fraction(1, MICRO) if value is None else value, first, end)
                for first, end, value in spans
            )
            for name, spans in self.attributes
        }
        return Facts(self.period_from, self.period_to, use, attributes)


Amounts = tuple[tuple[str, str, int], ...]
"""Component, kind and figure of the protocol's lines in their order: minor units of money, and millionths for a balance
of another unit."""


@dataclass
class _Tapes:
    """The tapes of one shape, by the values of the inputs that they hold to one value."""

    pinned: tuple[int, ...] = ()
    by_value: dict[tuple[int, ...], list[tuple[tuple[tuple[str, str], ...], Tape]]] = field(
        default_factory=dict
    )
    count: int = 0


class AmountTapes:
    """Tapes of all shapes met so far. One for a process: making a tape takes as long as hundreds of its plays."""

    def __init__(self) -> None:
        self._tapes: dict[Shape, _Tapes] = {}
        self.recorded = 0
        self.rated = 0

    def amounts(self, *, tariff: Tariff, shape: Shape, numbers: Sequence[int]) -> Amounts:
        """What `rate_exact` gives for the item. Raises UnableToRate as it does."""
        tapes = self._tapes.get(shape)
        if tapes is None:
            tapes = self._tapes[shape] = _Tapes()
        found = tapes.by_value.get(tuple([numbers[at] for at in tapes.pinned]))
        if found is not None:
            for at, (names, tape) in enumerate(found):
                results = tape.play(numbers)
                if results is not None:
                    if at:  # what is taken often is tried first before long
                        found[at - 1], found[at] = found[at], found[at - 1]
                    return tuple(
                        [(name, kind, minor) for (name, kind), minor in zip(names, results, strict=True)]
                    )
        if tapes.count >= _TAPES_MAX:
            self.rated += 1
            protocol = rate_exact(tariff=tariff, facts=shape.facts(numbers))
            return tuple((line.component, line.kind, _figure(line) or 0) for line in protocol.lines)
        return self._record(tapes, tariff, shape, numbers)

    def _record(self, tapes: _Tapes, tariff: Tariff, shape: Shape, numbers: Sequence[int]) -> Amounts:
        self.recorded += 1
        recorder = Recorder(len(numbers))
        inputs = [recorder.number(at, value) for at, value in enumerate(numbers)]
        protocol = rate_exact(tariff=tariff, facts=shape.facts(inputs))
        names = tuple((line.component, line.kind) for line in protocol.lines)
        tape = recorder.tape([_figure(line) for line in protocol.lines])
        pinned = tuple(sorted({*tapes.pinned, *recorder.pinned}))
        if pinned != tapes.pinned:
            tapes.pinned, tapes.by_value, tapes.count = pinned, {}, 0
        tapes.by_value.setdefault(tuple(numbers[at] for at in pinned), []).append((names, tape))
        tapes.count += 1
        results = tape.play(numbers)
        assert results is not None, "A tape holds for its own example."
        return tuple((name, kind, minor) for (name, kind), minor in zip(names, results, strict=True))


def _figure(line: Line) -> int | None:
    return line.quantity_micro if line.kind == "balance" and line.amount_minor is None else line.amount_minor
