"""Parser: formula text → syntax tree. A hand-written Pratt parser; nothing is ever executed.

expression := condition
condition  := condition ("or" | "and") condition | "not" condition | comparison
comparison := sum (("<" | "<=" | ">" | ">=" | "==" | "!=" | "in") sum)?
sum        := product (("+" | "-") product)*
product    := sign (("*" | "/") sign)*
sign       := "-" sign | atom
atom       := number ["%"] ["[" unit "]"] | date | 'text' | name ("." name)* ["(" arguments ")"]
            | "(" expression ("," expression)* ")"
arguments  := (expression | name ":" expression), separated by commas
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from mains.engine.language.errors import Fault, UnableToReadFormula

MAX_LENGTH = 4_000
MAX_DEPTH = 60


@dataclass(frozen=True)
class Syntax:
    """A node of the syntax tree; `text` is the formula text it was read from."""

    text: str


@dataclass(frozen=True)
class NumberSyntax(Syntax):
    value: Fraction
    unit: str | None


@dataclass(frozen=True)
class TextSyntax(Syntax):
    value: str


@dataclass(frozen=True)
class DateSyntax(Syntax):
    value: date


@dataclass(frozen=True)
class NameSyntax(Syntax):
    parts: tuple[str, ...]


@dataclass(frozen=True)
class CallSyntax(Syntax):
    name: str
    arguments: tuple[Syntax, ...]
    named: tuple[tuple[str, Syntax], ...]


@dataclass(frozen=True)
class UnarySyntax(Syntax):
    operator: str
    operand: Syntax


@dataclass(frozen=True)
class BinarySyntax(Syntax):
    operator: str
    left: Syntax
    right: Syntax


@dataclass(frozen=True)
class ListSyntax(Syntax):
    items: tuple[Syntax, ...]


@dataclass(frozen=True)
class Token:
    kind: str
    value: str
    start: int
    end: int


_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<date>(?:19|20|21)\d\d-\d\d-\d\d(?![\w.]))
      | (?P<number>\d[\d_]*(?:\.\d+)?|\.\d+)
      | (?P<name>[^\W\d]\w*)
      | (?P<string>'[^']*'|"[^"]*")
      | (?P<unit>\[[^\]]*\])
      | (?P<operator><=|>=|==|!=|<>|[-+*/<>=(),.:%×·÷−≤≥≠])""",
    re.VERBOSE,
)
# Signs of print and of other languages which can mean only one thing.
_SIGNS = {"×": "*", "·": "*", "÷": "/", "−": "-", "≤": "<=", "≥": ">=", "≠": "!=", "<>": "!="}
# What to write instead of signs which the language does not have.
_INSTEAD = {
    "&": "Write `and`.",
    "|": "Write `or`.",
    "!": "Write `not`.",
    "?": "Write if(condition, a, b).",
    "^": "Write the product out: x * x.",
    ";": "Separate arguments with commas.",
    "#": "Put remarks beside the formula, under `note:`.",
    "[": "A unit in brackets stands after a number: 3.6 [MJ/kWh].",
    "€": "Write figures with a unit as 0.30 [EUR/kWh], or name them under prices.",
}
_BINDING = {"or": 10, "and": 20, "<": 40, "<=": 40, ">": 40, ">=": 40, "==": 40, "!=": 40, "=": 40, "in": 40}
_BINDING |= {"+": 50, "-": 50, "*": 60, "/": 60}
_NOT, _SIGN = 30, 70
WORDS = frozenset({"or", "and", "not", "in", "true", "false"})


def parse_formula(text: str) -> Syntax:
    """Syntax tree of `text`. Raises UnableToReadFormula, naming the place in the text."""
    if len(text) > MAX_LENGTH:
        raise _fault(
            f"The formula is longer than {MAX_LENGTH} characters.", "Split it into components.", text[:40]
        )
    parser = _Parser(text, tuple(_tokens(text)))
    tree = parser.expression(0, 0)
    parser.finish()
    return tree


def _tokens(text: str) -> Iterator[Token]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _fault(
                f"“{text[at]}” at character {at + 1} is not part of the formula language.",
                _INSTEAD.get(text[at], "Use + - * / ( ) comparisons, and, or, not."),
                text,
            )
        kind, value = match.lastgroup or "", match.group()
        if kind == "name" and value.lower() in WORDS:
            kind, value = "operator", value.lower()
        if kind != "space":
            yield Token(kind, _SIGNS.get(value, value), match.start(), match.end())
        at = match.end()
    yield Token("end", "", len(text), len(text))


def _fault(message: str, remedy: str, text: str) -> UnableToReadFormula:
    return UnableToReadFormula(Fault("formula-syntax", message, remedy, text))


class _Parser:
    def __init__(self, text: str, tokens: tuple[Token, ...]) -> None:
        self._text = text
        self._tokens = tokens
        self._at = 0

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _is(self, value: str) -> bool:
        return self._next.kind == "operator" and self._next.value == value

    def _expect(self, value: str) -> Token:
        if not self._is(value):
            found = self._next.value or "the end of the formula"
            raise _fault(
                f"“{value}” is missing before “{found}” at character {self._next.start + 1}.",
                "Close every bracket; a formula with commas needs quotes inside { }.",
                self._text,
            )
        return self._take()

    def _between(self, start: int) -> str:
        return self._text[start : self._tokens[self._at - 1].end]

    def finish(self) -> None:
        if self._next.kind != "end":
            raise _fault(
                f"“{self._next.value}” at character {self._next.start + 1} is not expected here.",
                self._remedy(),
                self._text,
            )

    def _remedy(self) -> str:
        """What to write where one value follows another."""
        before = self._tokens[self._at - 1]
        if before.kind == "number" and re.fullmatch(r"[eE]\d+", self._next.value):
            return "Write the digits out, without a power of ten."
        if self._next.kind == "name" and before.kind == "number":
            return f"A unit stands in brackets: {before.value} [{self._next.value}]."
        if self._next.value == "," and before.kind == "number":
            return "Decimals have a point: 5.00."
        if self._next.value == ")":
            return "There is one bracket too many."
        if before.value.lower() == "if":
            return "Write if(condition, a, b)."
        return "Two values need an operator between them."

    def expression(self, binding: int, depth: int) -> Syntax:
        if depth > MAX_DEPTH:
            raise _fault(
                f"The formula is nested deeper than {MAX_DEPTH}.",
                "Split it into components.",
                self._text[:40],
            )
        start = self._next.start
        left = self._prefix(depth)
        while self._next.kind == "operator" and _BINDING.get(self._next.value, -1) > binding:
            operator = self._take().value
            right = self.expression(_BINDING[operator], depth + 1)
            if (
                operator in {"<", "<=", ">", ">=", "==", "!=", "=", "in"}
                and _BINDING.get(self._next.value) == 40
            ):
                raise _fault(
                    "Comparisons cannot be chained.", "Write `a < b and b < c`.", self._between(start)
                )
            left = BinarySyntax(self._between(start), "==" if operator == "=" else operator, left, right)
        return left

    def _prefix(self, depth: int) -> Syntax:
        token = self._take()
        if token.kind == "number":
            return self._number(token)
        if token.kind == "date":
            return self._date(token)
        if token.kind == "string":
            return TextSyntax(token.value, token.value[1:-1])
        if token.kind == "name":
            return self._name(token, depth)
        if token.kind == "operator" and token.value in {"true", "false"}:
            return NameSyntax(token.value, (token.value,))
        if token.kind == "operator" and token.value in {"-", "+"}:
            operand = self.expression(_SIGN, depth + 1)
            return operand if token.value == "+" else UnarySyntax(self._between(token.start), "-", operand)
        if token.kind == "operator" and token.value == "not":
            return UnarySyntax(self._between(token.start), "not", self.expression(_NOT, depth + 1))
        if token.kind == "operator" and token.value == "(":
            return self._group(token, depth)
        raise _fault(
            f"A value is missing before “{token.value or 'the end of the formula'}” at character "
            f"{token.start + 1}.",
            "Write a number, a name or a bracket there.",
            self._text,
        )

    def _number(self, token: Token) -> Syntax:
        value, unit = Fraction(token.value.replace("_", "")), None
        if self._is("%"):
            self._take()
            value /= 100
        if self._next.kind == "unit":
            unit = self._take().value[1:-1]
        return NumberSyntax(self._between(token.start), value, unit)

    def _date(self, token: Token) -> Syntax:
        try:
            return DateSyntax(token.value, date.fromisoformat(token.value))
        except ValueError as error:
            raise _fault(
                f"“{token.value}” is not a day of the calendar.",
                "Write year-month-day, such as 2024-07-01; leave blanks around a minus sign.",
                self._text,
            ) from error

    def _name(self, token: Token, depth: int) -> Syntax:
        parts = [token.value]
        while self._is("."):
            self._take()
            part = self._take()
            if part.kind not in {"name", "number"}:
                raise _fault(
                    f"A name is missing after “.” at character {part.start + 1}.",
                    "Write usage.night, or 0.5 with the zero.",
                    self._text,
                )
            parts.append(part.value)
        if not self._is("("):
            return NameSyntax(self._between(token.start), tuple(parts))
        self._take()
        arguments, named = self._arguments(depth)
        self._expect(")")
        return CallSyntax(self._between(token.start), ".".join(parts).lower(), arguments, named)

    def _arguments(self, depth: int) -> tuple[tuple[Syntax, ...], tuple[tuple[str, Syntax], ...]]:
        arguments: list[Syntax] = []
        named: list[tuple[str, Syntax]] = []
        while not self._is(")"):
            after = self._tokens[min(self._at + 1, len(self._tokens) - 1)]
            if self._next.kind == "name" and after.kind == "operator" and after.value == ":":
                name = self._take().value
                self._take()
                named.append((name, self.expression(0, depth + 1)))
            else:
                arguments.append(self.expression(0, depth + 1))
            if not self._is(")"):
                self._expect(",")
        return tuple(arguments), tuple(named)

    def _group(self, token: Token, depth: int) -> Syntax:
        items = [self.expression(0, depth + 1)]
        while self._is(","):
            self._take()
            items.append(self.expression(0, depth + 1))
        self._expect(")")
        return items[0] if len(items) == 1 else ListSyntax(self._between(token.start), tuple(items))
