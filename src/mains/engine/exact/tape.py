"""A rating as a tape of whole-number operations, recorded while the exact interpreter computes one example.

The interpreter is given numbers that write down what is done with them. What it decides by such a number (a tier
reached, a condition, two values being equal) becomes a check. Played with the numbers of another item, a tape gives
what the interpreter would give, in a fraction of the time, if all checks come out as in the example; else it gives
nothing. No rule of rating stands here: a new form of the language is recorded like the others.
"""

from collections.abc import Callable, Hashable, Sequence
from fractions import Fraction
from math import gcd
from typing import Any, cast

from mains.kernel.rounding import RoundingMode, TracedNumber, round_quotient

Operation = tuple[str, int, int, Hashable]
"""Name, the two registers it reads (−1 for none), and its constant."""

Stage = tuple[tuple[Callable[[list[int]], int], ...], int, Callable[[int], bool]]

_CHECKS: dict[str, Callable[[int], bool]] = {
    "<": lambda value: value < 0,
    "<=": lambda value: value <= 0,
    ">": lambda value: value > 0,
    ">=": lambda value: value >= 0,
    "==": lambda value: value == 0,
    "!=": lambda value: value != 0,
}
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


class Recorder:
    """Writes down operations on registers. A register holds a whole number; what it is to be divided by is known
    from the start, or is another register's, so that playing needs no fractions.
    """

    def __init__(self, inputs: int) -> None:
        self.inputs = inputs
        self.operations: list[Operation] = []
        self.checks: dict[tuple[int, str], None] = {}
        self.pinned: dict[int, None] = {}
        self._known: dict[Operation, int] = {}

    def number(self, at: int, value: int, *, per_unit: int = 1) -> "Recorded":
        """Input `at`, in the example `value / per_unit`."""
        return Recorded.made(self, at, per_unit, Fraction(value, per_unit))

    def put(self, operation: Operation, divisor: int, value: Fraction, *, over: int = -1) -> "Recorded":
        at = self._known.get(operation)
        if at is None:
            at = self._known[operation] = self.inputs + len(self.operations)
            self.operations.append(operation)
        return Recorded.made(self, at, divisor, value, over=over)

    def check(self, at: int, comparison: str, *, holds: bool) -> None:
        self.checks.setdefault((at, comparison if holds else _OPPOSITE[comparison]))

    def tape(self, results: Sequence[Fraction | int | None]) -> "Tape":
        """The tape that gives `results`, which are whole, without what neither they nor a check needs."""
        wanted = [(each.at, 0) if isinstance(each, Recorded) else (-1, int(each or 0)) for each in results]
        assert all(each.divisor == 1 and each.over < 0 for each in results if isinstance(each, Recorded))
        needed = {at for at, _ in (*wanted, *self.checks) if at >= self.inputs}
        for place in range(len(self.operations) - 1, -1, -1):
            if self.inputs + place in needed:
                _, left, right, _ = self.operations[place]
                needed |= {at for at in (left, right) if at >= self.inputs}
        places = {at: at for at in range(-1, self.inputs)}
        kept: list[Callable[[list[int]], int]] = []
        for at in sorted(needed):
            name, left, right, constant = self.operations[at - self.inputs]
            places[at] = self.inputs + len(kept)
            kept.append(_operation(name, places[left], places[right], constant))
        return Tape(
            inputs=self.inputs,
            operations=kept,
            checks=[(places[at], _CHECKS[comparison]) for at, comparison in self.checks],
            results=tuple((places[at], constant) for at, constant in wanted),
        )


class Tape:
    """Operations to be played with the numbers of any item of the same shape.

    A stage is some operations and a check of a register that is known after them; the last has none.
    """

    def __init__(
        self,
        *,
        inputs: int,
        operations: Sequence[Callable[[list[int]], int]],
        checks: Sequence[tuple[int, Callable[[int], bool]]],
        results: tuple[tuple[int, int], ...],
    ) -> None:
        stages: list[Stage] = []
        done = 0
        for at, is_so in sorted(checks, key=lambda check: check[0]):
            needed = max(done, at + 1 - inputs)
            stages.append((tuple(operations[done:needed]), at, is_so))
            done = needed
        self._stages = (*stages, (tuple(operations[done:]), -1, bool))
        self._results = results

    def play(self, inputs: Sequence[int]) -> list[int] | None:
        """The results for these inputs; None when the interpreter would decide otherwise than in the example."""
        registers = list(inputs)
        try:
            for operations, at, is_so in self._stages:
                for operation in operations:
                    registers.append(operation(registers))
                if at >= 0 and not is_so(registers[at]):
                    return None
        except ZeroDivisionError:
            return None  # in the example the divisor was positive, which a check says too
        return [constant if at < 0 else registers[at] for at, constant in self._results]


class Recorded(TracedNumber):
    """Register `at` by `divisor`, and by the positive register `over` unless that is −1; in the example `value`.

    Whatever is not written down as an operation asks for numerator or denominator: then the tape holds for this very
    value only.
    """

    __slots__ = ("at", "divisor", "over", "recorder", "value")
    recorder: Recorder
    at: int
    divisor: int
    over: int
    value: Fraction

    @classmethod
    def made(
        cls, recorder: Recorder, at: int, divisor: int, value: Fraction, *, over: int = -1
    ) -> "Recorded":
        self = object.__new__(cls)
        self.recorder, self.at, self.divisor, self.value, self.over = recorder, at, divisor, value, over
        return self

    def pin(self) -> Fraction:
        """The value of the example, to which the tape is bound from now on."""
        if self.at < self.recorder.inputs and self.over < 0:
            self.recorder.pinned.setdefault(self.at)
        self._less(self.value, "==")
        return self.value

    # Fraction's own code, and everything outside that asks for a plain number, goes through these.
    _numerator = property(lambda self: self.pin().numerator)
    _denominator = property(lambda self: self.pin().denominator)

    # --- operations

    def _sum(self, other: Any, sign: int = 1) -> Any:
        """self + sign × other."""
        if isinstance(other, Recorded):
            if self.over != other.over:
                left = self if other.over < 0 else self._over_too(other.over)
                right = other if self.over < 0 else other._over_too(self.over)
                over = self._over_of(other)
            else:
                left, right, over = self, other, self.over
            divisor = self.divisor * other.divisor // gcd(self.divisor, other.divisor)
            factors = (divisor // self.divisor, sign * divisor // other.divisor)
            value = self.value + sign * other.value
            return self.recorder.put(("sum", left.at, right.at, factors), divisor, value, over=over)
        if not isinstance(other, int | Fraction):
            return NotImplemented
        if other == 0:
            return self
        constant = sign * _fraction(other)
        if self.over >= 0:
            times = ("times", self.over, -1, constant.numerator)
            return self._sum(self.recorder.put(times, constant.denominator, constant, over=self.over))
        divisor = self.divisor * constant.denominator // gcd(self.divisor, constant.denominator)
        plus = constant.numerator * (divisor // constant.denominator)
        operation = ("plus", self.at, -1, (divisor // self.divisor, plus))
        return self.recorder.put(operation, divisor, self.value + constant)

    def _over_too(self, over: int) -> "Recorded":
        """The register times register `over`."""
        return self.recorder.put(("product", self.at, over, None), self.divisor, self.value)

    def _over_of(self, other: "Recorded") -> int:
        """What a sum or product with another number is divided by."""
        if self.over < 0 or other.over < 0:
            return max(self.over, other.over)
        first, second = sorted((self.over, other.over))
        return self.recorder.put(("product", first, second, None), 1, Fraction(1)).at

    def _times(self, other: Any) -> Any:
        if isinstance(other, Recorded):
            operation = ("product", self.at, other.at, None)
            divisor, value = self.divisor * other.divisor, self.value * other.value
            return self.recorder.put(operation, divisor, value, over=self._over_of(other))
        if not isinstance(other, int | Fraction):
            return NotImplemented
        factor = _fraction(other)
        if factor == 0:
            return Fraction(0)
        shared = gcd(factor.numerator, self.divisor)
        times, divisor = factor.numerator // shared, self.divisor // shared * factor.denominator
        value = self.value * factor
        if times == 1:
            return Recorded.made(self.recorder, self.at, divisor, value, over=self.over)
        return self.recorder.put(("times", self.at, -1, times), divisor, value, over=self.over)

    def _inverse(self) -> "Recorded":
        """1 / self, which is not 0."""
        sign = 1 if self > 0 else -1
        whole = self * sign
        recorder = self.recorder
        if self.over < 0:
            operation: Operation = ("constant", -1, -1, sign * whole.divisor)
        else:
            operation = ("times", self.over, -1, sign * whole.divisor)
        return recorder.put(operation, 1, 1 / self.value, over=whole.at)

    def __add__(self, other: Any) -> Any:
        return self._sum(other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self._sum(other, -1)

    def __rsub__(self, other: Any) -> Any:
        return (-self)._sum(other)

    def __mul__(self, other: Any) -> Any:
        return self._times(other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        if isinstance(other, Recorded):
            if other.value:
                return self._times(other._inverse())
            other = other.pin()
        return self._times(1 / _fraction(other)) if isinstance(other, int | Fraction) else NotImplemented

    def __rtruediv__(self, other: Any) -> Any:
        if not isinstance(other, int | Fraction) or not self.value:
            return other / self.pin()
        return self._inverse()._times(other)

    def __neg__(self) -> Any:
        return self._times(-1)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return self if self >= 0 else -self

    def rounded_to_step(self, *, step: Fraction, mode: RoundingMode) -> Fraction:
        whole = round_quotient(
            self.value.numerator * step.denominator, self.value.denominator * step.numerator, mode
        )
        constant = (step.denominator, self.divisor * step.numerator, mode)
        operation = ("round", self.at, self.over, constant)
        rounded: Fraction = self.recorder.put(operation, 1, Fraction(whole)) * step
        return rounded

    def as_whole(self) -> Fraction:
        return self if self.divisor == 1 and self.over < 0 else self.pin()

    # --- decisions

    def _less(self, other: Any, comparison: str) -> Any:
        """Whether self − other stands so to zero, which the tape will check."""
        if not isinstance(other, int | Fraction):
            return NotImplemented
        rest = self - other
        if not isinstance(rest, Recorded):
            return _CHECKS[comparison](rest.numerator)
        holds = _CHECKS[comparison](rest.value.numerator)
        self.recorder.check(rest.at, comparison, holds=holds)
        return holds

    def __lt__(self, other: Any) -> Any:
        return self._less(other, "<")

    def __le__(self, other: Any) -> Any:
        return self._less(other, "<=")

    def __gt__(self, other: Any) -> Any:
        return self._less(other, ">")

    def __ge__(self, other: Any) -> Any:
        return self._less(other, ">=")

    def __eq__(self, other: object) -> Any:
        return self._less(other, "==")

    def __ne__(self, other: object) -> Any:
        return self._less(other, "!=")

    def __bool__(self) -> bool:
        return bool(self._less(0, "!="))

    __hash__ = cast("Any", Fraction.__hash__)


def _fraction(number: int | Fraction) -> Fraction:
    return number if isinstance(number, Fraction) else Fraction(number)


def _operation(name: str, left: int, right: int, constant: Any) -> Callable[[list[int]], int]:
    match name:
        case "sum":
            first, second = constant
            if (first, second) == (1, 1):
                return lambda registers: registers[left] + registers[right]
            return lambda registers: registers[left] * first + registers[right] * second
        case "plus":
            first, plus = constant
            return lambda registers: registers[left] * first + plus
        case "product":
            return lambda registers: registers[left] * registers[right]
        case "times":
            return lambda registers: registers[left] * constant
        case "constant":
            return lambda _registers: constant
    times, divisor, mode = constant
    if right >= 0:
        return lambda registers: round_quotient(registers[left] * times, divisor * registers[right], mode)
    return lambda registers: round_quotient(registers[left] * times, divisor, mode)
