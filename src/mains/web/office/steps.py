"""From the last bill to this one as a picture: each cause a bar, and all bars together the difference exactly."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from mains.base import formats
from mains.billing.queries.explain import (
    BillChange,
    Cause,
    explain_causes,
    explain_change,
    explain_corrections,
)
from mains.billing.queries.records import BillRecord
from mains.kernel.errors import MainsError
from mains.reporting.queries.bill_paper.cause_wording import tell_causes
from mains.reporting.queries.bill_paper.change_wording import bill_label, change_label, step_rows

WIDTH = 1000


@dataclass(frozen=True)
class Step:
    """A row of the picture. A total stands on nought; a change begins where the step before ended. Minor units."""

    label: str
    amount_minor: int
    left: int
    width: int
    is_total: bool = False

    @property
    def tone(self) -> str:
        """How the bar is coloured: total, more or less."""
        return "total" if self.is_total else "more" if self.amount_minor > 0 else "less"


@dataclass(frozen=True)
class Steps:
    """The rows from bill to bill, with the sentence above them."""

    finding: str
    rows: tuple[Step, ...]
    zero: int

    @property
    def width(self) -> int:
        return WIDTH


def find_steps(bill: BillRecord, *, currency: str, unit: str) -> Steps | None:
    """The picture from the account's last bill to this one; None for a first bill, or where a bill does not follow from
    its facts: each of its lines says so.
    """
    try:
        change = explain_change(month=bill.month, bill_id=bill.id)
    except MainsError:
        return None
    return bill_steps(change, currency=currency, unit=unit) if change else None


def causes_by_month(bill: BillRecord, *, unit: str) -> dict[date, list[list[str]]]:
    """Why each earlier month on the bill is recalculated: label and signed amount of each cause."""
    if not bill.correction_minor:
        return {}
    language = get_language() or "en"
    try:
        corrections = explain_corrections(month=bill.month, bill_id=bill.id)
    except MainsError:
        return {}
    found: dict[date, list[list[str]]] = {}
    for correction in corrections:
        rows = step_rows(correction.steps, unit=unit, language=language)
        found.setdefault(correction.service_month, []).extend(rows)
    return found


def facts_by_month(bill: BillRecord) -> dict[date, list[str]]:
    """The facts that the recalculation of each earlier month on the bill comes from, as sentences."""
    language = get_language() or "en"
    try:
        causes = explain_causes(month=bill.month, bill_id=bill.id)
    except MainsError:
        return {}
    return sentences_by_month(causes, language=language)


def sentences_by_month(
    causes: Mapping[tuple[date, int], Sequence[Cause]], *, language: str
) -> dict[date, list[str]]:
    """Sentences for the causes of every month, of all its service points, each said once."""
    found: dict[date, dict[str, None]] = {}
    for (month, _point), each in sorted(causes.items()):
        found.setdefault(month, {}).update(dict.fromkeys(tell_causes(each, language=language)))
    return {month: list(sentences) for month, sentences in found.items()}


def bill_steps(change: BillChange, *, currency: str, unit: str) -> Steps:
    """The picture of a change, with the two bills at its ends."""
    before, after = change.before, change.after
    language = get_language() or "en"
    changes = [(change_label(step, unit=unit, language=language), step.amount_minor) for step in change.steps]
    ends = [before.amount_minor]
    for _label, minor in changes:
        ends.append(ends[-1] + minor)
    low, high = min(0, *ends), max(0, *ends)
    scale = Fraction(WIDTH, max(1, high - low))

    def bar(label: str, minor: int, *, start: int, is_total: bool = False) -> Step:
        left, right = sorted((start, start + minor))
        return Step(
            label, minor, round((left - low) * scale), max(2, round((right - left) * scale)), is_total
        )

    rows = [bar(bill_label(before.month, language=language), before.amount_minor, start=0, is_total=True)]
    rows += [bar(label, minor, start=start) for (label, minor), start in zip(changes, ends, strict=False)]
    rows.append(bar(bill_label(after.month, language=language), after.amount_minor, start=0, is_total=True))
    finding = _finding(after.amount_minor - before.amount_minor, before.month, currency)
    return Steps(finding=finding, rows=tuple(rows), zero=round(-low * scale))


def _finding(change_minor: int, month: date, currency: str) -> str:
    language = get_language() or "en"
    named = {
        "amount": formats.money_text(abs(change_minor), currency=currency, language=language),
        "month": formats.month_inside_text(month, language=language),
    }
    if not change_minor:
        return _("As much as for %(month)s") % named
    if change_minor > 0:
        return _("%(amount)s more than for %(month)s") % named
    return _("%(amount)s less than for %(month)s") % named
