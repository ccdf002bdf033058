"""The facts that a recalculation comes from, as sentences in the active language."""

from collections.abc import Sequence
from datetime import date, datetime

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mains.base.formats import date_text
from mains.billing.queries.explain import Cause
from mains.billing.queries.explain import cause_kinds as kinds
from mains.reporting.queries.bill_paper.wording import attribute_name

SHOWN_MAX = 5


def tell_causes(causes: Sequence[Cause], *, language: str) -> list[str]:
    """A sentence for each cause; of many only the first, and how many there are besides."""
    told = [tell_cause(cause, language=language) for cause in causes[:SHOWN_MAX]]
    rest = len(causes) - SHOWN_MAX
    if rest > 0:
        told.append(ngettext("and %(count)s more fact", "and %(count)s more facts", rest) % {"count": rest})
    return told


def tell_cause(cause: Cause, *, language: str) -> str:
    """Why a month was recalculated, naming the fact, its day and when it became known."""
    params = {
        "id": cause.fact_id,
        "day": _day(cause.day, language),
        "recorded": _day(cause.recorded_at, language),
        "name": _names(cause),
        "replaced": cause.replaced_id,
    }
    return _sentence(cause) % params


def _sentence(cause: Cause) -> str:
    sentences = {
        kinds.LATE_READING: _("Reading %(id)s of %(day)s, meter %(name)s, was recorded on %(recorded)s."),
        kinds.FORECAST_REPLACED: _("Reading %(id)s of %(day)s, meter %(name)s, replaced estimated days."),
        kinds.CORRECTED_READING: _(
            "The reading of %(day)s, meter %(name)s, was corrected on %(recorded)s:"
            " reading %(id)s instead of %(replaced)s."
        ),
        kinds.WITHDRAWN_READING: _(
            "Reading %(id)s of %(day)s, meter %(name)s, was withdrawn on %(recorded)s."
        ),
        kinds.INTERVALS: _("Interval data of meter %(name)s from %(day)s on were recorded on %(recorded)s."),
        kinds.HOURLY_PRICES: _(
            "Prices by the hour of %(name)s from %(day)s on were recorded on %(recorded)s."
        ),
        kinds.METER: _("Meter %(name)s, installed from %(day)s, was recorded on %(recorded)s."),
        kinds.AGREEMENT: _("Agreement %(id)s from %(day)s was recorded on %(recorded)s."),
        kinds.AGREEMENT_WITHDRAWN: _("Agreement %(id)s from %(day)s was withdrawn on %(recorded)s."),
        kinds.PREMISE: _("Premise from %(day)s, record %(id)s of %(recorded)s: %(name)s changed."),
        kinds.NODE_STATE: _(
            "The supply of %(name)s from %(day)s, record %(id)s, was recorded on %(recorded)s."
        ),
        kinds.NODE_FIGURE: _(
            "The figure %(name)s from %(day)s, record %(id)s, was recorded on %(recorded)s."
        ),
        kinds.CONDITION: _("Condition %(id)s from %(day)s, %(name)s, was recorded on %(recorded)s."),
        kinds.NODE_PLACEMENT: _(
            "The place of %(name)s in the network from %(day)s, record %(id)s, was recorded on %(recorded)s."
        ),
        kinds.BALANCE: _("The balance of %(name)s was drawn up again on %(recorded)s."),
        kinds.OPENING_BALANCE: _(
            "The opening balance %(name)s of %(day)s was recorded or withdrawn on %(recorded)s."
        ),
        kinds.CARRIED: _("The month of %(day)s leaves another balance %(name)s since %(recorded)s."),
        kinds.METER_ERROR: _(
            "Error %(id)s of meter %(name)s from %(day)s was found and recorded on %(recorded)s."
        ),
        kinds.METER_ERROR_WITHDRAWN: _(
            "Error %(id)s of meter %(name)s from %(day)s was withdrawn on %(recorded)s."
        ),
        kinds.UNMETERED_USE: _(
            "Act %(id)s of unmetered use from %(day)s, %(name)s, was recorded on %(recorded)s."
        ),
        kinds.UNMETERED_USE_WITHDRAWN: _(
            "Act %(id)s of unmetered use from %(day)s, %(name)s, was withdrawn on %(recorded)s."
        ),
        kinds.ABSENCE: _("Absence %(id)s from %(day)s, %(name)s, was recorded on %(recorded)s."),
        kinds.ABSENCE_WITHDRAWN: _("Absence %(id)s from %(day)s, %(name)s, was withdrawn on %(recorded)s."),
        kinds.TARIFF: _("Tariff %(name)s was published anew on %(recorded)s, edition %(id)s."),
        kinds.LEFT_OUT: _("The month had been left out of its bill."),
    }
    return sentences[cause.kind]


def _names(cause: Cause) -> str:
    if cause.kind == kinds.NODE_FIGURE:
        figure, node = cause.name.split(", ", maxsplit=1)
        return f"{attribute_name(figure)}, {node}"
    if cause.kind not in (kinds.PREMISE, kinds.CONDITION):
        return cause.name
    return ", ".join(attribute_name(name) for name in cause.name.split(", "))


def _day(moment: date | datetime | None, language: str) -> str:
    if moment is None:
        return ""
    day = timezone.localtime(moment).date() if isinstance(moment, datetime) else moment
    return date_text(day, language=language)
