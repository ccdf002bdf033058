"""What the pictures of the dashboard say: the sentence above each, computed from the same figures."""

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from mains.base import formats
from mains.ledger.values import Age
from mains.reporting.queries.collection import Ageing, CollectionMonth
from mains.reporting.queries.overview import MonthUse

STEP = Decimal("0.001")


def share(part_minor: int, whole_minor: int) -> Decimal | None:
    """A part of a whole, rounded down to a tenth of a percent, so that 99.96 % is never everything; None of nothing."""
    if whole_minor <= 0:
        return None
    return (Decimal(part_minor) / Decimal(whole_minor)).quantize(STEP, ROUND_DOWN)


def money_finding(months: Sequence[CollectionMonth]) -> str:
    """How much of what was billed was paid, over the months shown."""
    rate = share(sum(row.collected_minor for row in months), sum(row.billed_minor for row in months))
    billed = [row.month for row in months if row.billed_minor]
    if rate is None or not billed:
        return _("Billed and paid")
    return _("Paid since %(month)s: %(rate)s of what was billed") % {
        "month": _month(billed[0]),
        "rate": _percent(rate),
    }


def use_finding(months: Sequence[MonthUse]) -> str:
    """Whether the use rose or fell against the month before."""
    if len(months) < 2 or months[-2].quantity_micro <= 0:
        return _("Consumption billed")
    before, last = months[-2].quantity_micro, months[-1].quantity_micro
    change = (Decimal(abs(last - before)) / Decimal(before)).quantize(STEP, ROUND_HALF_UP)
    named = {"month": _month(months[-1].month), "rate": _percent(change)}
    if not change:
        return _("Consumption stayed the same in %(month)s") % named
    if last < before:
        return _("Consumption fell by %(rate)s in %(month)s") % named
    return _("Consumption rose by %(rate)s in %(month)s") % named


def ageing_finding(ageing: Ageing) -> str:
    """How much of the debt is overdue."""
    debts = {item.age: item.amount_minor for item in ageing.shares if item.age != Age.CREDIT}
    owed = sum(debts.values())
    rate = share(owed - debts.get(Age.NOT_DUE, 0), owed)
    return (
        _("Nothing is owed")
        if rate is None
        else _("%(rate)s of the debt is overdue") % {"rate": _percent(rate)}
    )


def _percent(fraction: Decimal) -> str:
    return formats.percent_text(fraction, language=get_language() or "en")


def _month(month: date) -> str:
    return formats.month_inside_text(month, language=get_language() or "en")
