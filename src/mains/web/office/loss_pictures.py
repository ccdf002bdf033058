"""Charts of losses: the nodes of a level beside one another, and a node's month by day."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from mains.balance.queries.losses import LossRow, NodeDays
from mains.balance.values import MEASURED_LETTERS
from mains.base import formats
from mains.web.office.parts import Chart, Series

NODES_DRAWN = 25


def _quantity(micro: int, unit: str) -> str:
    return formats.quantity_text(micro, unit=unit, language=get_language() or "en", decimals=0)


def _scaled(micro: int) -> Decimal:
    return Decimal(micro).scaleb(-6)


def level_chart(*, rows: Sequence[LossRow], unit: str) -> Chart:
    """The nodes that lose most: what arrived and what was lost, one above the other."""
    most = sorted(rows, key=lambda row: row.lost_micro, reverse=True)[:NODES_DRAWN]
    flowed, lost = sum(row.in_micro for row in rows), sum(row.lost_micro for row in rows)
    share = Decimal(lost) / Decimal(flowed) if flowed > 0 else Decimal(0)
    return Chart(
        key="losses-of-level",
        title=_("%(lost)s of %(flowed)s were lost, %(share)s")
        % {
            "lost": _quantity(lost, unit),
            "flowed": _quantity(flowed, unit),
            "share": formats.percent_text(share, language=get_language() or "en"),
        },
        finding=_("Where it was lost, the largest loss first"),
        categories=[row.name for row in most],
        series=[
            Series(
                _("Lost"),
                [_scaled(row.lost_micro) for row in most],
                [_quantity(row.lost_micro, unit) for row in most],
            )
        ],
        unit=formats.unit_text(unit),
        category_label=_("Node"),
    )


def days_chart(*, days: NodeDays, month: date, unit: str) -> Chart:
    """What a node's meter counted and what its members used, day by day; estimated days are marked."""
    count = len(days.node_days)
    remainder = [
        node + given - members if letter in MEASURED_LETTERS else 0
        for node, given, members, letter in zip(
            days.node_days, days.fed_in_days or [0] * count, days.member_days, days.quality, strict=True
        )
    ]
    estimated = sum(letter in "FC" for letter in days.quality)
    used = Series(
        _("Used by members"),
        [_scaled(micro) for micro in days.member_days],
        [_quantity(micro, unit) for micro in days.member_days],
        stack="day",
    )
    lost = Series(
        _("Remainder"),
        [_scaled(micro) for micro in remainder],
        [_quantity(micro, unit) for micro in remainder],
        stack="day",
        is_estimate=estimated == count,
    )
    return Chart(
        key="balance-by-day",
        title=_("Balance by day, %(month)s")
        % {"month": formats.month_inside_text(month, language=get_language() or "en")},
        finding=_("%(remainder)s remain of %(flowed)s")
        % {
            "remainder": _quantity(days.remainder_micro, unit),
            "flowed": _quantity(days.node_micro + days.fed_in_micro, unit),
        },
        categories=[str(day + 1) for day in range(count)],
        series=[used, lost],
        unit=formats.unit_text(unit),
        category_label=_("Day"),
    )
