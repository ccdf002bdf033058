"""What changed from bill to bill, or from what was billed to what the facts now say, in the active language."""

from collections.abc import Sequence
from datetime import date
from fractions import Fraction

from django.utils.translation import gettext as _

from mains.base.formats import amount_text, fraction_text, month_inside_text, unit_text
from mains.billing.queries.explain import BillChange, ChangeStep
from mains.billing.queries.explain.changes import (
    A_DAY,
    BEGAN,
    ENDED,
    KEPT,
    OTHERWISE,
    RECALCULATED,
    RECALCULATED_BEFORE,
    SETTLED,
    WEATHER_APART,
)
from mains.engine.exact.change import ATTRIBUTE, DAYS, PRICE, USE, WEATHER
from mains.engine.facts import AttributeValue
from mains.network.values import Service
from mains.reporting.queries.bill_paper.wording import attribute_name, attribute_word


def change_rows(change: BillChange | None, *, unit: str, language: str) -> list[list[str]]:
    """Label and amount of the last bill, of each step, and of this bill; nothing for a first bill."""
    if change is None:
        return []
    first, last = (
        [bill_label(bill.month, language=language), amount_text(bill.amount_minor, language=language)]
        for bill in (change.before, change.after)
    )
    return [first, *step_rows(change.steps, unit=unit, language=language), last]


def step_rows(steps: Sequence[ChangeStep], *, unit: str, language: str) -> list[list[str]]:
    """Label and signed amount of each step."""
    return [
        [change_label(step, unit=unit, language=language), _signed(step.amount_minor, language=language)]
        for step in steps
    ]


def bill_label(month: date, *, language: str) -> str:
    """How a bill is called beside another one."""
    return _("Bill for %(month)s") % {"month": month_inside_text(month, language=language)}


def _signed(minor: int, *, language: str) -> str:
    return ("+" if minor > 0 else "") + amount_text(minor, language=language)


def change_label(step: ChangeStep, *, unit: str, language: str) -> str:
    """What a step is, with what it was and is now where there is such a value."""
    name = _names(step)
    if step.before is None and step.now is None:
        return name
    return _("%(what)s: %(before)s → %(now)s") % {
        "what": name,
        "before": _value(step, step.before, language=language),
        "now": _with_unit(step, _value(step, step.now, language=language), unit=unit),
    }


def _names(step: ChangeStep) -> str:
    if step.cause == ATTRIBUTE:
        return attribute_name(step.name)
    if step.cause in (BEGAN, ENDED, KEPT):
        service = str(Service(step.name).label) if step.name in Service.values else step.name
        words = {
            BEGAN: _("New on this bill: %(service)s"),
            ENDED: _("No longer billed: %(service)s"),
            KEPT: _("Goes on, billed with the month's run: %(service)s"),
        }
        return words[step.cause] % {"service": service}
    if step.cause == USE:
        words = {A_DAY: _("Use per day"), WEATHER_APART: _("Use per day, weather apart")}
        return words.get(step.name) or _("Consumption")
    return {
        DAYS: _("Days billed"),
        WEATHER: _("Weather, degree days"),
        PRICE: _("Prices and tariff"),
        SETTLED: _("Billed by a final settlement before"),
        RECALCULATED: _("Recalculated on this bill"),
        RECALCULATED_BEFORE: _("Recalculated on the last bill, not again"),
        OTHERWISE: _("Billed otherwise before"),
    }[step.cause]


def _value(step: ChangeStep, value: AttributeValue | None, *, language: str) -> str:
    if step.cause == ATTRIBUTE:
        return attribute_word(step.name, value, language=language)
    assert isinstance(value, Fraction), "Days and use are numbers."
    return fraction_text(value, language=language, decimals=3)


def _with_unit(step: ChangeStep, text: str, *, unit: str) -> str:
    return f"{text}\N{NO-BREAK SPACE}{unit_text(unit)}" if step.cause == USE and unit else text
