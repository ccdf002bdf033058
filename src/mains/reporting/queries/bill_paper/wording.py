"""The sentences of a bill, in the active language."""

from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from django.db.models import Choices
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from mains.base.formats import (
    date_text,
    fraction_text,
    money_text,
    month_inside_text,
    month_name_text,
    percent_text,
    quantity_text,
    unit_text,
)
from mains.base.wording import sentences
from mains.customers.values import Category
from mains.engine.facts import MICRO, AttributeValue
from mains.metering.values import DayQuality
from mains.network.values import Cooker, Location, Supply
from mains.reporting.queries.bill_paper.charges import Section, Tier
from mains.reporting.queries.bill_paper.chart import Bar, change_per_day
from mains.reporting.queries.bill_paper.content import BillContent
from mains.reporting.queries.bill_paper.corrections import (
    ESTIMATES,
    AgreementChanged,
    AttributeChanged,
    Cause,
    TariffChanged,
    UseChanged,
)
from mains.reporting.queries.bill_paper.usage import UseRow

_WORDS: dict[str, type[Choices]] = {
    "category": Category,
    "cooker": Cooker,
    "location": Location,
    "supply": Supply,
}


def cause_sentence(cause: Cause, *, unit: str, language: str) -> str:
    """Why an earlier month was recalculated, as one sentence."""
    match cause:
        case UseChanged():
            return _use_sentence(cause, unit=unit, language=language)
        case AttributeChanged():
            return _("%(what)s: %(now)s instead of %(before)s, from %(date)s on.") % {
                "what": attribute_name(cause.name),
                "now": attribute_word(cause.name, cause.now, language=language),
                "before": attribute_word(cause.name, cause.before, language=language),
                "date": date_text(cause.since, language=language),
            }
        case TariffChanged():
            return _("The tariff was published anew.")
        case AgreementChanged():
            return _("The agreement's dates or payer changed.")


def _use_sentence(cause: UseChanged, *, unit: str, language: str) -> str:
    size = {"quantity": quantity_text(abs(cause.difference_micro), unit=unit, language=language, decimals=3)}
    if cause.difference_micro > 0:
        effect = _("%(quantity)s more") % size
    elif cause.difference_micro < 0:
        effect = _("%(quantity)s less") % size
    else:
        effect = _("the same use, other days")
    if cause.by_finding and not cause.by_reading:
        return _("A found error of the meter or an act of unmetered use counts: %(effect)s.") % {
            "effect": effect
        }
    told = _reading_sentence(cause, effect=effect, language=language)
    if cause.by_finding:
        told = sentences(told, _("A found error of the meter or an act of unmetered use counts in it."))
    return told


def _reading_sentence(cause: UseChanged, *, effect: str, language: str) -> str:
    if cause.reading is None:
        return _("The forecast was computed again: %(effect)s.") % {"effect": effect}
    sentence = (
        _("The forecast was replaced by the reading of %(date)s: %(effect)s.")
        if cause.was_forecast
        else _("Other readings count now, the last of %(date)s: %(effect)s.")
    )
    return sentence % {
        "date": date_text(cause.reading.reading_date, language=language),
        "effect": effect,
    }


def attribute_name(name: str) -> str:
    """What a fact that tariffs read is called."""
    names = {
        "absent": _("Residents absent"),
        "band": _("Service band"),
        "calorific": _("Calorific value"),
        "calorific_value": _("Calorific value"),
        "category": _("Customer category"),
        "common_use": _("Common-house consumption"),
        "cooker": _("Cooker"),
        "correction": _("Correction factor"),
        "export": _("Fed in"),
        "supply": _("Supply"),
        "room_temperature": _("Room temperature, °C"),
        "floor_area_m2": _("Floor area, m²"),
        "heated_area_m2": _("Heated area, m²"),
        "load_class": _("Load class"),
        "location": _("Location"),
        "meter_possible": _("A meter can be installed"),
        "metered": _("Meter installed"),
        "months": _("Months"),
        "residents": _("Residents"),
        "rooms": _("Rooms"),
        "usage": _("Use"),
        "storey_height_m": _("Storey height, m"),
        "supply_hours_day": _("Hours of supply a day"),
        "zones": _("Meter zones"),
    }
    return names.get(name, name)


def attribute_word(name: str, value: AttributeValue | None, *, language: str) -> str:
    """The value of such a fact."""
    if value is None:
        return _("unknown")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, str):
        if name in _WORDS and value in _WORDS[name].values:
            label = str(_WORDS[name](value).label)
            # Nouns keep their capital in German.
            return label if language.startswith("de") else label.lower()
        zones = {
            "total": pgettext("zones of a meter", "one"),
            "day_night": pgettext("zones of a meter", "two"),
            "three": pgettext("zones of a meter", "three"),
        }
        return zones.get(value, value) if name == "zones" else value.replace("_", "-")
    return fraction_text(Fraction(value), language=language, decimals=3)


def tier_title(tier: Tier, *, unit: str, language: str) -> str:
    """From where to where a tier reaches; empty where it is the only one."""
    limits = {
        "unit": unit_text(unit),
        "above": "" if tier.above is None else fraction_text(tier.above, language=language, decimals=3),
        "upto": "" if tier.upto is None else fraction_text(tier.upto, language=language, decimals=3),
    }
    if tier.above is None:
        return _("up to %(upto)s %(unit)s") % limits if tier.upto is not None else ""
    if tier.upto is None:
        return _("over %(above)s %(unit)s") % limits
    return _("over %(above)s up to %(upto)s %(unit)s") % limits


def finding(bars: Sequence[Bar], *, is_norm: bool, unit: str, language: str) -> str:
    """What the chart shows, as its title; a norm (`is_norm`) is the same every month and compares with nothing."""
    compared = None if is_norm else change_per_day(bars)
    if compared is None:
        return _("%(quantity)s in %(month)s") % {
            "quantity": quantity_text(bars[-1].use_micro, unit=unit, language=language, decimals=1),
            "month": month_inside_text(bars[-1].month, language=language),
        }
    before, change = compared
    size = Decimal(abs(change).numerator) / Decimal(abs(change).denominator)
    percent = percent_text(size, language=language, decimals=0)
    words = {"percent": percent, "month": month_name_text(before.month, language=language)}
    if (size * 100).quantize(Decimal(1), ROUND_HALF_UP) == 0:
        return _("As much a day as in %(month)s") % words
    return (
        _("%(percent)s less a day than in %(month)s")
        if change < 0
        else _("%(percent)s more a day than in %(month)s")
    ) % words


def calculation(content: BillContent, *, language: str) -> Iterator[str]:
    """How the amounts came about, in plain sentences."""
    for section in content.sections:
        own = (row for row in content.use if row.agreement_id == section.agreement_id)
        rows = [row for row in own if not row.is_fed_in]
        yield from _of_use(rows, unit=content.unit, language=language)
        if content.places[section.agreement_id].takes_rest:
            yield _("The quantity is what the house used beyond the cap of its common-house needs.")
        elif not rows and any(charge.quantity for charge in section.charges):
            yield _("Without a meter the quantity follows from the norm of the tariff.")
        yield _of_tariff(
            section, tariff_name=content.places[section.agreement_id].tariff_name, language=language
        )
        if any(charge.shares_ranges and len(charge.tiers) > 1 for charge in section.charges):
            yield _(
                "The use of all zones together fills the price ranges; each zone has its share of every range."
            )
        yield from _of_amounts(section, content=content, language=language)
    yield _("Every line is rounded once, to two decimals.")
    yield _(
        "Your service centre shows every line down to reading and tariff clause under this bill's number."
    )


def _of_use(rows: Sequence[UseRow], *, unit: str, language: str) -> Iterator[str]:
    def amount(chosen: Sequence[UseRow]) -> str:
        return quantity_text(sum(row.use_micro for row in chosen), unit=unit, language=language, decimals=3)

    by_acts = [row for row in rows if row.quality == DayQuality.UNMETERED]
    rows = [row for row in rows if row.quality != DayQuality.UNMETERED]
    read = [row for row in rows if row.quality not in ESTIMATES]
    estimated = [row for row in rows if row.quality in ESTIMATES]
    if rows and not estimated:
        yield _(
            "Use: %(quantity)s, all by readings; a reading inside the month is shared out evenly over its days."
        ) % {"quantity": amount(rows)}
    elif estimated:
        yield _(
            "Use: %(quantity)s, of which %(read)s by readings and %(estimated)s forecast (days: %(days)s)."
        ) % {
            "quantity": amount(rows),
            "read": amount(read),
            "estimated": amount(estimated),
            "days": max(
                sum(row.days for row in estimated if row.zone == zone)
                for zone in {row.zone for row in estimated}
            ),
        }
        yield _("Your next reading replaces the forecast; the difference comes on the bill after it.")
    if by_acts:
        yield _("By acts of unmetered use: %(quantity)s more.") % {"quantity": amount(by_acts)}
    wrong = [row for row in rows if row.error_percent is not None]
    if wrong:
        yield _(
            "The meter was found to count wrongly on some days: %(quantity)s is what it should have counted."
        ) % {"quantity": amount(wrong)}


def _of_tariff(section: Section, *, tariff_name: str, language: str) -> str:
    title = (
        section.tariff_title.get(language.partition("-")[0]) or section.tariff_title.get("en") or tariff_name
    )
    choices = "; ".join(
        f"{attribute_name(name).lower()} {attribute_word(name, value, language=language)}"
        for name, value in section.choices
    )
    words = {
        "tariff": title,
        "date": date_text(section.clause_from, language=language) if section.clause_from else "",
        "choices": choices,
    }
    if not choices:
        return _("Prices since %(date)s: “%(tariff)s”.") % words
    return _("Prices since %(date)s: “%(tariff)s”, for: %(choices)s.") % words


def _of_amounts(section: Section, *, content: BillContent, language: str) -> Iterator[str]:
    for charge in section.charges:
        if charge.price is None or charge.quantity is None:
            continue
        yield _("%(title)s: %(quantity)s × %(price)s = %(unrounded)s, rounded %(amount)s.") % {
            "title": charge.title,
            "quantity": fraction_text(charge.quantity, language=language),
            "price": fraction_text(charge.price, language=language, decimals=8, least=2),
            "unrounded": fraction_text(charge.unrounded, language=language, decimals=6, least=2),
            "amount": money_text(charge.amount_minor, currency=content.currency, language=language),
        }


def micro_text(value_micro: int, *, language: str) -> str:
    """What a register showed."""
    return fraction_text(Fraction(value_micro, MICRO), language=language)
