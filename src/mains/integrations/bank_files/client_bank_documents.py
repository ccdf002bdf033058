"""One document of a 1CClientBankExchange file: a line for each account of ours that it touches."""

import re
from datetime import date

from mains.integrations.bank_files.client_bank_sections import Section
from mains.integrations.bank_files.numbers import day_of
from mains.payments.values import BankFileRead, BankLine

_AMOUNT = re.compile(r"[0-9]{1,15}(?:[.,-][0-9]{1,2})?")
_DATE = re.compile(r"([0-9]{2})\.([0-9]{2})\.([0-9]{4})")
_PURPOSES = ("НазначениеПлатежа", *(f"НазначениеПлатежа{part}" for part in range(1, 7)))
_CHARGES = ("банковский ордер",)


def minor_of_document(text: str, *, may_be_negative: bool = False) -> int | None:
    """Minor units of `1234.5`, `1234,50` or `1234-50`; None when it is no amount."""
    digits = text.strip().replace(" ", "").replace("\xa0", "")
    is_negative = may_be_negative and digits.startswith("-")
    digits = digits[1:] if is_negative else digits
    if not _AMOUNT.fullmatch(digits):
        return None
    whole, _, decimals = re.sub(r"[,-]", ".", digits).partition(".")
    minor = int(whole) * 100 + int(decimals.ljust(2, "0"))
    return -minor if is_negative else minor


def document_lines(section: Section, count: int, found: BankFileRead) -> list[tuple[str, BankLine]] | None:
    """Account and line of the payee's and of the payer's side; None when the document cannot be read."""
    text = section.get("Сумма")
    minor = minor_of_document(text)
    if minor is None:
        is_negative = minor_of_document(text, may_be_negative=True) is not None
        code = "amount-signed" if is_negative else "amount-invalid"
        found.note(code, section.line_of("Сумма"), "Сумма", value=text[:40], separator=".")
    elif minor == 0:
        found.note("amount-not-positive", section.line_of("Сумма"), "Сумма", value=text[:40])
    written = _day(section, "Дата", found)
    received, debited = _day(section, "ДатаПоступило", found), _day(section, "ДатаСписано", found)
    if not minor or written is None:
        return None
    payer = section.get("ПлательщикСчет", "ПлательщикРасчСчет")
    payee = section.get("ПолучательСчет", "ПолучательРасчСчет")
    lines = []
    for account, sign, day in ((payee, 1, received), (payer, -1, debited)):
        if account:
            booked_on = day or received or debited or written
            lines.append((account, _line(section, count, sign * minor, booked_on, written, payer)))
    return lines


def _day(section: Section, key: str, found: BankFileRead) -> date | None:
    text = section.get(key)
    if not text and key != "Дата":
        return None
    match = _DATE.fullmatch(text)
    day = day_of(match[3], match[2], match[1]) if match else None
    if day is None:
        found.note("date-invalid", section.line_of(key), key, value=text[:40], form="DD.MM.YYYY")
    return day


def _line(section: Section, count: int, minor: int, booked_on: date, written: date, payer: str) -> BankLine:
    side = "Плательщик" if minor > 0 else "Получатель"
    number = section.get("Номер")
    purpose = section.get("НазначениеПлатежа") or " ".join(
        part for key in _PURPOSES[1:] if (part := section.get(key))
    )
    name = section.get(f"{side}1", side)
    # `Плательщик` alone is often „ИНН 7701… name“.
    name = re.sub(r"^ИНН\s+[0-9]{10,12}\s+", "", name)
    return BankLine(
        line=section.line,
        entry=count,
        entry_minor=minor,
        amount_minor=minor,
        currency="",
        booked_on=booked_on,
        value_on=None,
        # The bank gives no number of its own; a payer's document is known by its number, day and account.
        bank_reference=f"{number}/{written:%Y%m%d}/{payer}" if number else "",
        structured_reference=section.get("Код", "УИН") if section.get("Код", "УИН") != "0" else "",
        payer_name=name,
        payer_account=section.get(f"{side}Счет", f"{side}РасчСчет"),
        remittance=purpose,
        is_charge=minor < 0 and section.values.get("СекцияДокумент", "").lower() in _CHARGES,
    )
