"""Exact money: a whole number of minor units in one currency."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Self

from mains.kernel.errors import MainsError
from mains.kernel.rounding import RoundingMode, round_to_step

MINOR_DIGITS = 2
"""Decimals of every amount at rest: columns named `_minor` hold hundredths of the currency unit."""


class UnableToMixCurrencies(MainsError):
    """Two amounts of different currencies were added, subtracted or compared."""


class UnableToReadMoney(MainsError):
    """A text is not an amount of money, or has more decimals than the currency."""


@dataclass(frozen=True, order=True)
class Currency:
    """A currency by its ISO 4217 letters."""

    code: str

    def __post_init__(self) -> None:
        if len(self.code) != 3 or not (self.code.isascii() and self.code.isalpha() and self.code.isupper()):
            raise ValueError(f"A currency code has three capital letters, not {self.code!r}.")

    @property
    def minor_per_unit(self) -> int:
        """Minor units in one unit: 100 kobo in a naira."""
        return int(10**MINOR_DIGITS)

    def __str__(self) -> str:
        return self.code


@dataclass(frozen=True)
class Money:
    """`minor` minor units of `currency`. Adding and comparing is exact and refuses to mix currencies."""

    minor: int
    currency: Currency

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError(f"Minor units are whole numbers, not {self.minor!r}.")

    @classmethod
    def zero(cls, currency: Currency) -> Self:
        return cls(0, currency)

    @classmethod
    def parse(cls, text: str, currency: Currency) -> Self:
        """Money from plain decimal text such as `1234.50` or `-0.05`; nothing is rounded away."""
        digits = text.strip()
        body = digits.removeprefix("-")
        whole, point, part = body.partition(".")
        valid = whole.isascii() and whole.isdigit() and (not point or (part.isascii() and part.isdigit()))
        if not valid or len(part) > MINOR_DIGITS:
            raise UnableToReadMoney(
                code="money-text",
                message=f"{text!r} is not an amount of {currency} with at most {MINOR_DIGITS} decimals.",
                remedy="Write digits, and a point before the decimals: 1234.50.",
                params={"text": text, "currency": currency.code, "digits": MINOR_DIGITS},
            )
        minor = int(whole + part.ljust(MINOR_DIGITS, "0"))
        return cls(-minor if digits.startswith("-") else minor, currency)

    @classmethod
    def rounded(
        cls, units: Fraction | Decimal | int, currency: Currency, *, mode: RoundingMode = RoundingMode.HALF_UP
    ) -> Self:
        """Money from an exact amount in units (naira, not kobo), rounded to whole minor units by `mode`."""
        minor = round_to_step(Fraction(units) * currency.minor_per_unit, step=1, mode=mode)
        return cls(minor.numerator, currency)

    @property
    def units(self) -> Decimal:
        """The amount in units with its decimals: Decimal('1234.50')."""
        sign, digits = (1 if self.minor < 0 else 0), tuple(int(digit) for digit in str(abs(self.minor)))
        return Decimal((sign, digits, -MINOR_DIGITS))

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other).minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other).minor, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __mul__(self, times: int) -> "Money":
        if type(times) is not int:
            raise TypeError("Money is multiplied by whole numbers only; use Money.rounded for the rest.")
        return Money(self.minor * times, self.currency)

    __rmul__ = __mul__

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._same(other).minor

    def __le__(self, other: "Money") -> bool:
        return self.minor <= self._same(other).minor

    def __gt__(self, other: "Money") -> bool:
        return self.minor > self._same(other).minor

    def __ge__(self, other: "Money") -> bool:
        return self.minor >= self._same(other).minor

    def __bool__(self) -> bool:
        return self.minor != 0

    def __str__(self) -> str:
        """`NGN 1,234.50`: for messages and logs; pages format by the reader's language."""
        return f"{self.currency} {self.units:,f}"

    def _same(self, other: "Money") -> "Money":
        if self.currency != other.currency:
            raise UnableToMixCurrencies(
                code="mixed-currencies",
                message=f"{self.currency} and {other.currency} cannot be added or compared.",
                params={"left": self.currency.code, "right": other.currency.code},
            )
        return other
