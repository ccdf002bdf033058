"""The explanation tree: every value with its formula, unit, source and rounding, down to readings and
clauses.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import lru_cache

from mains.engine.language.units import Unit
from mains.kernel.rounding import TracedNumber

Evaluated = Fraction | str | bool


@dataclass(frozen=True)
class Step:
    """One value of a calculation.

    `label` says what it is, `formula` the text it was computed by (empty for a fact), `source` where a fact
    comes from,
    `unrounded` and `rounding` the value before the rounding step and the step in words.
    """

    label: str
    value: Evaluated
    unit: str = ""
    formula: str = ""
    source: str = ""
    children: tuple["Step", ...] = ()
    unrounded: Fraction | None = None
    rounding: str = ""

    def walk(self) -> Iterator["Step"]:
        yield self
        for child in self.children:
            yield from child.walk()

    def to_data(self) -> dict[str, object]:
        """JSON-ready: numbers as exact text (a decimal, or numerator/denominator when it has no end)."""
        data: dict[str, object] = {"label": self.label, "value": show(self.value), "unit": self.unit}
        if self.formula:
            data["formula"] = self.formula
        if self.source:
            data["source"] = self.source
        if self.unrounded is not None:
            data["unrounded"] = show(self.unrounded)
        if self.rounding:
            data["rounding"] = self.rounding
        if self.children:
            data["children"] = [child.to_data() for child in self.children]
        return data


@dataclass(frozen=True)
class DetailStep(Step):
    """A value whose parts are so many that paper leaves them out: they are shown where one can ask for them."""


@dataclass(frozen=True)
class TierStep(Step):
    """The part of an amount that falls into one tier: `part` at the price `figure`; the last tier has no
    `upto`.
    """

    part: Fraction = Fraction(0)
    figure: Fraction = Fraction(0)
    upto: Fraction | None = None


def show(value: Evaluated) -> str:
    """A value as exact text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if isinstance(value, TracedNumber):
        return "…"  # nobody reads what is said while a tape is recorded
    decimal = _finite(value)
    return decimal if decimal is not None else f"{value.numerator}/{value.denominator}"


def show_short(value: Evaluated, *, digits: int = 8) -> str:
    """A value for people: exact when short, else cut to `digits` decimals and marked with …"""
    text = show(value)
    if isinstance(value, str | bool | TracedNumber) or (
        "/" not in text and len(text.partition(".")[2]) <= digits
    ):
        return text
    whole, rest = divmod(abs(value.numerator), value.denominator)
    decimals = str(rest * 10**digits // value.denominator).zfill(digits)
    return f"{'-' if value < 0 else ''}{whole}.{decimals}…"


def _finite(value: Fraction) -> str | None:
    """Decimal text of a fraction whose denominator has only the factors 2 and 5."""
    rest, digits = value.denominator, 0
    for factor in (2, 5):
        count = 0
        while rest % factor == 0:
            rest, count = rest // factor, count + 1
        digits = max(digits, count)
    if rest != 1:
        return None
    scaled = value.numerator * 10**digits // value.denominator
    with localcontext() as context:
        context.prec = max(28, len(str(abs(scaled))) + 2)
        return f"{Decimal(scaled).scaleb(-digits):f}"


@lru_cache(maxsize=4096)
def unit_text(unit: Unit) -> str:
    """Empty for plain numbers, texts and conditions."""
    text = str(unit)
    return "" if text in ("number", "text", "yes/no", "date") else text
