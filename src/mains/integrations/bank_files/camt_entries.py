"""One entry (`Ntry`) of a camt message: a line for each of its details, charges by themselves."""

from dataclasses import dataclass
from datetime import date
from functools import cache

from lxml import etree

from mains.integrations.bank_files.numbers import (
    clean_account,
    is_signed,
    is_too_fine,
    iso_day,
    minor_of,
)
from mains.payments.values import BankFileRead, BankLine
from mains.payments.values.bank_lines import amount_text

_SIGNS = {"CRDT": 1, "DBIT": -1}
_BOOKED = {"BOOK", ""}
_NAMES = ("Nm", "Pty/Nm")
_ACCOUNTS = ("Id/IBAN", "Id/Othr/Id", "Id/PrtryAcct/Id", "Id/BBAN")


@cache
def path_of(space: str, path: str) -> str:
    """A path of local names with their namespace (`{urn:…}` or '')."""
    return "/".join(space + name for name in path.split("/"))


def text_of_element(element: etree._Element, space: str, path: str) -> str:
    """Text of the first element at the path; '' without one."""
    return (element.findtext(path_of(space, path)) or "").strip()


def _first_text(element: etree._Element | None, space: str, paths: tuple[str, ...]) -> str:
    if element is None:
        return ""
    return next((text for path in paths if (text := text_of_element(element, space, path))), "")


@dataclass(frozen=True, slots=True)
class _Head:
    """What an entry says of itself; `amount_minor` is signed."""

    line: int
    amount_minor: int
    sign: int
    currency: str
    booked_on: date
    value_on: date | None
    reference: str
    text: str
    is_reversal: bool
    is_pending: bool


@dataclass(kw_only=True)
class EntryReader:
    """Reads entries of one statement and notes their faults with place `Stmt[1]/Ntry[3]`."""

    found: BankFileRead
    place: str
    count: int = 0

    def read(self, element: etree._Element) -> tuple[list[BankLine], int, int] | None:
        """Lines of the entry, its signed amount and its sign; None when it cannot be read."""
        self.count += 1
        space = str(element.tag)[: -len("Ntry")]
        head = self._head(element, space)
        if head is None:
            return None
        details = element.findall(path_of(space, "NtryDtls/TxDtls"))
        lines = self._lines(head, element, details, space)
        return (lines, head.amount_minor, head.sign) if lines is not None else None

    def _note(self, code: str, line: int, part: str, /, **params: str | int) -> None:
        self.found.note(code, line, f"{self.place}/Ntry[{self.count}]/{part}", **params)

    def _head(self, element: etree._Element, space: str) -> _Head | None:
        line = element.sourceline or 0
        read = self._amount(element.find(path_of(space, "Amt")), line)
        indicator = text_of_element(element, space, "CdtDbtInd")
        if indicator not in _SIGNS:
            self._note("part-invalid", line, "CdtDbtInd", value=indicator[:20], name="CdtDbtInd")
        booked = self._day(element, space, "BookgDt", line)
        value = self._day(element, space, "ValDt", line)
        status = text_of_element(element, space, "Sts/Cd") or text_of_element(element, space, "Sts")
        is_pending = status.upper() not in _BOOKED
        if booked is None and value is None and not is_pending:
            self._note("part-missing", line, "BookgDt", name="BookgDt")
            return None
        if read is None or indicator not in _SIGNS:
            return None
        amount_minor, currency = read
        return _Head(
            line=line,
            amount_minor=amount_minor * _SIGNS[indicator],
            sign=_SIGNS[indicator],
            currency=currency,
            # Pending entries may have no date; they are never booked.
            booked_on=booked or value or date.min,
            value_on=value,
            reference=text_of_element(element, space, "AcctSvcrRef"),
            text=text_of_element(element, space, "AddtlNtryInf"),
            is_reversal=text_of_element(element, space, "RvslInd").lower() in ("true", "1"),
            is_pending=is_pending,
        )

    def _amount(self, element: etree._Element | None, line: int) -> tuple[int, str] | None:
        if element is None:
            self._note("part-missing", line, "Amt", name="Amt")
            return None
        text = (element.text or "").strip()
        minor = minor_of(text)
        if minor is not None:
            return minor, element.get("Ccy", "").strip()
        line = element.sourceline or line
        if is_signed(text):
            self._note("amount-signed", line, "Amt", value=text[:40])
        elif is_too_fine(text):
            self._note("amount-decimals", line, "Amt", value=text[:40])
        else:
            self._note("amount-invalid", line, "Amt", value=text[:40], separator=".")
        return None

    def _day(self, element: etree._Element, space: str, name: str, line: int) -> date | None:
        text = text_of_element(element, space, f"{name}/Dt") or text_of_element(
            element, space, f"{name}/DtTm"
        )
        if not text:
            return None
        day = iso_day(text)
        if day is None:
            self._note("date-invalid", line, name, value=text[:40], form="YYYY-MM-DD")
        return day

    def _lines(
        self, head: _Head, element: etree._Element, details: list[etree._Element], space: str
    ) -> list[BankLine] | None:
        stated = text_of_element(element, space, "NtryDtls/Btch/NbOfTxs")
        batches = len(element.findall(path_of(space, "NtryDtls/Btch")))
        if (
            details
            and batches == 1
            and stated.isascii()
            and stated.isdigit()
            and int(stated[:9]) != len(details)
        ):
            self._note(
                "count-differs", head.line, "NtryDtls/Btch", name="Btch/NbOfTxs", stated=stated,
                found=len(details),
            )  # fmt: skip
        if len(details) <= 1:
            return [self._line(head, details[0] if details else None, head.amount_minor, element, space)]
        amounts = [_detail_minor(detail, head, space) for detail in details]
        if any(amount is None for amount in amounts):
            # A batch whose details have no amounts of their own is one line.
            return [self._line(head, None, head.amount_minor, element, space)]
        known = [amount for amount in amounts if amount is not None]
        lines = [
            self._line(head, detail, amount, element, space)
            for detail, amount in zip(details, known, strict=True)
        ]
        rest = head.amount_minor - sum(known)
        if rest:
            charges = _charges_minor(element, details, space)
            if not charges or abs(rest) != charges:
                self._note(
                    "details-differ", head.line, "NtryDtls", stated=amount_text(head.amount_minor),
                    found=amount_text(sum(known)),
                )  # fmt: skip
                return None
            lines.append(self._charge(head, rest))
        return lines

    def _charge(self, head: _Head, minor: int) -> BankLine:
        return BankLine(
            line=head.line,
            entry=self.count,
            entry_minor=head.amount_minor,
            amount_minor=minor,
            currency=head.currency,
            booked_on=head.booked_on,
            value_on=head.value_on,
            bank_reference=head.reference,
            remittance=head.text,
            is_charge=True,
            is_pending=head.is_pending,
        )

    def _line(
        self, head: _Head, detail: etree._Element | None, minor: int, element: etree._Element, space: str
    ) -> BankLine:
        reference, text, party = head.reference, head.text, None
        end_to_end = structured = name = account = ""
        if detail is not None:
            reference = reference or text_of_element(detail, space, "Refs/AcctSvcrRef")
            end_to_end = text_of_element(detail, space, "Refs/EndToEndId")
            structured = text_of_element(detail, space, "RmtInf/Strd/CdtrRefInf/Ref") or text_of_element(
                detail, space, "RmtInf/Strd/CdtrRefInf/CdtrRef"
            )
            pieces = [piece.text or "" for piece in detail.iterfind(path_of(space, "RmtInf/Ustrd"))]
            text = (
                " ".join(piece.strip() for piece in pieces)
                or text_of_element(detail, space, "AddtlTxInf")
                or text
            )
            role = "Dbtr" if minor > 0 else "Cdtr"
            party = detail.find(path_of(space, f"RltdPties/{role}"))
            name = _first_text(party, space, _NAMES)
            account = _first_text(detail.find(path_of(space, f"RltdPties/{role}Acct")), space, _ACCOUNTS)
        kind = text_of_element(element, space, "BkTxCd/Domn/Fmly/SubFmlyCd")
        return BankLine(
            line=(detail.sourceline if detail is not None else None) or head.line,
            entry=self.count,
            entry_minor=head.amount_minor,
            amount_minor=minor,
            currency=head.currency,
            booked_on=head.booked_on,
            value_on=head.value_on,
            bank_reference=reference,
            end_to_end_id="" if end_to_end.upper() == "NOTPROVIDED" else end_to_end,
            structured_reference=structured,
            payer_name=name,
            payer_account=clean_account(account)[0] if account else "",
            remittance=text,
            is_reversal=head.is_reversal,
            is_charge=kind in ("CHRG", "FEES", "COMM"),
            is_pending=head.is_pending,
            batch_id=_batch_id(element, detail, space) if minor > 0 and not end_to_end else "",
            return_code=text_of_element(detail, space, "RtrInf/Rsn/Cd")
            if minor < 0 and detail is not None
            else "",
            charges_minor=_charges_minor(element, [detail], space) if minor < 0 and detail is not None else 0,
        )


def _batch_id(element: etree._Element, detail: etree._Element | None, space: str) -> str:
    """What the creditor called the batch that is booked as one sum."""
    named = text_of_element(element, space, "NtryDtls/Btch/PmtInfId")
    return named or (text_of_element(detail, space, "Refs/PmtInfId") if detail is not None else "")


def _detail_minor(detail: etree._Element, head: _Head, space: str) -> int | None:
    """Signed amount of one detail in the entry's currency, None when the bank does not give it."""
    for path in ("Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/InstdAmt/Amt"):
        amount = detail.find(path_of(space, path))
        if amount is not None and amount.get("Ccy", head.currency) == head.currency:
            minor = minor_of((amount.text or "").strip())
            if minor is not None:
                return minor * _SIGNS.get(text_of_element(detail, space, "CdtDbtInd"), head.sign)
    return None


def _charges_minor(element: etree._Element, details: list[etree._Element], space: str) -> int:
    total = 0
    for owner in (element, *details):
        for path in ("Chrgs/Rcrd/Amt", "Chrgs/Amt"):
            for amount in owner.iterfind(path_of(space, path)):
                total += minor_of((amount.text or "").strip()) or 0
    return total
