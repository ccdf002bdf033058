"""Reading a document clause by clause, collecting every problem instead of stopping at the first."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction

from mains.engine.language.guesses import guess
from mains.engine.language.units import Unit, UnitSystem
from mains.engine.tariff.document import Path, Value, line_of
from mains.engine.tariff.errors import Problem
from mains.engine.tariff.model import Rounding
from mains.kernel.rounding import RoundingMode

_FIGURE = re.compile(
    r"([+-]?(?:\d[\d_]*(?:\.\d+)?|\.\d+))(?:\s*/\s*(\d+))?\s*(%|percent\b|per cent\b|pct\b)?\s*(\S.*)?"
)
_POWER_OF_TEN = re.compile(r"e[+-]?\d+", re.IGNORECASE)
_DAY = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})")
MAX_DIGITS = 60
# A rounding to one of these is mostly meant as a number of decimals.
_DECIMALS_PERHAPS = (2, 3, 4, 6)
_YES, _NO = ("yes", "true", "y"), ("no", "false", "n")


def _remedy_for_key(key: str, known: list[str]) -> str:
    if "(" in key or ")" in key:
        return 'A formula with commas needs quotes inside { }: formula: "tiers(usage, energy)".'
    return guess(key, known) + f"Known: {', '.join(known)}."


@dataclass(frozen=True)
class Problems:
    """The faults found so far in one document."""

    document: Value
    found: list[Problem] = field(default_factory=list)

    def in_order(self) -> tuple[Problem, ...]:
        """Faults by line, then in the order of finding; the same fault of two versions is told once."""
        unique = dict.fromkeys(self.found)
        return tuple(sorted(unique, key=lambda problem: problem.line or 0))


@dataclass(frozen=True)
class Clause:
    """A place in the document: its value, its path, and how people call it."""

    value: Value
    problems: Problems
    path: Path = ()
    name: str = ""

    def refuse(self, code: str, message: str, remedy: str = "") -> None:
        line = line_of(self.problems.document, self.path)
        self.problems.found.append(Problem(code, self.name or "tariff", message, remedy, self.path, line))

    def get(self, key: str) -> "Clause":
        """The clause under `key`; its value is None when there is none."""
        value = self.value.get(key) if isinstance(self.value, Mapping) else None
        return Clause(value, self.problems, (*self.path, key), f"{self.name}.{key}" if self.name else key)

    def wrap(self, key: str) -> "Clause":
        """This clause as an entry that has only `key`: `energy: usage * price` for {formula: usage * price}."""
        return Clause({key: self.value}, self.problems, self.path, self.name)

    def pair(self, key: str) -> "Clause":
        """This clause and its key as a list of two: `150: 3.61` for [150, 3.61]."""
        return Clause([key, self.value], self.problems, self.path, self.name)

    def items(self, *, label: str = "") -> list["Clause"]:
        """The clauses of a list; `label` names the key that identifies an item."""
        if not isinstance(self.value, list):
            if self.value is not None:
                self.refuse("not-a-list", "A list is needed here.", "Start each item with a dash.")
            return []
        found = []
        for at, item in enumerate(self.value):
            named = item.get(label) if label and isinstance(item, Mapping) else None
            found.append(
                Clause(
                    item, self.problems, (*self.path, at), f"{self.name}[{at if named is None else named}]"
                )
            )
        return found

    def entries(self) -> list[tuple[str, "Clause"]]:
        """Key and clause of each entry of a mapping."""
        if self.value is None:
            return []
        if not isinstance(self.value, Mapping):
            self.refuse(
                "not-a-mapping", "Named entries are needed here.", "Write `name: value` on each line."
            )
            return []
        return [(str(key), self.get(key)) for key in self.value]

    def only(self, known: Iterable[str]) -> None:
        """Refuses keys nobody reads, which are mostly typing errors."""
        names = list(known)
        for key, clause in self.entries():
            if key not in names:
                clause.refuse("unknown-key", f"“{key}” is not known here.", _remedy_for_key(key, names))

    def text(self, *, required: bool = False, default: str = "") -> str:
        if self.value is None:
            if required:
                key = self.path[-1] if self.path else "it"
                self.refuse("missing", f"`{key}` is missing.", f"Write `{key}: …`.")
            return default
        if isinstance(self.value, (list, Mapping)):
            self.refuse("not-a-text", "A text is needed here.", "Put it in quotes on one line.")
            return default
        return str(self.value)

    def choice(self, options: Iterable[str], *, default: str) -> str:
        written, names = self.text(default=default), list(options)
        value = written if written in names else re.sub(r"[\s-]+", "_", written.strip().casefold())
        if value not in names:
            offered = ", ".join(name for name in names if name)
            self.refuse(
                "unknown-choice",
                f"“{written}” is not possible here.",
                guess(written, names) + f"Choose one of: {offered}.",
            )
            return default
        return value

    def flag(self) -> bool | None:
        """yes or no; None when absent or refused."""
        if isinstance(self.value, bool) or self.value is None:
            return self.value
        word = str(self.value).casefold()
        if word in _YES or word in _NO:
            return word in _YES
        self.refuse("not-a-flag", f"“{self.value}” is neither yes nor no.", "Write yes or no.")
        return None

    def day(self) -> date | None:
        """A date; None when absent or refused."""
        if isinstance(self.value, date):
            return self.value
        written = _DAY.fullmatch(self.value.strip()) if isinstance(self.value, str) else None
        if written is not None:
            try:
                return date(int(written.group(1)), int(written.group(3)), int(written.group(4)))
            except ValueError:
                pass
        if self.value is not None:
            self.refuse(
                "date-unknown", f"“{self.value}” is not a date.", "Write year-month-day, such as 2024-07-01."
            )
        return None

    def figure(self) -> tuple[Fraction, str | None] | None:
        """An exact number and the unit written after it (`%` is applied, and leaves no unit). None when
        absent or refused.
        """
        match self.value:
            case None:
                return None
            case float():
                self.refuse(
                    "float",
                    f"{self.value} is a binary float, which is not exact.",
                    "Give it as text or as a decimal.",
                )
                return None
            case bool():
                pass
            case int() | Fraction():
                return Fraction(self.value), None
            case Decimal() if self.value.is_finite():
                return Fraction(self.value), None
            case str():
                return self._figure_from_text(self.value.strip())
        self.refuse("not-a-number", "A number is needed here.", "Write a figure such as 3.61.")
        return None

    def _figure_from_text(self, text: str) -> tuple[Fraction, str | None] | None:
        match = _FIGURE.fullmatch(text)
        rest = (match.group(4) or "") if match else ""
        shown = text if len(text) <= MAX_DIGITS else f"{text[:20]}…"
        remedy = ""
        if match is None or (match.group(2) and not int(match.group(2))):
            figure = re.search(r"\d[\d_.]*", text)
            remedy = "Write 3.61, 10 %, 1/300 or 3.61 RUB/kWh."
            if figure and len(text) < MAX_DIGITS:
                remedy = f"Write the figure first, then its unit: {figure.group()} RUB/kWh."
        elif len(match.group(1)) > MAX_DIGITS or len(match.group(2) or "") > MAX_DIGITS:
            remedy = f"A number has at most {MAX_DIGITS} digits."
        elif rest.startswith(","):
            remedy = "Write 16000 or 16_000 without a comma, and 0.5 with a point."
        elif _POWER_OF_TEN.fullmatch(rest.split()[0] if rest else ""):
            remedy = "Write the digits out, without a power of ten."
        if match is None or remedy:
            self.refuse("not-a-number", f"“{shown}” is not a number.", remedy)
            return None
        value = Fraction(match.group(1).replace("_", ""))
        if match.group(2):
            value /= int(match.group(2))
        if match.group(3):
            return value / 100, rest or "number"
        return value, rest or None

    def number(self) -> Fraction | None:
        """A plain number; None when absent or refused."""
        found = self.figure()
        if found is None:
            return None
        if found[1] not in (None, "number"):
            self.refuse("not-a-number", f"“{self.value}” is not a plain number.", "Leave the unit out here.")
            return None
        return found[0]

    def measured(self, *, unit: Unit, units: UnitSystem) -> Fraction | None:
        """A number of `unit`, which may be written after it (`150 kWh`, `0.15 MWh`); None when absent or refused."""
        found = self.figure()
        if found is None or found[1] in (None, "number"):
            return found[0] if found else None
        try:
            written, size = units.parse(found[1])
        except ValueError as error:
            self.refuse("not-a-number", f"{error}.", f"Write the number alone; it is in {unit}.")
            return None
        if written != unit:
            self.refuse(
                "unit-mismatch",
                f"“{self.value}” is in {written}, but {unit} is needed here.",
                f"Give it in {unit}.",
            )
            return None
        return found[0] * size

    def rounding(self, *, smallest: Fraction | None = None) -> Rounding | None:
        """`{to: 0.01, mode: half_up}`, or just `0.01`, or just a mode where there is a smallest coin to round to;
        None when absent, `none`, or refused.
        """
        if self.value is None or str(self.value).casefold() == "none":
            return None
        modes = [mode.value for mode in RoundingMode]
        if isinstance(self.value, Mapping):
            self.only(("to", "mode"))
            step = self.get("to").number() if self.get("to").value is not None else smallest
            mode = self.get("mode").choice(modes, default="half_up")
            if step is None and self.get("to").value is None:
                self.refuse("missing", "The rounding step is missing.", "Write {to: 0.01, mode: half_up}.")
        elif smallest is not None and isinstance(self.value, str) and self.value[:1].isalpha():
            step, mode = smallest, self.choice(modes, default="half_up")
        else:
            step, mode = self.number(), "half_up"
            if step in _DECIMALS_PERHAPS:
                self.refuse(
                    "rounding-step",
                    f"`round: {step}` would round to multiples of {step}.",
                    f"For {step} decimals write {Decimal(1).scaleb(-int(step))}; for multiples of {step}, "
                    f"{{to: {step}}}.",
                )
        if step is not None and step <= 0:
            self.refuse(
                "rounding-step",
                "The rounding step must be above zero.",
                "Write 1 for whole numbers, or `round: none` to keep every digit.",
            )
            return None
        return Rounding(step, RoundingMode(mode)) if step is not None else None

    def titles(self, default: str) -> Mapping[str, str]:
        """A title by language; a plain text is the title in every language (key empty)."""
        if isinstance(self.value, Mapping):
            return {language: clause.text() for language, clause in self.entries()}
        return {"": self.text(default=default)}
