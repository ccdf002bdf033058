"""Case document → `Case`. Faults carry the clause and, for text documents, the line."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from mains.engine.case.expected import Expected, read_expected, read_money
from mains.engine.case.facts import read_facts, read_purchase
from mains.engine.case.interest import InterestService, read_interest_services
from mains.engine.case.places import find_line
from mains.engine.case.urdb import tariff_of_urdb
from mains.engine.facts import Facts
from mains.engine.intervals import History, IntervalSeries, Measured
from mains.engine.language.units import UnitSystem
from mains.engine.tariff import Problem, Tariff, UnableToReadTariff, read_document, read_tariff
from mains.engine.tariff.clauses import Clause, Problems
from mains.engine.tariff.document import Path, Value
from mains.kernel.errors import MainsError

_CASE_KEYS = (
    "case", "kind", "source", "note", "tariff", "interest", "facts", "expect", "services", "bills",
)  # fmt: skip
_MAX_SHOWN = 12


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
class Service:
    """One tariff with the facts of the account and what is expected of it. `source` is where the tariff stands.

    `purchase` is money in units of currency that buys use, and the smallest use sold in millionths; `opening` are the
    balances whose value the case gives.
    """

    tariff: Tariff
    facts: Facts
    expected: Expected
    source: "Source"
    purchase: tuple[Fraction, int] | None = None
    opening: frozenset[str] = frozenset()
    intervals: tuple[IntervalSeries, ...] = ()
    history: History = None
    measured: Measured = field(default_factory=Measured)

    @property
    def currency(self) -> str:
        return self.tariff.currency

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
    services: tuple["Service | InterestService", ...]
    total: Fraction | None
    is_chain: bool = False
    """Whether the services are bills of one tariff one after another, each opening with what the last one left."""

    @property
    def expects_something(self) -> bool:
        return self.total is not None or any(service.expected != Expected() for service in self.services)


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
    chain = root.get("bills").items()
    listed = root.get("services").items() or chain
    if chain and root.get("services").value is not None:
        root.get("bills").refuse("key-twice", "A case has services or bills.", "Keep one of the two.")
    shared = root.get("expect")
    tariffs = _Tariffs(name, open_tariff)
    services: list[Service | InterestService] = []
    if root.get("interest").value is not None:
        services.extend(read_interest_services(root, file=name, open_rule=tariffs.open))
    else:
        services.extend(_read_services(root, listed, tariffs, is_chain=bool(chain)))
    total = (
        read_money(shared.get("total"), UnitSystem(services[0].currency, "unit"))
        if listed and services
        else None
    )
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
        is_chain=bool(chain),
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
            document = read_document(self.open(clause, file), name=file)
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
            document = read_document(self.open(written, file), name=file)
            written = Clause(document, Problems(document))
        made = tariff_of_urdb(written, time_zone=time_zone)
        for problems, name in ((clause.problems, self.case_name), (written.problems, file)):
            if problems.found:
                raise UnableToReadCase(name=name, problems=problems.in_order())
        return self._named(made, file), Source(file, made)

    def open(self, clause: Clause, file: str) -> str:
        """The text of a document beside the case. Raises UnableToReadCase."""
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


def _read_services(
    root: Clause, listed: list[Clause], tariffs: _Tariffs, *, is_chain: bool
) -> Iterator[Service]:
    """The services of a case, or its bills one after another, which share the tariff."""
    common = tariffs.read(root.get("tariff")) if is_chain else None
    for clause in listed or [root]:
        if clause is not root:
            clause.only(("facts", "expect") if is_chain else ("tariff", "facts", "expect"))
        found = common if is_chain else tariffs.read(clause.get("tariff"))
        silent = bool(listed) and clause.get("expect").value is None
        service = _read_service(
            clause, root, found, Expected() if silent else None, open_file=tariffs.open_tariff
        )
        if service is not None:
            yield service


def _read_service(
    clause: Clause,
    root: Clause,
    found: tuple[Tariff, Source] | None,
    expected: Expected | None,
    *,
    open_file: Callable[[str], str],
) -> Service | None:
    if found is None:
        return None
    tariff, source = found
    own = clause.get("facts") if clause is not root else Clause(None, root.problems)
    read = read_facts(own=own, shared=root.get("facts"), tariff=tariff, open_file=open_file)
    purchase = read_purchase(own=own, shared=root.get("facts"), tariff=tariff)
    if expected is None:
        expected = read_expected(clause.get("expect"), tariff)
    if read is None:
        return None
    # What holds for all bills of a chain opens the first of them only.
    written = own.get("balances") if clause is not root else root.get("facts").get("balances")
    return Service(
        tariff=tariff,
        facts=read.facts,
        expected=expected,
        source=source,
        purchase=purchase,
        opening=frozenset(_keys(written)),
        intervals=read.intervals,
        history=read.history,
        measured=read.measured,
    )


def _keys(clause: Clause) -> set[str]:
    return {str(key) for key in clause.value} if isinstance(clause.value, Mapping) else set()
