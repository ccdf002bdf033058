"""Test cases of a tariff: facts with the bill that they must give, run by both interpreters."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from mains.base.rows import fetch_rows
from mains.engine.case import CaseResult, read_case, run_case
from mains.kernel.errors import MainsError

CASE_CHARACTERS_MAX = 50_000
_TARIFF = "tariff"


class UnableToReadTestCase(MainsError):
    """The text is no test case of a tariff."""


@dataclass(frozen=True)
class CaseRecord:
    """A case as it counts for a draft or tariff. `is_own`: it came with the draft."""

    id: int
    name: str
    document: str
    is_own: bool
    is_dropped: bool
    recorded_at: datetime
    recorded_by: str


@dataclass(frozen=True)
class CaseOutcome:
    """How a case went: the bill and what differs, or why there is none."""

    case: CaseRecord
    result: CaseResult | None
    error: MainsError | None

    @property
    def is_passed(self) -> bool:
        return self.result is not None and not self.result.mismatches


def list_cases(*, code: str, draft_id: int | None = None) -> list[CaseRecord]:
    """The tariff's cases by name; a draft's own stand in the place of the tariff's of the same name."""
    statement = """
        SELECT DISTINCT ON (c.name) c.id, c.name, c.document, c.draft_id IS NOT NULL, c.is_dropped, c.recorded_at,
               COALESCE(NULLIF(TRIM(u.first_name || ' ' || u.last_name), ''), u.username, '')
        FROM tariffs_tariffcase c LEFT JOIN staff_user u ON u.id = c.recorded_by_id
        WHERE c.superseded_at IS NULL
          AND ((c.draft_id IS NULL AND c.code = %(code)s) OR c.draft_id = %(draft_id)s)
        ORDER BY c.name, c.draft_id NULLS LAST
    """
    return fetch_rows(CaseRecord, statement, {"code": code, "draft_id": draft_id})


def run_cases(*, document: str, cases: Sequence[CaseRecord]) -> list[CaseOutcome]:
    """Every case that is not left out, rated under the document by both interpreters."""
    return [_run(document, case) for case in cases if not case.is_dropped]


def rate_facts(*, document: str, case_text: str, name: str = "case") -> CaseResult:
    """The bill of a case under a document. Raises MainsError naming the faulty line of the case or clause."""
    case = read_case(_with_tariff(case_text), name=name, open_tariff=lambda _file: document)
    return run_case(case)


def check_case(*, case_text: str, document: str | None) -> None:
    """Raises UnableToReadTestCase or the engine's error when the text is no case, or expects nothing."""
    if len(case_text) > CASE_CHARACTERS_MAX:
        raise UnableToReadTestCase(
            code="case-too-long",
            message=f"The case has {len(case_text)} characters; at most {CASE_CHARACTERS_MAX} are possible.",
            remedy="Keep one account and one period in a case.",
        )
    if document is None:
        return
    case = read_case(_with_tariff(case_text), name="case", open_tariff=lambda _file: document)
    expected = case.services[0].expected
    if len(case.services) > 1 or case.total is not None:
        raise UnableToReadTestCase(
            code="case-of-services",
            message="The case is of several services.",
            remedy="A test case of a tariff has one: facts and expect.",
        )
    if expected.total is None and not (expected.components or expected.quantities or expected.lines):
        raise UnableToReadTestCase(
            code="case-expects-nothing",
            message="The case does not say what the bill must be.",
            remedy="Write `expect:` with a total or the amounts of components.",
        )


def expected_text(result: CaseResult) -> str:
    """The `expect` part of a case that a result fulfils, to be compared with a printed bill and corrected."""
    protocol = result.protocols[0]
    scale = protocol.posting_scale
    amounts: dict[str, int] = {}
    for line in protocol.lines:
        if line.amount_minor is not None and line.component != "rounding":
            amounts[line.component] = amounts.get(line.component, 0) + line.amount_minor
    lines = [f"    {name}: {_decimal(Fraction(minor, scale))}" for name, minor in amounts.items()]
    return "\n".join(["expect:", "  components:", *lines, f"  total: {_decimal(result.total)}"]) + "\n"


def _decimal(value: Fraction) -> str:
    from mains.engine.exact import show

    return show(value)


def _run(document: str, case: CaseRecord) -> CaseOutcome:
    try:
        return CaseOutcome(case, rate_facts(document=document, case_text=case.document, name=case.name), None)
    except MainsError as error:
        return CaseOutcome(case, None, error)


def _with_tariff(case_text: str) -> str:
    """The case with the name of the tariff's document, at the end so that the lines keep their numbers."""
    return f"{case_text.rstrip()}\ntariff: {_TARIFF}\n"
