"""Charts and map places of the office pages, made from records."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from babel.dates import format_skeleton
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from mains.base import formats
from mains.metering.queries.records import UsageRecord
from mains.metering.values import DayQuality, Zone, has_act
from mains.network.queries.records import NeighbourRecord, NodeRecord, PremiseRecord
from mains.reporting.queries.collection import Ageing, CollectionMonth
from mains.reporting.queries.overview import MonthUse
from mains.web.office.findings import ageing_finding, money_finding, use_finding
from mains.web.office.parts import Chart, Place, PlaceMap, Series

GROUPS = (("M", False), ("I", False), ("A", False), ("E", True), ("FC", True), ("N", True), ("U", False))


def _language() -> str:
    return get_language() or "en"


def _quantity(micro: int, unit: str) -> str:
    return formats.quantity_text(micro, unit=unit, language=_language(), decimals=3)


def _money(minor: int, currency: str) -> str:
    return formats.money_text(minor, currency=currency, language=_language())


def _scaled(micro: int) -> Decimal:
    return Decimal(micro).scaleb(-6)


def _short_month(month: date) -> str:
    return format_skeleton("yMMM", month, locale=formats.babel_locale(_language()))


def days_chart(*, usage: Sequence[UsageRecord], month: date, unit: str) -> Chart:
    """Use by day of one month, all zones together, each day in the colour of its weakest quality."""
    following = (month + timedelta(days=32)).replace(day=1)
    count = (following - month).days
    totals, letters = [0] * count, ["X"] * count
    by_acts: set[int] = set()
    order = "XUIMAEFCN"
    for row in (row for row in usage if row.month == month and row.zone != Zone.EXPORT):
        for place, (micro, letter) in enumerate(zip(row.days_micro, row.quality, strict=True)):
            totals[place] += micro
            if has_act(letter):
                by_acts.add(place)
            letters[place] = max(letters[place], letter.upper(), key=order.index)
    names = {
        "M": DayQuality.MEASURED.label,
        "I": DayQuality.INTERVALS.label,
        "E": DayQuality.INTERVALS_ESTIMATED.label,
        "A": DayQuality.APPORTIONED.label,
        "FC": DayQuality.FORECAST.label,
        "N": DayQuality.NORM.label,
        "U": DayQuality.UNMETERED.label,
    }
    series = []
    for group, is_estimate in GROUPS:
        values = [_scaled(totals[place]) if letters[place] in group else None for place in range(count)]
        if any(value is not None for value in values):
            texts = [
                _quantity(totals[place], unit) if letters[place] in group else "" for place in range(count)
            ]
            series.append(Series(str(names[group]), values, texts, stack="day", is_estimate=is_estimate))
    estimated = sum(letter in "EFCN" for letter in letters)
    return Chart(
        key="use-by-day",
        title=_("Use by day, %(month)s") % {"month": formats.month_inside_text(month, language=_language())},
        categories=[str(day + 1) for day in range(count)],
        series=series,
        unit=formats.unit_text(unit),
        category_label=_("Day"),
        finding=_("%(total)s in the month. %(estimated)s")
        % {
            "total": _quantity(sum(totals), unit),
            "estimated": _how_days_are_known(estimated, len(by_acts)),
        },
    )


def _how_days_are_known(estimated: int, by_acts: int) -> str:
    if estimated:
        told = ngettext(
            "%(count)s day is not measured yet.", "%(count)s days are not measured yet.", estimated
        )
        return told % {"count": estimated}
    if by_acts:
        told = ngettext(
            "On %(count)s day an act of unmetered use adds to the readings.",
            "On %(count)s days an act of unmetered use adds to the readings.",
            by_acts,
        )
        return told % {"count": by_acts}
    return _("All days come from meters.")


def months_chart(*, usage: Sequence[UsageRecord], unit: str) -> Chart:
    """Use by month: what readings cover, and what is forecast or norm."""
    months = sorted({row.month for row in usage})
    covered, estimated = dict.fromkeys(months, 0), dict.fromkeys(months, 0)
    for row in (row for row in usage if row.zone != Zone.EXPORT):
        for micro, letter in zip(row.days_micro, row.quality, strict=True):
            (estimated if letter.upper() in "EFCN" else covered)[row.month] += micro
    series = [
        Series(
            _("From meters"),
            [_scaled(covered[month]) for month in months],
            [_quantity(covered[month], unit) for month in months],
            stack="month",
        )
    ]
    if any(estimated.values()):
        series.append(
            Series(
                _("Estimated"),
                [_scaled(estimated[month]) for month in months],
                [_quantity(estimated[month], unit) for month in months],
                stack="month",
                is_estimate=True,
            )
        )
    return Chart(
        key="use-by-month",
        title=_("Use by month"),
        categories=[_short_month(month) for month in months],
        series=series,
        unit=formats.unit_text(unit),
        category_label=_("Month"),
    )


def money_chart(*, months: Sequence[CollectionMonth], currency: str) -> Chart:
    """Billed beside paid, month by month, from the first month in which anything was."""
    first = next((place for place, row in enumerate(months) if row.billed_minor or row.collected_minor), 0)
    months = months[first:]
    return Chart(
        key="billed-and-paid",
        title=money_finding(months),
        finding=_("Billed and paid by month"),
        categories=[_short_month(row.month) for row in months],
        series=[
            Series(
                _("Billed"),
                [Decimal(row.billed_minor).scaleb(-2) for row in months],
                [_money(row.billed_minor, currency) for row in months],
            ),
            Series(
                _("Paid"),
                [Decimal(row.collected_minor).scaleb(-2) for row in months],
                [_money(row.collected_minor, currency) for row in months],
            ),
        ],
        unit=currency,
        category_label=_("Month"),
    )


def use_chart(*, months: Sequence[MonthUse], unit: str) -> Chart:
    """The utility's billed use by month."""
    return Chart(
        key="billed-use",
        title=use_finding(months),
        finding=_("Consumption billed by month"),
        categories=[_short_month(row.month) for row in months],
        series=[
            Series(
                _("Consumption"),
                [_scaled(row.quantity_micro) for row in months],
                [
                    formats.quantity_text(row.quantity_micro, unit=unit, language=_language(), decimals=0)
                    for row in months
                ],
            )
        ],
        unit=formats.unit_text(unit),
        category_label=_("Month"),
    )


def ageing_chart(*, ageing: Ageing, currency: str) -> Chart:
    """What is owed by how long it is overdue; customers' unused credit is negative."""
    shares = [share for share in ageing.shares if share.amount_minor]
    return Chart(
        key="ageing",
        title=ageing_finding(ageing),
        categories=[str(share.age.label) for share in shares],
        series=[
            Series(
                _("Owed"),
                [Decimal(share.amount_minor).scaleb(-2) for share in shares],
                [_money(share.amount_minor, currency) for share in shares],
            )
        ],
        unit=currency,
        category_label=_("Overdue"),
        finding=_("By how long it is overdue; %(amount)s in all, as of %(day)s")
        % {
            "amount": _money(ageing.total_minor, currency),
            "day": formats.date_text(ageing.on_date, language=_language()),
        },
    )


def premise_map(
    *, premise: PremiseRecord, neighbours: Sequence[NeighbourRecord], nodes: Sequence[NodeRecord]
) -> PlaceMap:
    """The premise among the buildings of its street, and the nodes that feed it, with the way the supply comes."""
    here = [premise.longitude, premise.latitude]
    feeding = [node for node in nodes if node.latitude is not None and node.longitude is not None]
    places = [
        Place.at(
            latitude=neighbour.latitude,
            longitude=neighbour.longitude,
            label=f"{neighbour.street}, {neighbour.house}",
            detail=ngettext("%(count)s premise", "%(count)s premises", neighbour.premises)
            % {"count": neighbour.premises},
            tone="muted",
        )
        for neighbour in neighbours
    ]
    # The source may be far away: the line begins at the two nearest nodes, so the street stays readable.
    way = [[node.longitude, node.latitude] for node in feeding[-2:]]
    if way:
        places.append(
            Place({"type": "LineString", "coordinates": [*way, here]}, label=_("Supply line"), tone="good")
        )
    places += [
        Place.at(
            latitude=node.latitude, longitude=node.longitude, label=node.name, detail=node.code, tone="good"
        )
        for node in feeding[-2:]
        if node.latitude is not None and node.longitude is not None
    ]
    places.append(
        Place.at(latitude=premise.latitude, longitude=premise.longitude, label=premise.address, is_main=True)
    )
    return PlaceMap(key="premise-map", title=_("Where it is"), places=places)
