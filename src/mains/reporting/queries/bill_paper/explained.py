"""An explanation tree in the reader's words: the engine's steps with all texts final, for pages and paper."""

import re
from dataclasses import dataclass
from datetime import date

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from mains.base import formats
from mains.base.wording import translate_formula_text
from mains.engine.exact import Step, show_short
from mains.engine.exact.explanation import DetailStep
from mains.reporting.queries.bill_paper.wording import attribute_name, attribute_word

# Dates of tariff clauses stay: versions[2021-01-01] is the name of the clause.
DAY = re.compile(r"(?<![\[\w-])((?:19|20)\d{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))(?![\w-])")
PRODUCT = re.compile(r"-?\d+(?:\.\d+)?…? × -?\d+(?:\.\d+)?…?")
# A stretch of days that bear interest alike: money × rate × part of the rate × days.
STRETCH = re.compile(r"(.+) × (\S+) (days|months)")
HASH = re.compile(r"[0-9a-f]{64}")
MONTH = re.compile(r"(?<![\[\w-])((?:19|20)\d{2}-(?:0[1-9]|1[0-2]))(?![\w-])")


@dataclass(frozen=True)
class ExplainedStep:
    """A step of a calculation, worded. `origin` is the source as the engine names it, for links; what is below one that
    `has_details` is left out on paper. `file` is the hash of the file that stands here."""

    label: str
    value: str
    unit: str
    formula: str
    note: str
    source: str
    origin: str
    children: tuple["ExplainedStep", ...]
    has_details: bool = False
    file: str = ""


def worded(step: Step) -> ExplainedStep:
    """The step and all below it, in the active language."""
    note = ""
    if step.unrounded is not None and step.unrounded != step.value:
        note = _("%(value)s before rounding") % {"value": _number(show_short(step.unrounded))}
    if step.rounding:
        rounding = translate_formula_text(step.rounding)
        note = f"{note}; {rounding}" if note else rounding
    return ExplainedStep(
        label=_label(step.label),
        value=_shown(step),
        unit="/".join(formats.unit_text(part) for part in step.unit.split("/")),
        formula=_formula(step),
        note=note,
        source=_in_words(translate_formula_text(step.source)),
        origin=step.source,
        children=tuple(worded(child) for child in step.children),
        has_details=isinstance(step, DetailStep),
        file=_file(step),
    )


def _file(step: Step) -> str:
    """The whole hash of a file, of which only the beginning is shown."""
    is_file = isinstance(step.value, str) and HASH.fullmatch(step.value)
    return str(step.value) if is_file else ""


def _label(label: str) -> str:
    return _in_words(translate_formula_text(attribute_name(label)), has_months=True)


def _formula(step: Step) -> str:
    """The expression; of an attribute its name in expressions, which the label says in words."""
    if attribute_name(step.label) != step.label:
        return str(step.label)
    if stretch := STRETCH.fullmatch(step.formula):
        product, count, unit = stretch.groups()
        factors = " × ".join(_number(factor) for factor in product.split(" × "))
        return f"{factors} × {_number(count)} {_('days') if unit == 'days' else _('months')}"
    if PRODUCT.fullmatch(step.formula):
        return " × ".join(_number(factor) for factor in step.formula.split(" × "))
    return translate_formula_text(step.formula) if step.formula != step.label else ""


def _shown(step: Step) -> str:
    """A value in the reader's words: a number or the value of an attribute; a list of facts has them below it."""
    if file := _file(step):
        return f"{file[:12]}…"
    if not isinstance(step.value, str | bool):
        return _number(show_short(step.value))
    if step.children and step.value == ", ".join(child.label for child in step.children):
        return ""
    return attribute_word(step.label, step.value, language=get_language() or "en")


def _in_words(text: str, *, has_months: bool = False) -> str:
    """Days, and months where they stand, as the reader writes them."""
    language = get_language() or "en"

    def day(match: re.Match[str]) -> str:
        return formats.date_text(date.fromisoformat(match[1]), language=language)

    def month(match: re.Match[str]) -> str:
        return formats.month_inside_text(date.fromisoformat(f"{match[1]}-01"), language=language)

    text = DAY.sub(day, text)
    # In sources the same shape is the number of a bill.
    return MONTH.sub(month, text) if has_months else text


def _number(text: str) -> str:
    """Exact decimal text with the reader's decimal sign; texts and fractions stay."""
    if not re.fullmatch(r"-?\d+(\.\d+)?…?", text):
        return text
    locale = formats.babel_locale(get_language() or "en")
    symbol = locale.number_symbols["latn"]["decimal"]
    return text.replace(".", symbol).replace("-", formats.MINUS)
