"""Charts of a what-if: how many bills change by how much, and where the revenue changes."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from mains.base import formats
from mains.reporting.queries.whatif import PartChange
from mains.web.office.parts import Chart, Series


def money_classes_chart(*, result: Mapping[str, Any], currency: str) -> Chart:
    """Bills by the change in money; the tails are open."""
    directions = result["directions"]
    return _histogram(
        key="whatif-money",
        title=_("By how much bills change"),
        finding=ngettext(
            "%(more)s bill is higher, %(less)s lower, %(same)s the same.",
            "%(more)s bills are higher, %(less)s lower, %(same)s the same.",
            directions["more"]["bills"],
        )
        % {name: _number(part["bills"]) for name, part in directions.items()},
        label=_("Change of a bill, %(currency)s") % {"currency": currency},
        rows=result["money"],
        categories=[_class_text(row["from_minor"], row["to_minor"], _whole) for row in result["money"]],
    )


def percent_classes_chart(*, result: Mapping[str, Any]) -> Chart:
    """Bills by the change as a share of the bill."""
    return _histogram(
        key="whatif-percent",
        title=_("By what share bills change"),
        finding="",
        label=_("Change of a bill, percent"),
        rows=result["percent"],
        categories=[
            _("no change")
            if row["from_tenths"] == row["to_tenths"] == 0
            else _class_text(row["from_tenths"], row["to_tenths"], _tenths)
            for row in result["percent"]
        ],
    )


def parts_chart(*, key: str, title: str, label: str, parts: Sequence[PartChange], currency: str) -> Chart:
    """Revenue before and after, by part."""
    return Chart(
        key=key,
        title=title,
        categories=[part.name for part in parts],
        series=[
            Series(
                name,
                [Decimal(getattr(part, field)).scaleb(-2) for part in parts],
                [
                    formats.money_text(getattr(part, field), currency=currency, language=_language())
                    for part in parts
                ],
            )
            for name, field in ((_("Before"), "before_minor"), (_("After"), "after_minor"))
        ],
        unit=currency,
        category_label=label,
    )


def share_of(change_minor: int, before_minor: int) -> Decimal | None:
    """The change as a share of one, to a thousandth; None of nothing."""
    if before_minor <= 0:
        return None
    return (Decimal(change_minor) / Decimal(before_minor)).quantize(Decimal("0.001"), ROUND_HALF_UP)


def _histogram(
    *,
    key: str,
    title: str,
    finding: str,
    label: str,
    rows: Sequence[Mapping[str, Any]],
    categories: Sequence[str],
) -> Chart:
    counts = [row["bills"] for row in rows]
    return Chart(
        key=key,
        title=title,
        categories=categories,
        series=[Series(_("Bills"), counts, [_number(count) for count in counts])],
        finding=finding,
        category_label=label,
    )


def _class_text(low: int | None, high: int | None, text: Any) -> str:
    if low is None:
        return f"< {text(high)}"
    if high is None:
        return f"≥ {text(low)}"
    return f"{text(low)} … {text(high)}"


def _whole(minor: int) -> str:
    """Without decimals where the class ends at a whole unit of money."""
    if minor % 100:
        return formats.amount_text(minor, language=_language())
    return formats.number_text(minor // 100, language=_language())


def _tenths(tenths: int) -> str:
    return formats.number_text(
        tenths // 10 if tenths % 10 == 0 else Decimal(tenths).scaleb(-1), language=_language()
    )


def _number(value: int) -> str:
    return formats.number_text(value, language=_language())


def _language() -> str:
    return get_language() or "en"
