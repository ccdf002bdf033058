"""Drafts of tariffs, for people who may see them, and the checks that stand before publication."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from mains.base.rows import fetch_row, fetch_rows
from mains.kernel.errors import MainsError
from mains.staff.values import Permission, Scope
from mains.tariffs.queries.cases import CaseOutcome, list_cases, run_cases
from mains.tariffs.queries.checking import Checked, check_document
from mains.tariffs.values import DraftState
from mains.tariffs.values.differences import Change, changes_of_the_past, compare_tariffs


class UnableToFindDraft(MainsError):
    """There is no such draft that the person may see."""


@dataclass(frozen=True)
class DraftRecord:
    """A draft and the edition that it began from. `is_outdated`: another edition was published since."""

    id: int
    code: str
    title: str
    document: str
    revision: int
    state: str
    past_reason: str
    changed_at: datetime
    changed_by: str
    submitted_by_id: int | None
    base_edition_id: int | None
    base_document: str | None
    edition_in_force_id: int | None
    document_in_force: str | None

    @property
    def is_open(self) -> bool:
        return self.state in (DraftState.DRAFT, DraftState.SUBMITTED)

    @property
    def is_editable(self) -> bool:
        return self.state == DraftState.DRAFT

    @property
    def is_outdated(self) -> bool:
        return self.is_open and self.base_edition_id != self.edition_in_force_id


@dataclass(frozen=True)
class StepRecord:
    """A step of a draft's life."""

    id: int
    kind: str
    at: datetime
    by_id: int
    by: str
    reason: str
    revision: int
    has_document: bool


@dataclass(frozen=True)
class Review:
    """Everything that decides whether a draft may be published; `past` are the changes that touch days gone by."""

    checked: Checked
    outcomes: tuple[CaseOutcome, ...]
    changes: tuple[Change, ...]
    past: tuple[Change, ...]


_PERSON = "COALESCE(NULLIF(TRIM(u.first_name || ' ' || u.last_name), ''), u.username, '')"
_DRAFT = f"""
    SELECT d.id, d.code, d.title, d.document, d.revision, d.state, d.past_reason, d.changed_at,
           (SELECT {_PERSON} FROM tariffs_tariffdraftstep s JOIN staff_user u ON u.id = s.by_id
             WHERE s.draft_id = d.id ORDER BY s.id DESC LIMIT 1),
           (SELECT s.by_id FROM tariffs_tariffdraftstep s
             WHERE s.draft_id = d.id AND s.kind = 'submitted' ORDER BY s.id DESC LIMIT 1),
           d.base_edition_id, base.document, e.id, e.document
    FROM tariffs_tariffdraft d
    LEFT JOIN tariffs_tariffedition base ON base.id = d.base_edition_id
    LEFT JOIN tariffs_tariff t ON t.code = d.code
    LEFT JOIN tariffs_tariffedition e ON e.tariff_id = t.id AND e.superseded_at IS NULL
"""


def get_draft(*, draft_id: int, scope: Scope) -> DraftRecord:
    """The draft. Raises UnableToFindDraft when there is none, or the person may see none."""
    found = None
    if scope.may(Permission.SEE_TARIFF_DRAFTS):
        found = fetch_row(DraftRecord, f"{_DRAFT} WHERE d.id = %(id)s", {"id": draft_id})
    if found is None:
        raise UnableToFindDraft(
            code="draft-unknown",
            message="There is no such draft.",
            place=f"draft {draft_id}",
            remedy="Look at the list of tariffs for the drafts that are open.",
        )
    return found


def get_draft_document(*, draft_id: int, scope: Scope) -> str:
    """The text of the draft as last saved, whatever its state, to compute with. Raises UnableToFindDraft."""
    return get_draft(draft_id=draft_id, scope=scope).document


def list_drafts(*, scope: Scope, code: str | None = None, is_open: bool = False) -> list[DraftRecord]:
    """Drafts, latest change first; of one tariff when `code` is given."""
    if not scope.may(Permission.SEE_TARIFF_DRAFTS):
        return []
    statement = f"""
        {_DRAFT} WHERE (%(code)s::text IS NULL OR d.code = %(code)s)
          AND (NOT %(is_open)s OR d.state IN ('draft', 'submitted'))
        ORDER BY d.changed_at DESC, d.id DESC LIMIT 500
    """
    return fetch_rows(DraftRecord, statement, {"code": code, "is_open": is_open})


def list_draft_steps(*, draft_id: int) -> list[StepRecord]:
    """The steps of a draft, latest first."""
    statement = f"""
        SELECT s.id, s.kind, s.at, s.by_id, {_PERSON}, s.reason, s.revision, s.document <> ''
        FROM tariffs_tariffdraftstep s JOIN staff_user u ON u.id = s.by_id
        WHERE s.draft_id = %(id)s ORDER BY s.id DESC
    """
    return fetch_rows(StepRecord, statement, {"id": draft_id})


def find_step_document(*, draft_id: int, step_id: int) -> str | None:
    """The text of the draft as it was saved at that step; None when the step keeps none."""
    statement = """
        SELECT document FROM tariffs_tariffdraftstep
        WHERE id = %(id)s AND draft_id = %(draft_id)s AND document <> ''
    """
    return fetch_row(str, statement, {"id": step_id, "draft_id": draft_id})


def authors_of(*, draft_id: int) -> frozenset[int]:
    """Who wrote or submitted any of it, since it was begun: they may not publish it."""
    statement = """
        SELECT DISTINCT by_id FROM tariffs_tariffdraftstep
        WHERE draft_id = %(id)s AND kind IN ('begun', 'saved', 'rebased', 'submitted')
    """
    cases = """
        SELECT DISTINCT recorded_by_id FROM tariffs_tariffcase
        WHERE draft_id = %(id)s AND recorded_by_id IS NOT NULL
    """
    people = [fetch_rows(int, text, {"id": draft_id}) for text in (statement, cases)]
    return frozenset(person for found in people for person in found)


def review_draft(*, draft: DraftRecord, today: date) -> Review:
    """The draft's faults, its cases, and how it differs from the edition in force."""
    checked = check_document(draft.document, code=draft.code)
    cases = list_cases(code=draft.code, draft_id=draft.id)
    outcomes: Sequence[CaseOutcome] = ()
    changes: tuple[Change, ...] = ()
    if checked.tariff is not None:
        outcomes = run_cases(document=draft.document, cases=cases)
        in_force = check_document(draft.document_in_force) if draft.document_in_force is not None else None
        changes = compare_tariffs(
            in_force.tariff if in_force else None,
            checked.tariff,
            (in_force.document if in_force else None, checked.document),
        )
    past = changes_of_the_past(changes, today=today) if draft.document_in_force is not None else ()
    return Review(checked, tuple(outcomes), changes, past)
