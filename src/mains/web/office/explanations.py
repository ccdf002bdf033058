"""Formula trees as pages show them: the engine's steps with links to readings and tariffs."""

import re
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from mains.base import formats
from mains.billing.queries.records import BillRecord, LineRecord
from mains.kernel.errors import MainsError
from mains.web.office.parts import FormulaNode

READING = re.compile(r"\breading (\d+)\b")
TARIFF = re.compile(r"\btariff ([\w.-]+)")


@dataclass(frozen=True)
class Explained:
    """The tree of one line, or why there is none and what to do."""

    node: FormulaNode | None
    problem: str = ""
    remedy: str = ""


def explain_line(*, bill: BillRecord, line: LineRecord) -> Explained:
    """How the amount of a line came about, computed again from the facts that the run knew."""
    from mains.billing.queries.explain import explain_bill_line

    try:
        step = explain_bill_line(month=bill.month, bill_id=bill.id, line=line.line)
    except MainsError as error:
        return Explained(node=None, problem=error.message, remedy=error.remedy)
    return Explained(node=formula_node(step))


def formula_node(step: Any) -> FormulaNode:
    """A step of the engine's explanation (see engine/exact/explanation.py) with all texts final."""
    from mains.engine.exact.explanation import show_short

    note = ""
    if step.unrounded is not None and step.unrounded != step.value:
        note = _("%(value)s before rounding") % {"value": _number(show_short(step.unrounded))}
    if step.rounding:
        note = f"{note}; {step.rounding}" if note else step.rounding
    return FormulaNode(
        label=step.label,
        value=_number(show_short(step.value)),
        unit=step.unit,
        formula=step.formula if step.formula != step.label else "",
        note=note,
        source=step.source,
        source_url=_source_url(step.source),
        children=tuple(formula_node(child) for child in step.children),
    )


def _number(text: str) -> str:
    """Exact decimal text with the reader's decimal sign; texts and fractions stay."""
    if not re.fullmatch(r"-?\d+(\.\d+)?…?", text):
        return text
    locale = formats.babel_locale(get_language() or "en")
    symbol = locale.number_symbols["latn"]["decimal"]
    return text.replace(".", symbol).replace("-", formats.MINUS)


def _source_url(source: str) -> str:
    """Where a source can be opened: a reading, or the tariff's document."""
    if match := READING.search(source):
        return reverse("office:reading", args=[int(match[1])])
    if match := TARIFF.search(source):
        return reverse("office:tariff", args=[match[1]])
    return ""
