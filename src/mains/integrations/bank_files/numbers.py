"""Amounts, dates, currencies and account numbers as banks write them."""

import re
from datetime import date
from functools import cache

from babel.core import get_global

MAX_AMOUNT_MINOR = 10**15
_ISO_AMOUNT = re.compile(r"[0-9]{1,18}(?:\.[0-9]{0,5})?")
_ISO_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[TZ+-].*)?")
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{8,30}")
_IBAN_AND_CURRENCY = re.compile(r"([A-Z]{2}[0-9]{2}[A-Z0-9]{8,30}?)([A-Z]{3})")
# ISO 4217 numbers of the currencies in which accounts of the Russian numbering are kept (digits 6 to 8);
# 810 is the old rouble, which account numbers keep.
_NUMBERED = {"810": "RUB", "643": "RUB", "840": "USD", "978": "EUR", "156": "CNY", "949": "TRY", "398": "KZT"}


@cache
def known_currencies() -> frozenset[str]:
    """ISO 4217 codes, those of the past included (CLDR)."""
    return frozenset(get_global("all_currencies"))


def minor_of(text: str) -> int | None:
    """Minor units of a plain decimal without sign; None when it is none or finer than a hundredth."""
    if not _ISO_AMOUNT.fullmatch(text):
        return None
    whole, _, decimals = text.partition(".")
    decimals = decimals.rstrip("0")
    if len(decimals) > 2:
        return None
    return int(whole) * 100 + int(decimals.ljust(2, "0"))


def is_signed(text: str) -> bool:
    return text[:1] in ("-", "+") and minor_of(text[1:]) is not None


def is_too_fine(text: str) -> bool:
    """An amount with more decimals than are kept."""
    return _ISO_AMOUNT.fullmatch(text) is not None and minor_of(text) is None


def iso_day(text: str) -> date | None:
    """The day of an ISO 8601 date or instant; the bank's own local day."""
    match = _ISO_DATE.fullmatch(text)
    return day_of(match[1], match[2], match[3]) if match else None


def day_of(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def clean_account(text: str) -> tuple[str, str]:
    """An account number without spaces, and the currency that some banks write behind it ('' without)."""
    number = "".join(text.split()).upper()
    match = _IBAN_AND_CURRENCY.fullmatch(number)
    if match and match[2] in known_currencies() and is_iban(match[1]):
        return match[1], match[2]
    if len(number) > 3 and number[-3:] in known_currencies() and number[:-3].isdigit():
        return number[:-3], number[-3:]
    return number, ""


def is_iban(text: str) -> bool:
    """Whether the text is an IBAN with a right check number (ISO 13616, modulo 97)."""
    if not _IBAN.fullmatch(text):
        return False
    digits = "".join(str(int(character, 36)) for character in text[4:] + text[:4])
    return int(digits) % 97 == 1


def currency_of_number(account: str) -> str:
    """The currency that an account of twenty digits names itself; '' when it does not."""
    return _NUMBERED.get(account[5:8], "") if len(account) == 20 and account.isdigit() else ""
