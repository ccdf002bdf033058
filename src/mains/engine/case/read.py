"""Case document → `Case`. Faults carry the clause and, for text documents, the line."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from mains.engine.case.facts import read_facts
from mains.engine.facts import Facts
from mains.engine.tariff import Problem, Tariff, UnableToReadTariff, read_document, read_tariff
from mains.engine.tariff.clauses import Clause, Problems
from mains.engine.tariff.document import Value
from mains.kernel.errors import MainsError

_CASE_KEYS = ("case", "kind", "source", "note", "tariff", "facts", "expect", "services")
_EXPECT_KEYS = ("total", "components", "quantities", "lines")


class UnableToReadCase(MainsError):
    """The document is not a case. `problems` lists every fault found."""

    def __init__(self, *, name: str, problems: tuple[Problem, ...]) -> None:
        first = problems[0]
        place = f"{name}, line {first.line}, {first.clause}" if first.line else f"{name}, {first.clause}"
        rest = "".join(f"\n  {problem}" for problem in problems[1:])
        super().__init__(code=first.code, message=first.message + rest, place=place, remedy=first.remedy)
        self.problems = problems


@dataclass(frozen=True)
class ExpectedLine:
    """A line that must be there: of one component, perhaps starting on one day."""

    component: str
    from_date: date | None
    amount: Fraction | None
    quantity: Fraction | None


@dataclass(frozen=True)
class Expected:
    """What the bill must show. Amounts in units of currency, quantities in their own unit."""

    total: Fraction | None = None
    components: Mapping[str, Fraction] = field(default_factory=dict)
    quantities: Mapping[str, Fraction] = field(default_factory=dict)
    lines: tuple[ExpectedLine, ...] = ()


@dataclass(frozen=True)
class Service:
    """One tariff with the facts of the account and what is expected of it."""

    tariff: Tariff
    facts: Facts
    expected: Expected


@dataclass(frozen=True)
class Case:
    """An account with one or several services. `kind` says where the expected figures come from: published or
    derived.
    """

    name: str
    kind: str
    source: str
    note: str
    services: tuple[Service, ...]
    total: Fraction | None


def read_case(text: str, *, name: str, open_tariff: Callable[[str], str]) -> Case:
    """The case in `text`. `open_tariff` gives the text of a tariff document named in the case.

    Raises UnableToReadDocument, UnableToReadCase or UnableToReadTariff.
    """
    document = read_document(text, name=name)
    problems = Problems(document)
    root = Clause(document, problems)
    root.only(_CASE_KEYS)
    listed = root.get("services").items()
    shared = root.get("expect")
    tariffs = _Tariffs(name, open_tariff)
    services = [
        service
        for clause in (listed or [root])
        if (
            service := _read_service(
                clause, root, tariffs, Expected() if listed and clause.get("expect").value is None else None
            )
        )
        is not None
    ]
    total = shared.get("total").number() if listed else None
    if listed:
        shared.only(("total",))
    case = Case(
        name=root.get("case").text(default=name),
        kind=root.get("kind").choice(("published", "derived", ""), default=""),
        source=root.get("source").text()
        if not isinstance(root.get("source").value, list)
        else ", ".join(i.text() for i in root.get("source").items()),
        note=root.get("note").text(),
        services=tuple(services),
        total=total,
    )
    if problems.found:
        raise UnableToReadCase(name=name, problems=problems.in_order())
    return case


@dataclass(frozen=True)
class _Tariffs:
    """Reads tariffs written in the case or beside it; a fault names the file and the line in it."""

    case_name: str
    open_tariff: Callable[[str], str]

    def read(self, clause: Clause) -> Tariff | None:
        if clause.value is None:
            clause.refuse("missing", "The case has no tariff.", "Write the tariff, or the name of its file.")
            return None
        if isinstance(clause.value, str):
            file = clause.value
            return self._named(read_document(self.open_tariff(file), name=file), file)
        return self._named(clause.value, self.case_name)

    def _named(self, document: Value, name: str) -> Tariff:
        try:
            return read_tariff(document)
        except UnableToReadTariff as error:
            raise UnableToReadCase(name=name, problems=error.problems) from error


def _read_service(
    clause: Clause, root: Clause, tariffs: _Tariffs, expected: Expected | None
) -> Service | None:
    if clause is not root:
        clause.only(("tariff", "facts", "expect"))
    tariff = tariffs.read(clause.get("tariff"))
    if tariff is None:
        return None
    own = clause.get("facts") if clause is not root else Clause(None, root.problems)
    facts = read_facts(own=own, shared=root.get("facts"), tariff=tariff)
    if expected is None:
        expected = _read_expected(clause.get("expect"), tariff)
    return Service(tariff, facts, expected) if facts is not None else None


def _read_expected(clause: Clause, tariff: Tariff) -> Expected:
    clause.only(_EXPECT_KEYS)
    known = {*tariff.printed_order, "rounding"}
    figures: dict[str, dict[str, Fraction]] = {"components": {}, "quantities": {}}
    for group, found in figures.items():
        for name, entry in clause.get(group).entries():
            value = entry.number()
            if name not in known:
                entry.refuse(
                    "unknown-name",
                    f"The tariff has no component “{name}”.",
                    f"Components: {', '.join(tariff.printed_order)}.",
                )
            elif value is not None:
                found[name] = value
    lines = []
    for item in clause.get("lines").items():
        item.only(("component", "from", "amount", "quantity"))
        name = item.get("component").text(required=True)
        if name not in known:
            item.refuse(
                "unknown-name",
                f"The tariff has no component “{name}”.",
                f"Components: {', '.join(tariff.printed_order)}.",
            )
        lines.append(
            ExpectedLine(
                name, item.get("from").day(), item.get("amount").number(), item.get("quantity").number()
            )
        )
    return Expected(clause.get("total").number(), figures["components"], figures["quantities"], tuple(lines))
