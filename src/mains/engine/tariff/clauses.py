"""Reading a document clause by clause, collecting every problem instead of stopping at the first."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction

from mains.engine.tariff.document import Path, Value, line_of
from mains.engine.tariff.errors import Problem
from mains.engine.tariff.model import Rounding
from mains.kernel.rounding import RoundingMode

_FIGURE = re.compile(r"([+-]?(?:\d[\d_]*(?:\.\d+)?|\.\d+))(?:\s*/\s*(\d+))?\s*(%?)\s*(\S.*)?")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
MAX_DIGITS = 60


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
                clause.refuse("unknown-key", f"“{key}” is not known here.", f"Known: {', '.join(names)}.")

    def text(self, *, required: bool = False, default: str = "") -> str:
        if self.value is None:
            if required:
                self.refuse("missing", "This is needed.", "")
            return default
        if isinstance(self.value, (list, Mapping)):
            self.refuse("not-a-text", "A text is needed here.", "")
            return default
        return str(self.value)

    def choice(self, options: Iterable[str], *, default: str) -> str:
        value, names = self.text(default=default), list(options)
        if value not in names:
            self.refuse(
                "unknown-choice", f"“{value}” is not possible here.", f"Choose one of: {', '.join(names)}."
            )
            return default
        return value

    def day(self) -> date | None:
        """A date; None when absent or refused."""
        if isinstance(self.value, date):
            return self.value
        if isinstance(self.value, str) and _DAY.fullmatch(self.value):
            try:
                return date.fromisoformat(self.value)
            except ValueError:
                pass
        if self.value is not None:
            self.refuse("date-unknown", f"“{self.value}” is not a date.", "Write dates as 2024-07-01.")
        return None

    def figure(self) -> tuple[Fraction, str | None] | None:
        """An exact number and the unit written after it (`%` is applied, and leaves no unit). None when
        absent or refused.
        """
        match self.value:
            case None:
                return None
            case bool():
                self.refuse("not-a-number", "A number is needed here.", "")
                return None
            case float():
                self.refuse(
                    "float",
                    f"{self.value} is a binary float, which is not exact.",
                    "Give it as text or as a decimal.",
                )
                return None
            case int() | Decimal() | Fraction():
                if isinstance(self.value, Decimal) and not self.value.is_finite():
                    self.refuse("not-a-number", "A number is needed here.", "")
                    return None
                return Fraction(self.value), None
            case str():
                return self._figure_from_text(self.value)
        self.refuse("not-a-number", "A number is needed here.", "")
        return None

    def _figure_from_text(self, text: str) -> tuple[Fraction, str | None] | None:
        match = _FIGURE.fullmatch(text.strip())
        if match is None or len(match.group(1)) > MAX_DIGITS or (match.group(2) and not int(match.group(2))):
            self.refuse(
                "not-a-number", f"“{text}” is not a number.", "Write 3.61, 10 %, 1/300 or 3.61 RUB/kWh."
            )
            return None
        if (match.group(4) or "").startswith(","):
            self.refuse(
                "not-a-number",
                f"“{text}” has a comma in the number.",
                "Write 16000 or 16_000, and 0.5 with a point.",
            )
            return None
        value = Fraction(match.group(1).replace("_", ""))
        if match.group(2):
            value /= int(match.group(2))
        if match.group(3):
            return value / 100, match.group(4) or "number"
        return value, match.group(4)

    def number(self) -> Fraction | None:
        found = self.figure()
        if found is None:
            return None
        if found[1] not in (None, "number"):
            self.refuse("not-a-number", f"A plain number is needed here, not one in {found[1]}.", "")
        return found[0]

    def rounding(self) -> Rounding | None:
        """`{to: 0.01, mode: half_up}`, or just `0.01`; None when absent, `none`, or refused."""
        if self.value is None or self.value == "none":
            return None
        if not isinstance(self.value, Mapping):
            step, mode = self.number(), "half_up"
        else:
            self.only(("to", "mode"))
            step = self.get("to").number()
            mode = self.get("mode").choice([mode.value for mode in RoundingMode], default="half_up")
            if self.get("to").value is None:
                self.refuse("missing", "The rounding step is missing.", "Write {to: 0.01, mode: half_up}.")
        if step is not None and step <= 0:
            self.refuse(
                "rounding-step",
                "The rounding step must be above zero.",
                "Write `round: none` to keep every digit.",
            )
            return None
        return Rounding(step, RoundingMode(mode)) if step is not None else None

    def titles(self, default: str) -> Mapping[str, str]:
        """A title by language; a plain text is the title in every language (key empty)."""
        if isinstance(self.value, Mapping):
            return {language: clause.text() for language, clause in self.entries()}
        return {"": self.text(default=default)}
