"""Units as products of named atoms with integer exponents: `RUB/kWh`, `kWh/m2/month`.

Atoms are free names; two different names never match, save for the few families below, which are brought to
one
base at the door so that neither interpreter ever converts. Deliberately absent: conversions between kinds (MJ
to kWh, m3 to
kWh), which a tariff states as its own number.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

# Words for "once": they carry no dimension, so that `RUB/bill` is money.
COUNTING = frozenset(
    {"bill", "customer", "account", "meter", "connection", "point", "dwelling", "number", "percent"}
)

_PLURALS = {
    "days": "day",
    "months": "month",
    "years": "year",
    "hours": "hour",
    "persons": "person",
    "people": "person",
    "h": "hour",
}

_FAMILIES: tuple[Mapping[str, Fraction], ...] = (
    {"Wh": Fraction(1, 1000), "kWh": Fraction(1), "MWh": Fraction(1000), "GWh": Fraction(10**6)},
    {"MJ": Fraction(1), "GJ": Fraction(1000), "TJ": Fraction(10**6)},
    {"W": Fraction(1, 1000), "kW": Fraction(1), "MW": Fraction(1000)},
    {"VA": Fraction(1, 1000), "kVA": Fraction(1), "MVA": Fraction(1000)},
    {"m3": Fraction(1), "l": Fraction(1, 1000), "L": Fraction(1, 1000)},
    {"gal": Fraction(1, 1000), "kgal": Fraction(1)},
    {"cf": Fraction(1, 100), "ccf": Fraction(1), "mcf": Fraction(10)},
)

# Hundredths of any currency, as price lists print them.
_SUBUNITS = frozenset(
    {
        "p",
        "pence",
        "penny",
        "c",
        "ct",
        "cent",
        "cents",
        "kobo",
        "kop",
        "kopeck",
        "paise",
        "paisa",
        "sen",
        "kurus",
        "fen",
    }
)
_ATOM = re.compile(r"\s*([^\W\d]\w*|%|1)\s*(?:\^\s*(-?\d+))?\s*")


@dataclass(frozen=True)
class Unit:
    """A product of atoms; `Unit(())` is a plain number."""

    atoms: tuple[tuple[str, int], ...] = ()

    def __mul__(self, other: "Unit") -> "Unit":
        powers = dict(self.atoms)
        for atom, power in other.atoms:
            powers[atom] = powers.get(atom, 0) + power
        return Unit(tuple(sorted((atom, power) for atom, power in powers.items() if power)))

    def inverse(self) -> "Unit":
        return Unit(tuple((atom, -power) for atom, power in self.atoms))

    def __truediv__(self, other: "Unit") -> "Unit":
        return self * other.inverse()

    def has(self, atom: str) -> bool:
        return any(name == atom for name, _ in self.atoms)

    def __str__(self) -> str:
        over = [atom if power == 1 else f"{atom}^{power}" for atom, power in self.atoms if power > 0]
        under = [atom if power == -1 else f"{atom}^{-power}" for atom, power in self.atoms if power < 0]
        return "/".join(["*".join(over) or "1", *under]) if over or under else "number"


NUMBER = Unit()
DAY = Unit((("day", 1),))
MONTH = Unit((("month", 1),))
YEAR = Unit((("year", 1),))


@dataclass(frozen=True)
class UnitSystem:
    """The base atoms of one tariff: its currency and the unit it measures use in."""

    currency: str
    unit: str

    @property
    def money(self) -> Unit:
        return Unit(((self.currency, 1),))

    @property
    def use(self) -> Unit:
        return self.parse(self.unit)[0]

    def parse(self, text: str) -> tuple[Unit, Fraction]:
        """Unit named by `text`, and the factor from a number in it to base atoms. Raises ValueError."""
        unit, factor, sign, rest = NUMBER, Fraction(1), 1, text.strip()
        while True:
            match = _ATOM.match(rest)
            if match is None:
                raise ValueError(f"“{text}” is not a unit")
            atom, power = match.group(1), sign * int(match.group(2) or 1)
            base, scale = self._base(atom)
            unit, factor, rest = unit * _power(base, power), factor * scale**power, rest[match.end() :]
            if not rest:
                return unit, factor
            if rest[0] not in "/*·":
                raise ValueError(f"“{text}” is not a unit")
            sign, rest = (-1 if rest[0] == "/" else 1), rest[1:]

    def _base(self, atom: str) -> tuple[Unit, Fraction]:
        if atom in COUNTING or atom == "1":
            return NUMBER, Fraction(1)
        if atom == "%":
            return NUMBER, Fraction(1, 100)
        if atom in _SUBUNITS and atom != self.unit:
            return self.money, Fraction(1, 100)
        atom = _PLURALS.get(atom, atom)
        for family in _FAMILIES:
            if atom in family:
                base = (
                    self.unit
                    if self.unit in family
                    else next(name for name, size in family.items() if size == 1)
                )
                return Unit(((base, 1),)), family[atom] / family[base]
        return Unit(((atom, 1),)), Fraction(1)


def _power(unit: Unit, power: int) -> Unit:
    return Unit(tuple((atom, exponent * power) for atom, exponent in unit.atoms if exponent * power))
