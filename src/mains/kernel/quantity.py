"""Exact quantities: a whole number of millionths of a unit."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Self

from mains.kernel.errors import MainsError
from mains.kernel.rounding import RoundingMode, round_to_step

MICRO_DIGITS = 6
MICRO = 10**MICRO_DIGITS
"""Micro-units in one unit: columns named `_micro` hold millionths of a kWh or m3."""


class UnableToMixUnits(MainsError):
    """Two quantities of different units were added, subtracted or compared."""


@dataclass(frozen=True)
class Quantity:
    """`micro` millionths of `unit`, which is written as in the case files: `kWh`, `m3`, `Gcal`, `m2`."""

    micro: int
    unit: str

    def __post_init__(self) -> None:
        if type(self.micro) is not int:
            raise TypeError(f"Micro-units are whole numbers, not {self.micro!r}.")

    @classmethod
    def exactly(cls, value: Fraction | Decimal | int, unit: str) -> Self:
        """A quantity of `value` units; ValueError when it has more than six decimals."""
        if isinstance(value, float):
            raise TypeError("Floats are not exact; pass an int, a Decimal or a Fraction.")
        scaled = Fraction(value) * MICRO
        if scaled.denominator != 1:
            raise ValueError(f"{value} {unit} has more than {MICRO_DIGITS} decimals.")
        return cls(scaled.numerator, unit)

    @classmethod
    def rounded(
        cls, value: Fraction | Decimal | int, unit: str, *, mode: RoundingMode = RoundingMode.HALF_UP
    ) -> Self:
        """A quantity of `value` units, rounded to whole micro-units by `mode`."""
        return cls(round_to_step(Fraction(value) * MICRO, step=1, mode=mode).numerator, unit)

    @property
    def value(self) -> Decimal:
        """The quantity in units, all six decimals kept."""
        sign, digits = (1 if self.micro < 0 else 0), tuple(int(digit) for digit in str(abs(self.micro)))
        return Decimal((sign, digits, -MICRO_DIGITS))

    def __add__(self, other: "Quantity") -> "Quantity":
        return Quantity(self.micro + self._same(other).micro, self.unit)

    def __sub__(self, other: "Quantity") -> "Quantity":
        return Quantity(self.micro - self._same(other).micro, self.unit)

    def __neg__(self) -> "Quantity":
        return Quantity(-self.micro, self.unit)

    def __lt__(self, other: "Quantity") -> bool:
        return self.micro < self._same(other).micro

    def __le__(self, other: "Quantity") -> bool:
        return self.micro <= self._same(other).micro

    def __gt__(self, other: "Quantity") -> bool:
        return self.micro > self._same(other).micro

    def __ge__(self, other: "Quantity") -> bool:
        return self.micro >= self._same(other).micro

    def __bool__(self) -> bool:
        return self.micro != 0

    def __str__(self) -> str:
        """`1,234.5 kWh`: zeros at the end are left out."""
        text = f"{self.value:,f}".rstrip("0").rstrip(".")
        return f"{text} {self.unit}"

    def _same(self, other: "Quantity") -> "Quantity":
        if self.unit != other.unit:
            raise UnableToMixUnits(
                code="mixed-units",
                message=f"{self.unit} and {other.unit} cannot be added or compared.",
                params={"left": self.unit, "right": other.unit},
            )
        return other
