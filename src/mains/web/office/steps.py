"""From the last bill to this one: why it is more or less, in steps that sum to the difference exactly."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from mains.base import formats
from mains.billing.queries.records import BillRecord

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


def split_difference(*, before: BillRecord, after: BillRecord) -> dict[str, int]:
    """The difference of two bills in minor units: days, use_per_day, price, recalculated, recalculated_before.

    Days and use are valued at the last bill's price per unit; price is what remains of the month's own charges,
    tiers and fixed charges included, so the parts always sum to `after.amount_minor - before.amount_minor`.
    """
    charged_before = before.amount_minor - before.correction_minor
    charged_after = after.amount_minor - after.correction_minor
    days = use = 0
    if before.quantity_micro > 0 and after.quantity_micro >= 0 and charged_before > 0:
        price = Fraction(charged_before, before.quantity_micro)
        daily = Fraction(before.quantity_micro, _days(before.month))
        days = round(daily * (_days(after.month) - _days(before.month)) * price)
        use = round((after.quantity_micro - daily * _days(after.month)) * price)
    return {
        "days": days,
        "use_per_day": use,
        "price": charged_after - charged_before - days - use,
        "recalculated": after.correction_minor,
        "recalculated_before": -before.correction_minor,
    }


def bill_steps(*, before: BillRecord, after: BillRecord, currency: str) -> Steps:
    """The picture of `split_difference`, with the two bills at its ends; changes of nothing are left out."""
    words = {
        "days": _("Days in the month"),
        "use_per_day": _("Use per day"),
        "price": _("Price, tiers and fixed charges"),
        "recalculated": _("Recalculated on this bill"),
        "recalculated_before": _("Recalculated on the last bill, not again"),
    }
    parts = split_difference(before=before, after=after)
    changes = [(words[name], minor) for name, minor in parts.items() if minor]
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

    rows = [bar(_bill_label(before.month), before.amount_minor, start=0, is_total=True)]
    rows += [bar(label, minor, start=start) for (label, minor), start in zip(changes, ends, strict=False)]
    rows.append(bar(_bill_label(after.month), after.amount_minor, start=0, is_total=True))
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


def _bill_label(month: date) -> str:
    return _("Bill for %(month)s") % {
        "month": formats.month_inside_text(month, language=get_language() or "en")
    }


def _days(month: date) -> int:
    return monthrange(month.year, month.month)[1]
