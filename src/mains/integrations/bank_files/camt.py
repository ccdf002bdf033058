"""ISO 20022 camt.052, camt.053 and camt.054, every version: read by local names, entry by entry.

Source: ISO 20022 Message Definition Report, Bank-to-Customer Cash Management. The indicator beside an amount
tells its sign; `TxsSummry` counts and sums all entries, booked or not; only booked ones move the balance.
"""

import io
import re
from dataclasses import dataclass, field
from functools import cache

from lxml import etree

from mains.integrations.bank_files.camt_entries import EntryReader, path_of, text_of_element
from mains.integrations.bank_files.numbers import clean_account, iso_day, minor_of
from mains.payments.values import BankFileRead, BankStatementRead, Fault
from mains.payments.values.bank_lines import amount_text

_MESSAGES = {
    "BkToCstmrStmt": "camt.053",
    "BkToCstmrAcctRpt": "camt.052",
    "BkToCstmrDbtCdtNtfctn": "camt.054",
}
_PARTS = {"Stmt", "Rpt", "Ntfctn"}
_ADVICES = {"Rpt", "Ntfctn"}
_SUMMARIES = (
    ("TtlNtries", "NbOfNtries", "Sum", 0),
    ("TtlCdtNtries", "NbOfNtries", "Sum", 1),
    ("TtlDbtNtries", "NbOfNtries", "Sum", -1),
)
_FORBIDDEN = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)


def read_camt(content: bytes) -> BankFileRead:
    """Read a message; all faults are collected. Document types and entities are refused unread."""
    found = BankFileRead(form="camt")
    if _declares_entities(content):
        found.note("xml-unsafe")
        return found
    reader = _Reader(found=found)
    try:
        # Limits of the library stay on: depth 256, 10 MB in one text, no network, no entities.
        for event, element in etree.iterparse(
            io.BytesIO(content),
            events=("start", "end"),
            tag=tuple(f"{{*}}{name}" for name in ("Ntry", *_PARTS, *_MESSAGES)),
            resolve_entities=False,
            load_dtd=False,
            no_network=True,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        ):
            reader.see(event, element)
    except etree.XMLSyntaxError as error:
        # A file cut short has counts and sums that differ too; saying so would only hide the cause.
        line = error.lineno or 0
        found.faults = [Fault(code="xml-broken", line=line, params={"what": str(error.msg)[:200]})]
        found.statements = []
        return found
    except (ValueError, LookupError) as error:
        found.faults = [Fault(code="xml-broken", params={"what": str(error)[:200]})]
        found.statements = []
        return found
    if not reader.message:
        found.note("xml-no-statement", name=_first_name(content))
    return found


def _declares_entities(content: bytes) -> bool:
    if _FORBIDDEN.search(content):
        return True
    # The same in an encoding of two or four bytes a character.
    return b"\x00" in content and _FORBIDDEN.search(content.replace(b"\x00", b"")) is not None


def _first_name(content: bytes) -> str:
    match = re.search(rb"<\s*([A-Za-z_][\w:.-]*)", content)
    return match[1].decode("ascii", "replace")[:60] if match else "—"


@cache
def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


@dataclass(kw_only=True)
class _Summary:
    """Counted and summed entries of a statement: all, credits, debits."""

    count: dict[int, int] = field(default_factory=lambda: {0: 0, 1: 0, -1: 0})
    minor: dict[int, int] = field(default_factory=lambda: {0: 0, 1: 0, -1: 0})

    def add(self, entry_minor: int, sign: int) -> None:
        for key in (0, sign):
            self.count[key] += 1
            self.minor[key] += abs(entry_minor)


@dataclass(kw_only=True)
class _Reader:
    """Follows the elements of one document; an entry is freed as soon as it is read."""

    found: BankFileRead
    message: str = ""
    statement: BankStatementRead | None = None
    entries: EntryReader | None = None
    summary: _Summary = field(default_factory=_Summary)
    faults_before: int = 0

    def see(self, event: str, element: etree._Element) -> None:
        name = _local(str(element.tag))
        if name in _MESSAGES:
            self.message = name
            self.found.form = _MESSAGES[name]
        elif event == "start" and name in _PARTS:
            self._open(element, name)
        elif event == "end" and name == "Ntry":
            self._entry(element)
        elif event == "end" and name in _PARTS and self.statement is not None:
            self._close(element)

    def _open(self, element: etree._Element, name: str) -> None:
        number = len(self.found.statements) + 1
        self.statement = BankStatementRead(
            number="", account="", currency="", line=element.sourceline or 0, is_advice=name in _ADVICES
        )
        self.entries = EntryReader(found=self.found, place=f"{name}[{number}]")
        self.summary = _Summary()
        self.faults_before = len(self.found.faults)

    def _entry(self, element: etree._Element) -> None:
        if self.statement is None or self.entries is None:
            self.found.note("part-outside", element.sourceline or 0, "Ntry", name="Ntry")
            return
        read = self.entries.read(element)
        if read is not None:
            lines, entry_minor, sign = read
            self.statement.lines.extend(lines)
            self.summary.add(entry_minor, sign)
        element.clear(keep_tail=False)

    def _close(self, element: etree._Element) -> None:
        statement, self.statement = self.statement, None
        assert statement is not None
        space = str(element.tag)[: -len(_local(str(element.tag)))]
        _read_head(statement, element, space)
        _read_balances(self.found, statement, element, space)
        self.found.statements.append(statement)
        # The sums of an entry that cannot be read cannot agree.
        if len(self.found.faults) == self.faults_before:
            self._check_summary(element, space)
        element.clear(keep_tail=False)

    def _check_summary(self, element: etree._Element, space: str) -> None:
        for part, count_name, sum_name, key in _SUMMARIES:
            stated = element.find(path_of(space, f"TxsSummry/{part}"))
            if stated is None:
                continue
            line, place = stated.sourceline or 0, f"TxsSummry/{part}"
            count = text_of_element(stated, space, count_name)
            if count and (
                not count.isascii() or not count.isdigit() or int(count[:15]) != self.summary.count[key]
            ):
                self.found.note(
                    "count-differs", line, place, name=f"{part}/{count_name}", stated=count[:40],
                    found=self.summary.count[key],
                )  # fmt: skip
            total = text_of_element(stated, space, sum_name)
            if total and minor_of(total) != self.summary.minor[key]:
                self.found.note(
                    "sum-differs", line, place, name=f"{part}/{sum_name}", stated=total[:40],
                    found=amount_text(self.summary.minor[key]),
                )  # fmt: skip


def _read_head(statement: BankStatementRead, element: etree._Element, space: str) -> None:
    number = text_of_element(element, space, "ElctrncSeqNb")
    identity = text_of_element(element, space, "Id")
    statement.number = (identity or number)[:60]
    account = text_of_element(element, space, "Acct/Id/IBAN") or text_of_element(
        element, space, "Acct/Id/Othr/Id"
    )
    # Before version 2 the other number had names of its own.
    account = account or text_of_element(element, space, "Acct/Id/PrtryAcct/Id")
    account = account or text_of_element(element, space, "Acct/Id/BBAN")
    statement.account, behind = clean_account(account)
    statement.currency = text_of_element(element, space, "Acct/Ccy") or behind
    if not statement.currency and statement.lines:
        statement.currency = statement.lines[0].currency


def _read_balances(
    found: BankFileRead, statement: BankStatementRead, element: etree._Element, space: str
) -> None:
    for balance in element.iterfind(path_of(space, "Bal")):
        code = text_of_element(balance, space, "Tp/CdOrPrtry/Cd")
        amount = balance.find(path_of(space, "Amt"))
        text = (amount.text or "").strip() if amount is not None else ""
        indicator = text_of_element(balance, space, "CdtDbtInd")
        minor, line = minor_of(text), balance.sourceline or 0
        if minor is None or indicator not in ("CRDT", "DBIT"):
            found.note("part-invalid", line, f"Bal {code}", value=f"{text} {indicator}"[:60], name="Bal/Amt")
            continue
        currency = amount.get("Ccy", "") if amount is not None else ""
        if statement.currency and currency and currency != statement.currency:
            continue
        statement.currency = statement.currency or currency
        signed = minor if indicator == "CRDT" else -minor
        day = iso_day(text_of_element(balance, space, "Dt/Dt") or text_of_element(balance, space, "Dt/DtTm"))
        if code in ("OPBD", "PRCD") and (statement.opening_minor is None or code == "OPBD"):
            statement.opening_minor, statement.opened_on = signed, day
        elif code == "CLBD":
            statement.closing_minor, statement.closed_on = signed, day
        elif code == "CLAV":
            statement.available_minor = signed
