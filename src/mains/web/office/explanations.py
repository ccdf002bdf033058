"""Formula trees as pages show them: the worded steps with links to readings and tariffs."""

import re
from dataclasses import dataclass

from django.urls import reverse

from mains.base.wording import translate_message
from mains.billing.queries.records import BillRecord, LineRecord
from mains.engine.exact import Step
from mains.kernel.errors import MainsError
from mains.reporting.queries.bill_paper.explained import ExplainedStep, worded
from mains.staff.values import Scope
from mains.web.office.parts import FormulaNode

PHOTO = re.compile(r"photo (\d+)")
READING = re.compile(r"\breading (\d+)\b")
TARIFF = re.compile(r"\btariff ([\w.-]+)")


@dataclass(frozen=True)
class Explained:
    """The tree of one line, or why there is none and what to do."""

    node: FormulaNode | None
    problem: str = ""
    remedy: str = ""


def explain_line(*, bill: BillRecord, line: LineRecord, reader: Scope) -> Explained:
    """How the amount of a line came about, computed again from the facts that the run knew.

    Neighbours in a house are named within `reader`, where the person may see accounts.
    """
    from mains.billing.queries.explain import explain_bill_line

    try:
        step = explain_bill_line(month=bill.month, bill_id=bill.id, line=line.line, reader=reader)
    except MainsError as error:
        problem, remedy = translate_message(error.message), translate_message(error.remedy)
        return Explained(node=None, problem=problem, remedy=remedy)
    return Explained(node=tree_of(step))


def tree_of(step: Step) -> FormulaNode:
    """An explanation in the reader's words, with links."""
    return _linked(worded(step))


def _linked(step: ExplainedStep) -> FormulaNode:
    return FormulaNode(
        label=step.label,
        value=step.value,
        unit=step.unit,
        formula=step.formula,
        note=step.note,
        source=step.source,
        source_url=_source_url(step.origin),
        image_url=_image_url(step),
        children=tuple(_linked(child) for child in step.children),
    )


def _source_url(source: str) -> str:
    """Where a source can be opened: a photo, a reading, or the tariff's document."""
    if match := PHOTO.fullmatch(source):
        return reverse("office:photo", args=[int(match[1])])
    if match := READING.search(source):
        return reverse("office:reading", args=[int(match[1])])
    if match := TARIFF.search(source):
        return reverse("office:tariff", args=[match[1]])
    return ""


def _image_url(step: ExplainedStep) -> str:
    """Where the small picture of a photo is; empty for anything else."""
    match = PHOTO.fullmatch(step.origin) if step.file else None
    return reverse("office:small_photo", args=[int(match[1])]) if match else ""
