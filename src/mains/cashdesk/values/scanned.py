"""What a scanner types when it reads the code of a bill: the account, the amount and the bill that it names.

GOST R 56042-2014 (ST0001…), EPC069-12 (BCD), EMVCo merchant-presented codes, and the named values (PAY1) of bills
without a standard. Anything else is not a code: an account number, a bill number or words.
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass

LINE_END = "\N{SYMBOL FOR NEWLINE}"
"""What the page puts for the line ends inside a code, which a field of one line cannot hold."""
_LONGEST = 1_000
_EPC_LINES = 11
_ACCOUNT = re.compile(r"[0-9]{4,20}")
_BILL = re.compile(r"[0-9]{4}-[0-9]{2,14}")
_MINOR = re.compile(r"[0-9]{1,13}")
_UNITS = re.compile(r"[A-Z]{0,3}([0-9]{1,11})(?:[.,]([0-9]{1,2}))?")


@dataclass(frozen=True, kw_only=True)
class Scanned:
    """What a code names. `amount_minor` is None where it names none."""

    standard: str
    account_number: str
    bill_number: str
    amount_minor: int | None


def read_scanned(text: str) -> Scanned | None:
    """The code in the text; None when it is no code of a bill, is cut short, or names neither account nor bill."""
    text = text.replace(LINE_END, "\n").replace("\r\n", "\n").replace("\r", "\n").strip()
    if len(text) > _LONGEST:
        return None
    for reader in (_gost, _epc, _named, _emv):
        found = reader(text)
        if found is not None:
            return found if found.account_number or found.bill_number else None
    return None


def _gost(text: str) -> Scanned | None:
    if not re.match(r"ST0001[123].", text):
        return None
    separator = text[7]
    values = dict(part.partition("=")[::2] for part in text[8:].split(separator))
    return Scanned(
        standard="gost",
        account_number=_kept(_ACCOUNT, values.get("PersAcc", "")),
        bill_number=_kept(_BILL, values.get("DocNo", "")),
        amount_minor=int(values["Sum"]) if _MINOR.fullmatch(values.get("Sum", "")) else None,
    )


def _epc(text: str) -> Scanned | None:
    lines = [line.strip() for line in text.split("\n")]
    if lines[:1] != ["BCD"] or len(lines) < _EPC_LINES:
        return None
    said = lines[9] or lines[10]
    bill = _BILL.search(said)
    account = _ACCOUNT.search(said.replace(bill[0], " ") if bill else said)
    return Scanned(
        standard="epc",
        account_number=account[0] if account else "",
        bill_number=bill[0] if bill else "",
        amount_minor=_units(lines[7]),
    )


def _named(text: str) -> Scanned | None:
    lines = text.split("\n")
    if lines[0].strip() != "PAY1":
        return None
    values = dict(line.partition("=")[::2] for line in lines[1:])
    return Scanned(
        standard="named",
        account_number=_kept(_ACCOUNT, values.get("customer_account", "").strip()),
        bill_number=_kept(_BILL, values.get("bill", "").strip()),
        amount_minor=_units(values.get("amount", "").strip()),
    )


def _emv(text: str) -> Scanned | None:
    """Tags, lengths and values; one whose checksum does not fit was read wrongly and counts as no code."""
    if not text.startswith("000201") or text[-8:-4] != "6304":
        return None
    if f"{binascii.crc_hqx(text[:-4].encode(), 0xFFFF):04X}" != text[-4:].upper():
        return None
    values = dict(_fields(text))
    more = dict(_fields(values.get("62", "")))
    return Scanned(
        standard="emv",
        account_number=_kept(_ACCOUNT, more.get("06", "")),
        bill_number=_kept(_BILL, more.get("01", "")),
        amount_minor=_units(values.get("54", "")),
    )


def _fields(text: str) -> Iterator[tuple[str, str]]:
    place = 0
    while place + 4 <= len(text) and text[place : place + 4].isdecimal():
        length = int(text[place + 2 : place + 4])
        yield text[place : place + 2], text[place + 4 : place + 4 + length]
        place += 4 + length


def _units(text: str) -> int | None:
    found = _UNITS.fullmatch(text)
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0")) if found else None


def _kept(shape: re.Pattern[str], text: str) -> str:
    return text if shape.fullmatch(text) else ""
