"""Field 61 and the balances of MT940 and MT942."""

import calendar
import re
from datetime import date, timedelta
from typing import Protocol

from mains.integrations.bank_files.numbers import day_of
from mains.payments.values import BankLine

_BALANCE = re.compile(r"([CD])([0-9]{2})([0-9]{2})([0-9]{2})([A-Z]{3})([0-9]+[,.][0-9]*|[0-9]+)")
_ENTRY = re.compile(
    r"(?P<year>[0-9]{2})(?P<month>[0-9]{2})(?P<day>[0-9]{2})"
    r"(?P<entry>[0-9]{4})?"
    r"(?P<mark>RC|RD|EC|ED|C|D)(?P<funds>[A-Z])?"
    r"(?P<amount>[-+]?[0-9]+[,.]?[0-9]*)"
    r"(?P<type>[A-Z][A-Z0-9 ]{3})?"
    r"(?P<rest>.*)",
    re.DOTALL,
)
_SIGNS = {"C": 1, "D": -1, "RC": -1, "RD": 1, "EC": 1, "ED": -1}
_AMOUNT = re.compile(r"[0-9]{1,15}[,.][0-9]*")
_CHARGES = ("CHG", "COM", "BRF", "FEE")
# Interest is counted with months of 30 days, and some banks write 30 February in the value date.
_LAST_DAY_OF_MONTH = 30


class _HasText(Protocol):
    text: str


def minor_of_swift(text: str) -> int | None:
    """Minor units of `1234,5`; a third decimal must be nothing."""
    if not _AMOUNT.fullmatch(text):
        return None
    whole, _, decimals = text.replace(".", ",").partition(",")
    decimals = decimals.rstrip("0")
    return int(whole) * 100 + int(decimals.ljust(2, "0")) if len(decimals) <= 2 else None


def balance_of(text: str) -> tuple[date, str, int] | None:
    """Day, currency and signed minor units of `C090528EUR1234,56`."""
    match = _BALANCE.fullmatch(text.strip())
    if match is None:
        return None
    day, minor = day_of(str(_year(match[2])), match[3], match[4]), minor_of_swift(match[6])
    if day is None or minor is None:
        return None
    return day, match[5], minor if match[1] == "C" else -minor


def day_of_balance(one: _HasText | None) -> date | None:
    read = balance_of(one.text) if one else None
    return read[0] if read else None


def read_entry(
    text: str, *, line: int, entry: int, currency: str, near: date | None
) -> tuple[BankLine | None, tuple[str, dict[str, str | int]] | None]:
    """The line of a field 61, or the code and params of its fault. `near` is a day of the statement."""
    match = _ENTRY.fullmatch(text.strip())
    if match is None:
        return None, ("part-invalid", {"value": text.split("\n", maxsplit=1)[0][:60], "name": ":61:"})
    amount = match["amount"]
    if amount[0] in "+-":
        return None, ("amount-signed", {"value": amount})
    minor = minor_of_swift(amount)
    if minor is None:
        code = "amount-decimals" if _AMOUNT.fullmatch(amount) else "amount-invalid"
        return None, (code, {"value": amount[:40], "separator": ","})
    value_on = _value_day(match["year"], match["month"], match["day"])
    if value_on is None:
        written = match["year"] + match["month"] + match["day"]
        return None, ("date-invalid", {"value": written, "form": "YYMMDD"})
    booked_on = _booking_day(match["entry"], value_on=value_on, near=near)
    if booked_on is None:
        return None, ("date-invalid", {"value": match["entry"] or "", "form": "MMDD"})
    reference, bank_reference, supplement = _references(match["rest"])
    signed = minor * _SIGNS[match["mark"]]
    kind = (match["type"] or "")[1:]
    return BankLine(
        line=line,
        entry=entry,
        entry_minor=signed,
        amount_minor=signed,
        currency=currency,
        booked_on=booked_on,
        value_on=value_on,
        bank_reference=bank_reference,
        end_to_end_id="" if reference.upper() in ("NONREF", "NOTPROVIDED") else reference,
        remittance=supplement,
        is_reversal=match["mark"] in ("RC", "RD"),
        is_charge=kind in _CHARGES,
        is_pending=match["mark"] in ("EC", "ED"),
    ), None


def _references(rest: str) -> tuple[str, str, str]:
    """The owner's reference, the bank's, and the supplementary details on the next line."""
    first, _, supplement = rest.partition("\n")
    reference, _, bank_reference = first.partition("//")
    return reference.strip(), bank_reference.strip(), supplement.replace("\n", " ").strip()


def _year(text: str) -> int:
    """Two digits as SWIFT reads them: 80 to 99 are of the last century."""
    return int(text) + (1900 if int(text) >= 80 else 2000)


def _value_day(year: str, month: str, day: str) -> date | None:
    exact = day_of(str(_year(year)), month, day)
    if exact or not 1 <= int(month) <= 12 or not 29 <= int(day) <= _LAST_DAY_OF_MONTH:
        return exact
    last = calendar.monthrange(_year(year), int(month))[1]
    return date(_year(year), int(month), last)


def _booking_day(written: str | None, *, value_on: date, near: date | None) -> date | None:
    """The entry date has no year: it is the one nearest to the value date. Without it money is booked on its
    value date, though not after the statement closes."""
    if not written:
        return min(value_on, near) if near else value_on
    days = [
        day
        for year in (value_on.year - 1, value_on.year, value_on.year + 1)
        if (day := day_of(str(year), written[:2], written[2:]))
    ]
    if not days and written == "0229":
        return None
    return (
        min(days, key=lambda day: abs(day - value_on), default=None)
        if days
        else _end_of_month(written, value_on)
    )


def _end_of_month(written: str, value_on: date) -> date | None:
    day = _value_day(f"{value_on.year % 100:02d}", written[:2], written[2:])
    return day if day and abs(day - value_on) < timedelta(days=40) else None
