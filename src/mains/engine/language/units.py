"""Units as products of named atoms with integer exponents: `RUB/kWh`, `kWh/m2/month`, `EUR/(kW*day)`."""

import re
from dataclasses import dataclass
from fractions import Fraction

from mains.engine.language.atoms import BY_CASE, COUNTING, FAMILIES, HEAT, KNOWN, SAME, SHARES, subunit_of

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d[\d_]*(?:\.\d+)?)|(?P<name>[^\W\d]\w*|[^\w\s/*()^+.,:;\-]+)|(?P<power>\^\s*-?\d+)"
    r"|(?P<operator>[/*()]))"
)
_WRITTEN = (("²", "2"), ("³", "3"), ("·", "*"), ("⋅", "*"), ("×", "*"), ("÷", "/"))
_PER = re.compile(r"\bper\b", re.IGNORECASE)
_METRES = re.compile(r"\bm\s*\^\s*([23])\b")
# kW·h and кВт·ч are one name, not a product that would stand half below the line.
_HOURS = re.compile(r"\b([kMGкМГ]?(?:W|VA|var|Вт|вар))\s*[·⋅*-]\s*([hч])\b")
# The point of an abbreviation: `руб./Гкал`, `Rs./kWh`.
_SHORT = re.compile(r"(?<=[^\W\d_])\.(?=\s*(?:[/*)]|$))")
_MAX_POWER = 9


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
    """The base atoms of one tariff: its currency and the unit it measures use in; of heat all units of energy are
    multiples of one another, elsewhere (gas) a calorific value stands between them."""

    currency: str
    unit: str
    is_heat: bool = False

    @property
    def money(self) -> Unit:
        return Unit(((self.currency, 1),))

    @property
    def use(self) -> Unit:
        return self.parse(self.unit)[0]

    @property
    def _own(self) -> str:
        return canonical_atom(_HOURS.sub(r"\1\2", self.unit))

    def parse(self, text: str) -> tuple[Unit, Fraction]:
        """Unit named by `text`, and the factor from a number in it to base atoms: `ct/kWh`, `EUR/(kW*day)`,
        `USD per 1000 gal`. Raises ValueError saying what is wrong.
        """
        plain = _HOURS.sub(r"\1\2", _SHORT.sub("", _PER.sub("/", text)))
        for written, meant in _WRITTEN:
            plain = plain.replace(written, meant)
        reader = _Reader(self, text, _METRES.sub(r"m\1", plain))
        return reader.whole()

    def base(self, atom: str) -> tuple[Unit, Fraction]:
        """Base atoms of one name, and how many of them it is."""
        if atom.casefold() in ("unit", "units"):
            atom = self._own
        if atom != self.unit:
            part = subunit_of(atom, self.currency)
            if part is not None:
                return self.money, part
        atom = canonical_atom(atom)
        if atom in COUNTING:
            return NUMBER, Fraction(1)
        if atom in SHARES:
            return NUMBER, SHARES[atom]
        own = self._own
        for family in (HEAT, *FAMILIES) if self.is_heat and own in HEAT else FAMILIES:
            if atom in family:
                base = own if own in family else next(name for name, size in family.items() if size == 1)
                return Unit(((base, 1),)), family[atom] / family[base]
        return Unit(((atom, 1),)), Fraction(1)


def canonical_atom(atom: str) -> str:
    """The spelling under which a name is known: `kwh` is kWh, `days` is day. Unknown names stay as they are."""
    known = atom if atom in KNOWN else BY_CASE.get(atom.casefold(), atom)
    return SAME.get(known, known)


class _Reader:
    """Reads `factor (("/" | "*") factor)*`, factor being a number, a name with an exponent or a bracket."""

    def __init__(self, system: UnitSystem, written: str, plain: str) -> None:
        self._system = system
        self._written = written
        self._rest = plain.strip()

    def whole(self) -> tuple[Unit, Fraction]:
        found = self._product()
        if self._rest:
            raise self._unreadable()
        return found

    def _unreadable(self, why: str = "") -> ValueError:
        return ValueError(f"“{self._written}” is not a unit{why}")

    def _take(self, kind: str) -> str:
        match = _TOKEN.match(self._rest)
        if match is None or match.lastgroup != kind:
            return ""
        self._rest = self._rest[match.end() :].lstrip()
        return match.group(kind)

    def _product(self) -> tuple[Unit, Fraction]:
        unit, size = self._factor()
        divided = False
        while self._rest[:1] in ("/", "*"):
            operator = self._take("operator")
            if operator == "*" and divided:
                raise self._unreadable(": what stands below the line? Write EUR/kW/day or EUR/(kW*day)")
            divided = divided or operator == "/"
            other, other_size = self._factor()
            unit = unit * other if operator == "*" else unit / other
            size = size * other_size if operator == "*" else size / other_size
        return unit, size

    def _factor(self) -> tuple[Unit, Fraction]:
        if self._rest[:1] == "(":
            self._take("operator")
            found = self._product()
            if self._take("operator") != ")":
                raise self._unreadable(": a bracket is not closed")
            return found
        number = self._take("number")
        count = Fraction(number.replace("_", "")) if number else Fraction(1)
        if not count:
            raise self._unreadable()
        name = self._take("name")
        if not name:
            if count != 1 or not number:
                raise self._unreadable()
            return NUMBER, count
        unit, size = self._system.base(name)
        power = int(self._take("power").removeprefix("^") or 1)
        if not 0 < abs(power) <= _MAX_POWER:
            raise self._unreadable()
        return Unit(tuple((atom, exponent * power) for atom, exponent in unit.atoms)), count * size**power
