"""Numbers, money and dates as a reader of a language writes them: texts, to which the filters add the markup.

`language` is Django's code (`zh-hans`). Separators and patterns are those of Unicode CLDR, by way of Babel;
a minus is U+2212.
"""

from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import lru_cache

from babel import Locale
from babel.dates import format_date, format_datetime, format_interval, format_skeleton
from babel.numbers import format_compact_decimal, format_decimal, get_currency_symbol
from django.utils import timezone
from django.utils.translation import pgettext, to_locale

MINUS = "\N{MINUS SIGN}"
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
CURRENCY_SIGN = "\N{CURRENCY SIGN}"
# The sign that people of the country write; CLDR gives foreign readers the three letters instead.
SIGNS = {"NGN": "₦", "RUB": "₽", "TRY": "₺", "CNY": "¥", "EUR": "€"}


@lru_cache(maxsize=32)
def babel_locale(language: str) -> Locale:
    """Babel's locale of a Django language code. English is that of Britain: 1/2/26 would be read two ways."""
    return Locale("en", "GB") if language == "en" else Locale.parse(to_locale(language))


def amount_text(minor: int, *, language: str) -> str:
    """Hundredths of a currency unit as a number with two decimals, without the currency."""
    return _signed(format_decimal(_units(minor), format="#,##0.00", locale=babel_locale(language)))


def money_text(minor: int, *, currency: str, language: str) -> str:
    """Hundredths of a currency unit with the currency's sign (`₦1,234.50`, `1 234,50 ₽`)."""
    locale = babel_locale(language)
    text: str = locale.currency_formats["standard"].apply(_units(minor), locale, currency=None)
    return _signed(text.replace(CURRENCY_SIGN, _sign(currency, locale)))


def currency_sign(currency: str, *, language: str) -> str:
    """The sign of a currency as the people of its country write it."""
    return _sign(currency, babel_locale(language))


def money_short_text(minor: int, *, currency: str, language: str) -> str:
    """A rounded figure for cards and axes (`₦1.2M`); the exact amount belongs beside it."""
    locale = babel_locale(language)
    number = format_compact_decimal(_units(minor), format_type="short", locale=locale, fraction_digits=1)
    if abs(minor) >= 1000_00 and not any(letter.isalpha() for letter in number):
        # German shortens from a million on; Babel leaves smaller numbers without groups.
        number = format_decimal(_units(minor), format="#,##0", locale=locale)
    sign = _sign(currency, locale)
    pattern: str = locale.currency_formats["standard"].pattern
    text = sign + number if pattern.startswith(CURRENCY_SIGN) else f"{number}{NO_BREAK_SPACE}{sign}"
    return _signed(text.replace(f"{sign}-", f"-{sign}"))


def number_text(value: int | Decimal, *, language: str) -> str:
    """A whole or decimal number with the language's separators and all its decimals."""
    return _signed(format_decimal(value, locale=babel_locale(language), decimal_quantization=False))


def quantity_text(micro: int, *, unit: str, language: str, decimals: int = 6) -> str:
    """Millionths of a unit as a number and the unit's sign, without trailing zeros.

    `decimals` (0 to 6) rounds half up.
    """
    value = _rounded_half_up(micro, decimals)
    pattern = "#,##0." + "#" * decimals if decimals else "#,##0"
    number = format_decimal(value, format=pattern, locale=babel_locale(language))
    return _signed(f"{number}{NO_BREAK_SPACE}{unit_text(unit)}" if unit else number)


def fraction_text(value: Fraction, *, language: str, decimals: int = 6, least: int = 0) -> str:
    """An exact number rounded half up to `decimals`, without trailing zeros but with at least `least` of them."""
    pattern = "#,##0." + "0" * least + "#" * (decimals - least) if decimals else "#,##0"
    scaled = value * 10**decimals
    whole = (2 * abs(scaled.numerator) + scaled.denominator) // (2 * scaled.denominator)
    rounded = Decimal(whole if value >= 0 else -whole).scaleb(-decimals)
    return _signed(format_decimal(rounded, format=pattern, locale=babel_locale(language)))


def percent_text(fraction: Decimal, *, language: str, decimals: int = 1) -> str:
    """A share of one as a percentage: 0.973 is 97.3 %."""
    locale = babel_locale(language)
    pattern: str = locale.percent_formats[None].pattern
    percent = (fraction * 100).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    number = "#,##0" + ("." + "0" * decimals if decimals else "")
    return _signed(pattern.replace("#,##0", format_decimal(percent, format=number, locale=locale)))


def date_text(day: date, *, language: str) -> str:
    """A day, month in letters: 5 Oct 2026."""
    return format_date(day, format="medium", locale=babel_locale(language))


def month_text(day: date, *, language: str) -> str:
    """The month of a day, by name, with the year."""
    text = month_inside_text(day, language=language)
    return text[:1].upper() + text[1:]


def month_inside_text(day: date, *, language: str) -> str:
    """The month of a day with the year, as it is written inside a sentence."""
    return format_skeleton("yMMMM", day, locale=babel_locale(language))


def month_name_text(day: date, *, language: str) -> str:
    """The name of a month alone, as it is written inside a sentence."""
    return format_date(day, format="LLLL", locale=babel_locale(language))


def month_short_text(day: date, *, language: str) -> str:
    """The shortest name of a month, for axes."""
    return format_date(day, format="LLL", locale=babel_locale(language)).rstrip(".")


def instant_text(at: datetime, *, language: str) -> str:
    """An instant in the active time zone, to the minute."""
    local = timezone.localtime(at) if timezone.is_aware(at) else at
    return format_datetime(local, format="short", locale=babel_locale(language))


def period_text(valid_from: date, valid_to: date, *, language: str) -> str:
    """A half-open period [from, to) as its first and last day; a whole month as the month."""
    last = valid_to - timedelta(days=1)
    if valid_from.day == 1 and last == _month_end(valid_from):
        return month_text(valid_from, language=language)
    if last <= valid_from:
        return date_text(valid_from, language=language)
    return format_interval(valid_from, last, skeleton="yMMMd", locale=babel_locale(language))


def unit_text(unit: str) -> str:
    """The sign of a unit in the active language; a unit outside the list is shown as it is written."""
    signs = {
        "kWh": pgettext("unit", "kWh"),
        "MWh": pgettext("unit", "MWh"),
        "kvarh": pgettext("unit", "kvarh"),
        "kW": pgettext("unit", "kW"),
        "kVA": pgettext("unit", "kVA"),
        "m3": pgettext("unit", "m³"),
        "m2": pgettext("unit", "m²"),
        "Gcal": pgettext("unit", "Gcal"),
        "MJ": pgettext("unit", "MJ"),
        "GJ": pgettext("unit", "GJ"),
        "person": pgettext("unit", "people"),
        "day": pgettext("unit", "days"),
        "month": pgettext("unit", "months"),
        "h": pgettext("unit", "h"),
    }
    return signs.get(unit, unit)


def _units(minor: int) -> Decimal:
    return Decimal(minor).scaleb(-2)


def _sign(currency: str, locale: Locale) -> str:
    return SIGNS.get(currency) or get_currency_symbol(currency, locale)


def _signed(text: str) -> str:
    return text.replace("-", MINUS)


def _rounded_half_up(micro: int, decimals: int) -> Decimal:
    step = 10 ** (6 - decimals)
    whole = (abs(micro) * 2 + step) // (2 * step)
    return Decimal(whole if micro >= 0 else -whole).scaleb(-decimals)


def _month_end(day: date) -> date:
    following = (day.replace(day=28) + timedelta(days=4)).replace(day=1)
    return following - timedelta(days=1)
