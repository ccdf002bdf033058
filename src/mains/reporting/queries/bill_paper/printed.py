"""A bill's content as the texts that the template sets: nothing is formatted or worded after this."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from mains.base.formats import (
    amount_text,
    currency_sign,
    date_text,
    fraction_text,
    money_text,
    month_inside_text,
    month_short_text,
    month_text,
    period_text,
    quantity_text,
    unit_text,
)
from mains.billing.values import LineKind
from mains.engine.facts import MICRO
from mains.metering.values import DayQuality, Zone
from mains.network.values import Service
from mains.reporting.models import DocumentText
from mains.reporting.queries.bill_paper import wording
from mains.reporting.queries.bill_paper.change_wording import change_rows
from mains.reporting.queries.bill_paper.charges import Charge, Section
from mains.reporting.queries.bill_paper.chart import Bar
from mains.reporting.queries.bill_paper.content import BillContent
from mains.reporting.queries.bill_paper.corrections import ESTIMATES, Correction
from mains.reporting.queries.bill_paper.payment_codes import Payment, codes_of, list_codes, payment_svg
from mains.reporting.queries.bill_paper.registry import Place
from mains.reporting.queries.bill_paper.usage import UseRow

Texts = dict[str, Any]


def printed(content: BillContent, *, language: str) -> Texts:
    """The texts of a bill in `language`, which must be the active one, as plain JSON."""
    own = utility_texts(language=language)
    bill = content.bill
    return {
        "language": language.partition("-")[0],
        "labels": _labels(content, language=language),
        "title": _title(content, own),
        "month": month_text(bill.month, language=language),
        "number": content.number,
        "supplier": _supplier(content),
        "customer": {
            "name": content.addressee.customer_name,
            "address": address_lines(content.place),
            "facts": _facts(content, language=language),
        },
        "pay": _pay(content, language=language),
        "codes": _codes(content, title=own.get("bill_title") or _("Bill"), language=language),
        "statement": _statement(content, language=language),
        "sections": [_section(section, content, language=language) for section in content.sections],
        "corrections": [_correction(each, content, language=language) for each in content.corrections],
        "change": change_rows(content.change, unit=content.unit, language=language),
        "readings": [_use_row(row, language=language) for row in content.use],
        "has_zones": any(row.zone != Zone.TOTAL for row in content.use),
        "has_multiplier": any(row.multiplier != 1 for row in content.use),
        "use_total": quantity_text(
            sum(row.use_micro for row in content.use if not row.is_fed_in),
            unit="",
            language=language,
            decimals=6,
        ),
        "chart": _chart(content, language=language),
        "calculation": list(wording.calculation(content, language=language)),
        "notes": [
            *_carried(content, language=language),
            *_shares_note(content, language=language),
            *_forms_notes(content, language=language),
            *(text for text in (own.get("bill_note"), own.get("complaint_note")) if text),
        ],
    }


def _carried(content: BillContent, *, language: str) -> Iterator[str]:
    """A sentence for each balance that goes on to the next bill, or is left by a final one."""
    for balance in content.explained.balances:
        if balance.value:
            micro = int(balance.value * MICRO)
            is_money = balance.unit == content.currency
            shown = (
                money_text(micro * 100 // MICRO, currency=content.currency, language=language)
                if is_money
                else quantity_text(micro, unit=balance.unit, language=language)
            )
            sentence = (
                _("Left at the end: %(title)s, %(value)s.")
                if content.bill.is_settlement
                else _("Carried to the next bill: %(title)s, %(value)s.")
            )
            yield sentence % {
                "title": balance.title,
                "value": shown,
            }


def utility_texts(*, language: str) -> Mapping[str, str]:
    """The utility's own sentences in a language."""
    return dict(DocumentText.objects.filter(language=language).values_list("name", "text"))


def address_lines(place: Place) -> list[str]:
    """Street, house and flat; then postal code and town."""
    flat = _("flat %(number)s") % {"number": place.flat} if place.flat else ""
    street = ", ".join(part for part in (place.street, place.house, flat) if part)
    return [street, " ".join(part for part in (place.postal_code, place.city) if part)]


def _labels(content: BillContent, *, language: str) -> dict[str, str]:
    unit, sign = unit_text(content.unit), currency_sign(content.currency, language=language)
    return {
        "bill": _("Bill %(number)s") % {"number": content.number},
        "customer": _("Customer"),
        "account": _("Account no."),
        "statement": _("Your account"),
        "this_month": _("For %(month)s")
        % {"month": month_inside_text(content.bill.month, language=language)},
        "line": pgettext("column of a bill", "Charge"),
        "quantity": _("Quantity, %(unit)s") % {"unit": unit},
        "price": _("Price, %(unit)s") % {"unit": f"{sign}/{unit}"},
        "amount": _("Amount, %(unit)s") % {"unit": sign},
        "total": _("Total"),
        "corrections": _("Corrections of earlier months"),
        "change": _("Why it is more or less than the last bill"),
        "before": _("Billed before, %(unit)s") % {"unit": sign},
        "now": _("Now, %(unit)s") % {"unit": sign},
        "difference": _("Difference, %(unit)s") % {"unit": sign},
        "readings": _("Readings and use"),
        "zone": _("Zone"),
        "days": _("Days"),
        "quality": _("How known"),
        "previous": _("Previous reading"),
        "current": _("Reading"),
        "counted": _("Difference"),
        "multiplier": _("Ratio"),
        "use": _("Use, %(unit)s") % {"unit": unit},
        "calculation": _("How it was calculated"),
        "page": _("Page"),
        "forecast_legend": _("Hatched: forecast or norm"),
    }


def _supplier(content: BillContent) -> Texts:
    lines = [content.addressee.centre]
    if content.payee.tax_number:
        lines.append(_("Tax no. %(number)s") % {"number": content.payee.tax_number})
    if content.payee.bank_account:
        lines.append(
            _("%(bank)s, code %(code)s, account %(account)s")
            % {
                "bank": content.payee.bank_name,
                "code": content.payee.bank_code,
                "account": content.payee.bank_account,
            }
        )
    return {"name": content.payee.name, "lines": lines}


def _facts(content: BillContent, *, language: str) -> list[list[str]]:
    meters = ", ".join(dict.fromkeys(row.serial for row in content.use if row.serial))
    services = dict.fromkeys(str(Service(place.service).label) for place in content.places.values())
    return [
        [_("Account no."), content.addressee.account_number],
        [_("Service"), ", ".join(services)],
        [_("Service point"), content.place.point_code],
        [_("Meter"), meters or pgettext("meter", "none")],
        [_("Issued"), date_text(content.bill.issued_on, language=language)],
    ]


def _pay(content: BillContent, *, language: str) -> Texts:
    closing, currency = content.statement.closing_minor, content.currency
    amount = money_text(abs(closing), currency=currency, language=language)
    if closing < 0:
        return {
            "heading": _("We owe you"),
            "amount": amount,
            "notes": [
                _("Nothing to pay. Tell us where to pay it out.")
                if content.bill.is_settlement
                else _("Nothing to pay. It is set off against your next bills.")
            ],
        }
    if closing == 0:
        return {"heading": _("Nothing to pay"), "amount": amount, "notes": []}
    if content.is_deferred:
        asked = _("Nothing to pay by this sheet: an invoice for several months asks for these charges.")
        return {"heading": _("Charged so far"), "amount": amount, "notes": [asked]}
    notes = [_("Please pay by %(date)s") % {"date": date_text(content.bill.due_on, language=language)}]
    earlier = min(content.statement.earlier_minor, closing)
    if earlier > 0:
        text = money_text(earlier, currency=currency, language=language)
        notes.append(_("Of this %(amount)s is from earlier bills.") % {"amount": text})
    return {"heading": _("Amount to pay"), "amount": amount, "notes": notes}


def _shares_note(content: BillContent, *, language: str) -> list[str]:
    if not content.waits_for_shares:
        return []
    return [
        _("Shares of common-house use of %(month)s are drawn up with the month's run and billed then.")
        % {"month": month_inside_text(content.bill.month, language=language)}
    ]


def _title(content: BillContent, own: Mapping[str, str]) -> str:
    if content.bill.is_settlement:
        return _("Final bill")
    if content.bill.is_on_site:
        return _("On-site bill")
    return own.get("bill_title") or _("Bill")


def _forms_notes(content: BillContent, *, language: str) -> Iterator[str]:
    """Up to when a bill at the door goes, and what of advances this bill has used."""
    if content.bill.is_on_site and content.billed_through is not None:
        yield _("Covers the days up to %(date)s; the month's bill has the rest.") % {
            "date": date_text(content.billed_through, language=language)
        }
    if content.advance is not None:
        yield _("Advance used: %(used)s. Advance left: %(left)s.") % {
            "used": money_text(content.advance.used_minor, currency=content.currency, language=language),
            "left": money_text(content.advance.left_minor, currency=content.currency, language=language),
        }
    if content.passed_on_minor:
        yield _("Of this bill %(amount)s is for other payers, who get invoices of their own.") % {
            "amount": money_text(content.passed_on_minor, currency=content.currency, language=language)
        }


def _codes(content: BillContent, *, title: str, language: str) -> list[Texts]:
    if content.is_deferred:
        return []  # nobody pays by a sheet that asks for nothing
    codes = list_codes(
        Payment(
            payee=content.payee,
            currency=content.currency,
            amount_minor=content.statement.closing_minor,
            account_number=content.addressee.account_number,
            bill_number=content.number,
            month=content.bill.month,
            due_on=content.bill.due_on,
            purpose=_("%(title)s, %(month)s, account %(account)s")
            % {
                "title": title,
                "month": month_inside_text(content.bill.month, language=language),
                "account": content.addressee.account_number,
            },
        ),
        stated=codes_of(party_id=content.place.provider_id),
    )
    caption = _("Scan to pay")
    return [
        {
            "svg": payment_svg(code),
            "payload": code.payload,
            "caption": caption if len(codes) == 1 else f"{caption}: {code.standard.label}",
        }
        for code in codes
    ]


def _statement(content: BillContent, *, language: str) -> list[list[str]]:
    found = content.statement
    opening = _("Owed before") if found.opening_minor >= 0 else _("We owed you before")
    days = [date_text(day, language=language) for day, _minor in found.payments]
    paid = _("Paid since your last bill")
    if days:
        paid = f"{paid} ({', '.join(days[:2])}{', …' if len(days) > 2 else ''})"
    rows = [
        (opening, found.opening_minor),
        (paid, -found.paid_minor),
        (month_text(content.bill.month, language=language), found.billed_minor),
        (_("Corrections of earlier months"), found.corrected_minor),
    ]
    closing = _("To pay") if found.closing_minor >= 0 else _("We owe you")
    total = money_text(abs(found.closing_minor), currency=content.currency, language=language)
    return [*([label, amount_text(minor, language=language)] for label, minor in rows), [closing, total]]


def _section(section: Section, content: BillContent, *, language: str) -> Texts:
    place = content.places[section.agreement_id]
    title = section.tariff_title.get(language.partition("-")[0]) or place.tariff_name
    return {
        "title": title,
        "place": ", ".join(address_lines(place)) if len(content.sections) > 1 else "",
        "rows": [_charge(charge, content, language=language) for charge in section.charges],
        "total": amount_text(
            sum(charge.amount_minor for charge in section.charges if charge.kind != LineKind.TAX_INCLUDED),
            language=language,
        ),
    }


def _charge(charge: Charge, content: BillContent, *, language: str) -> Texts:
    unit = content.unit
    own = unit_text(charge.unit) if charge.unit else ""
    notes = []
    if charge.period:
        notes.append(period_text(*charge.period, language=language))
    if len(charge.tiers) == 1:
        notes.append(wording.tier_title(charge.tiers[0], unit=unit, language=language))
    decimals = 2 if all((tier.amount * 100).denominator == 1 for tier in charge.tiers) else 4
    return {
        "title": charge.title,
        "note": ", ".join(note for note in notes if note),
        "quantity": "" if charge.quantity is None else _with_unit(charge.quantity, own, language=language),
        "price": ""
        if charge.price is None
        else _with_unit(charge.price, own, language=language, is_price=True),
        "amount": amount_text(charge.amount_minor, language=language),
        "is_included": charge.kind == LineKind.TAX_INCLUDED,
        "tiers": [
            {
                "title": wording.tier_title(tier, unit=unit, language=language),
                "quantity": fraction_text(tier.quantity, language=language),
                "price": _price(tier.price, language=language),
                "amount": fraction_text(tier.amount, language=language, decimals=decimals, least=decimals),
            }
            for tier in (charge.tiers if len(charge.tiers) > 1 else ())
        ],
    }


def _price(value: Fraction, *, language: str) -> str:
    """A price with all that is published of it, eight decimals in some countries."""
    return fraction_text(value, language=language, decimals=8, least=2)


def _with_unit(value: Fraction, unit: str, *, language: str, is_price: bool = False) -> str:
    """A quantity, or the price of one, with its unit where that is not the one of the column."""
    shown = _price(value, language=language) if is_price else fraction_text(value, language=language)
    return f"{shown}{'/' if is_price else ' '}{unit}" if unit else shown


def _correction(correction: Correction, content: BillContent, *, language: str) -> Texts:
    charged = [line for line in correction.lines if line.kind != LineKind.TAX_INCLUDED]
    unit = content.unit

    def row(before: int, now: int) -> list[str]:
        return [amount_text(minor, language=language) for minor in (before, now, now - before)]

    sentences = [wording.cause_sentence(cause, unit=unit, language=language) for cause in correction.causes]
    return {
        "title": month_text(correction.service_month, language=language),
        "causes": " ".join(sentences) or _("The month was computed again."),
        "rows": [
            {
                "title": line.title,
                "figures": row(line.before_minor, line.now_minor),
                "is_included": line.kind == LineKind.TAX_INCLUDED,
            }
            for line in correction.lines
        ],
        "total": row(sum(line.before_minor for line in charged), sum(line.now_minor for line in charged)),
    }


def _use_row(row: UseRow, *, language: str) -> Texts:
    quality = str(DayQuality(row.quality).label)
    if row.quality == DayQuality.FORECAST:
        quality = _("Forecast: %(quantity)s in %(days)s days of history") % {
            "quantity": fraction_text(row.difference * row.multiplier, language=language, decimals=1),
            "days": row.covered_days,
        }
    elif row.quality == DayQuality.APPORTIONED:
        quality = _("By readings: %(days)s of %(covered)s days") % {
            "days": row.days,
            "covered": row.covered_days,
        }

    elif row.quality == DayQuality.UNMETERED:
        quality = _("By an act: %(days)s of %(covered)s days") % {
            "days": row.days,
            "covered": row.covered_days,
        }
    if row.error_percent is not None:
        quality = _("%(quality)s, meter error %(percent)s %%") % {
            "quality": quality,
            "percent": fraction_text(row.error_percent, language=language),
        }

    def shown(reading: tuple[date, int] | None) -> list[str]:
        if reading is None:
            return []
        return [wording.micro_text(reading[1], language=language), date_text(reading[0], language=language)]

    has_both = row.closing is not None and row.quality not in ESTIMATES
    return {
        "zone": str(Zone(row.zone).label),
        "days": f"{row.first.day}–{row.last.day}" if row.days > 1 else str(row.first.day),
        "quality": quality,
        "is_estimate": row.quality in ESTIMATES,
        "opening": shown(row.opening),
        "closing": shown(row.closing) if has_both else [],
        "counted": fraction_text(row.difference, language=language) if has_both else "",
        "multiplier": fraction_text(row.multiplier, language=language),
        "use": quantity_text(row.use_micro, unit="", language=language),
    }


def _chart(content: BillContent, *, language: str) -> Texts | None:
    bars = content.bars
    top = max((bar.use_micro for bar in bars), default=0)
    if top <= 0:
        return None
    return {
        "finding": wording.finding(bars, is_norm=not content.use, unit=content.unit, language=language),
        "bars": [_bar(bar, bars, top=top, language=language) for bar in bars],
        "has_estimates": any(bar.estimated_micro > 0 for bar in bars),
        "caption": _("Use by month, %(unit)s") % {"unit": unit_text(content.unit)},
    }


def _bar(bar: Bar, bars: Sequence[Bar], *, top: int, language: str) -> Texts:
    """Heights are shares of the highest bar, in thousandths."""
    return {
        "label": month_short_text(bar.month, language=language),
        "year": str(bar.month.year) if bar is bars[0] or bar.month.month == 1 else "",
        "value": quantity_text(bar.use_micro, unit="", language=language, decimals=0),
        "height": max(bar.use_micro, 0) * 1000 // top,
        "estimated": min(max(bar.estimated_micro, 0), max(bar.use_micro, 0)) * 1000 // top,
        "is_last": bar is bars[-1],
    }
