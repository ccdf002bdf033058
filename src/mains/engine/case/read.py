"""Case document → `Case`. Faults carry the clause and, for text documents, the line."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from mains.engine.case.facts import read_facts
from mains.engine.case.places import find_line
from mains.engine.case.urdb import tariff_of_urdb
from mains.engine.facts import Facts
from mains.engine.intervals import History, IntervalSeries, Measured
from mains.engine.language.guesses import guess
from mains.engine.language.units import UnitSystem
from mains.engine.tariff import Problem, Tariff, UnableToReadTariff, read_document, read_tariff
from mains.engine.tariff.clauses import Clause, Problems
from mains.engine.tariff.document import Path, Value
from mains.kernel.errors import MainsError

_CASE_KEYS = ("case", "kind", "source", "note", "tariff", "facts", "expect", "services")
_MAX_SHOWN = 12
_EXPECT_KEYS = ("total", "components", "quantities", "lines")


class UnableToReadCase(MainsError):
    """The document is not a case. `problems` lists every fault found."""

    def __init__(self, *, name: str, problems: tuple[Problem, ...]) -> None:
        first, others = problems[0], problems[1 : _MAX_SHOWN + 1]
        place = f"{name}, line {first.line}, {first.clause}" if first.line else f"{name}, {first.clause}"
        rest = "".join(f"\nAlso: {problem}" for problem in others)
        more = len(problems) - 1 - len(others)
        remedy = first.remedy + rest + (f"\nAnd {more} more." if more else "")
        super().__init__(code=first.code, message=first.message, place=place, remedy=remedy)
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
    """One tariff with the facts of the account and what is expected of it. `source` is where the tariff stands."""

    tariff: Tariff
    facts: Facts
    expected: Expected
    source: "Source"
    intervals: tuple[IntervalSeries, ...] = ()
    history: History = None
    measured: Measured = field(default_factory=Measured)

    def place(self, clause: str) -> str:
        """File, line and clause, as every message names them."""
        line = find_line(self.source.document, clause, above=self.source.path)
        return ", ".join(filter(None, (self.source.file, f"line {line}" if line else "", clause)))


@dataclass(frozen=True)
class Source:
    """The document in which a tariff is written, and the path to it there."""

    file: str
    document: Value
    path: Path = ()


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
    if not isinstance(document, Mapping):
        root.refuse(
            "not-a-mapping", "A case is a set of named entries.", "Start with `case: …` and `tariff: …`."
        )
        raise UnableToReadCase(name=name, problems=problems.in_order())
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
    total = _money(shared.get("total"), services[0].tariff.units) if listed and services else None
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

    def read(self, clause: Clause) -> tuple[Tariff, Source] | None:
        if clause.value is None:
            clause.refuse("missing", "The case has no tariff.", "Write the tariff, or the name of its file.")
            return None
        if isinstance(clause.value, str):
            file = clause.value
            document = read_document(self._open(clause, file), name=file)
            return self._named(document, file), Source(file, document)
        if isinstance(clause.value, Mapping) and "urdb" in clause.value:
            return self._urdb(clause)
        source = Source(self.case_name, clause.problems.document, clause.path)
        return self._named(clause.value, self.case_name), source

    def _urdb(self, clause: Clause) -> tuple[Tariff, Source]:
        """A rate of the Utility Rate Database, in the case or in a JSON file beside it, made a tariff."""
        clause.only(("urdb", "time_zone"))
        written, file = clause.get("urdb"), self.case_name
        time_zone = clause.get("time_zone").text()
        if not time_zone:
            clause.refuse(
                "time-zone-missing",
                "A rate of the URDB does not say by which clock its hours are told.",
                "Write time_zone: America/Denver, or UTC for years without summer time.",
            )
        if isinstance(written.value, str):
            file = written.value
            document = read_document(self._open(written, file), name=file)
            written = Clause(document, Problems(document))
        made = tariff_of_urdb(written, time_zone=time_zone)
        for problems, name in ((clause.problems, self.case_name), (written.problems, file)):
            if problems.found:
                raise UnableToReadCase(name=name, problems=problems.in_order())
        return self._named(made, file), Source(file, made)

    def _open(self, clause: Clause, file: str) -> str:
        try:
            return self.open_tariff(file)
        except MainsError as error:
            clause.refuse(error.code, f"The tariff “{file}” cannot be read: {error.message}", error.remedy)
            raise UnableToReadCase(name=self.case_name, problems=clause.problems.in_order()) from error

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
    found = tariffs.read(clause.get("tariff"))
    if found is None:
        return None
    tariff, source = found
    own = clause.get("facts") if clause is not root else Clause(None, root.problems)
    facts = read_facts(own=own, shared=root.get("facts"), tariff=tariff, open_file=tariffs.open_tariff)
    if expected is None:
        expected = _read_expected(clause.get("expect"), tariff)
    if facts is None:
        return None
    return Service(tariff, facts.facts, expected, source, facts.intervals, facts.history, facts.measured)


def _read_expected(clause: Clause, tariff: Tariff) -> Expected:
    clause.only(_EXPECT_KEYS)
    reader = _ExpectedReader(tariff)
    return Expected(
        _money(clause.get("total"), tariff.units),
        reader.figures(clause.get("components")),
        reader.figures(clause.get("quantities")),
        tuple(reader.line(item) for item in clause.get("lines").items()),
    )


def _money(clause: Clause, units: UnitSystem) -> Fraction | None:
    return clause.measured(unit=units.money, units=units)


@dataclass(frozen=True)
class _ExpectedReader:
    tariff: Tariff

    def figures(self, clause: Clause) -> dict[str, Fraction]:
        """Figures by component; an amount may name the currency."""
        found = {}
        for name, entry in clause.entries():
            value = _money(entry, self.tariff.units)
            if self._is_known(name, entry) and value is not None:
                found[name] = value
        return found

    def line(self, item: Clause) -> ExpectedLine:
        item.only(("component", "from", "amount", "quantity"))
        name = item.get("component").text(required=True)
        if name:
            self._is_known(name, item)
        amount = _money(item.get("amount"), self.tariff.units)
        return ExpectedLine(name, item.get("from").day(), amount, item.get("quantity").number())

    def _is_known(self, name: str, clause: Clause) -> bool:
        known = (*self.tariff.printed_order, "rounding")
        if name not in known:
            clause.refuse(
                "unknown-name",
                f"The tariff has no component “{name}”.",
                f"{guess(name, known)}Components: {', '.join(self.tariff.printed_order)}.",
            )
        return name in known
