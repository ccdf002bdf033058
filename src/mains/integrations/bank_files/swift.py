"""SWIFT MT940 (statement) and MT942 (interim report), bare or in their envelope, several messages a file.

Source: SWIFT Standards MT, category 9. Banks bend the format; what cannot be read is a fault, nothing is
skipped: a wrong line means a wrong balance.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from mains.integrations.bank_files.numbers import clean_account, currency_of_number
from mains.integrations.bank_files.swift_lines import balance_of, day_of_balance, minor_of_swift, read_entry
from mains.integrations.bank_files.swift_texts import with_text
from mains.payments.values import BankFileRead, BankLine, BankStatementRead
from mains.payments.values.bank_lines import amount_text

MAX_LINE = 4_000
_TAG = re.compile(r":([0-9]{2}[A-Z]?|NS|[A-Z]{2}):(.*)", re.DOTALL)
_BLOCK_4 = re.compile(r"^.*\{4:", re.DOTALL)
_KIND = re.compile(r"\{2:[IO](94[0-9])")
_SUM = re.compile(r"([0-9]{1,5})([A-Z]{3})([0-9]+,[0-9]*|[0-9]+)")
_SUM_SIGN = {"90D": -1, "90C": 1}
_INTERIM = {"34F", "13", "13D", "90D", "90C"}


@dataclass(slots=True)
class _Field:
    """A tag with its text, continuation lines joined by line feeds."""

    line: int
    tag: str
    text: str


@dataclass(kw_only=True)
class _Message:
    """Fields of one message. `is_closed` says that its end was seen."""

    line: int
    kind: str = ""
    fields: list[_Field] = field(default_factory=list)

    def first(self, *tags: str) -> _Field | None:
        return next((one for one in self.fields if one.tag in tags), None)


def read_swift(content: bytes) -> BankFileRead:
    """Read every message of the file; all faults are collected."""
    found = BankFileRead(form="MT940")
    if b"\x00" in content:
        found.note("file-binary", content[: content.index(b"\x00")].count(b"\n") + 1)
        return found
    text = _decode(content)
    if text.rstrip().count("{4:") > len(re.findall(r"-\s*\}", text)):
        found.note("file-cut-short", text.count("\n") + 1, marker="-}")
        return found
    for message in _messages(text, found):
        _read_message(message, found)
    _check_pages(found)
    return found


def _decode(content: bytes) -> str:
    """SWIFT's own characters are ASCII; what banks add is UTF-8 or the Latin of their country."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _messages(text: str, found: BankFileRead) -> Iterator[_Message]:
    message: _Message | None = None
    kind = ""
    for number, raw in enumerate(re.split(r"\r\n|\r|\n", text), start=1):
        line = raw.rstrip()
        if len(line) > MAX_LINE:
            found.note("line-too-long", number, length=len(line), limit=MAX_LINE)
            return
        if "{4:" in line:
            head = _KIND.search(line)
            kind = head[1] if head else kind
            line = _BLOCK_4.sub("", line)
        is_end = line in ("-", "-}") or line.startswith("-}")
        tag = _TAG.fullmatch(line.lstrip()) if line.lstrip().startswith(":") else None
        if tag and tag[1] == "20":
            if message:
                yield message
            message = _Message(line=number, kind=kind)
        if is_end:
            if message:
                yield message
            message = None
        elif tag and message is None:
            found.note("part-outside", number, f":{tag[1]}:", name=f":{tag[1]}:")
        elif tag and message is not None:
            message.fields.append(_Field(number, tag[1], tag[2]))
        elif message is not None and message.fields and line:
            message.fields[-1].text += "\n" + line
    if message:
        yield message


def _read_message(message: _Message, found: BankFileRead) -> None:
    account = message.first("25", "25P")
    opening, closing = message.first("60F", "60M"), message.first("62F", "62M")
    is_interim = message.kind == "942" or (opening is None and message.first(*_INTERIM) is not None)
    if is_interim:
        found.form = "MT942"
    number = message.first("28C", "28")
    statement = BankStatementRead(
        number=number.text.strip()[:60] if number else "",
        account="",
        currency="",
        line=message.line,
        is_advice=is_interim,
    )
    if account:
        statement.account, statement.currency = clean_account(account.text.split("\n")[0])
        statement.account = statement.account.removeprefix("/")
    if not is_interim:
        _read_balances(statement, opening, closing, message, found)
    elif limit := message.first("34F"):
        statement.currency = statement.currency or limit.text[:3]
    statement.currency = statement.currency or currency_of_number(statement.account)
    faults_before = len(found.faults)
    statement.lines = _lines(message, statement, found)
    if len(found.faults) == faults_before:
        _check_sums(message, statement, found)
    found.statements.append(statement)


def _read_balances(
    statement: BankStatementRead,
    opening: _Field | None,
    closing: _Field | None,
    message: _Message,
    found: BankFileRead,
) -> None:
    for one, name in ((opening, ":60F:"), (closing, ":62F:")):
        if one is None:
            found.note("part-missing", message.fields[-1].line, name, name=name)
            continue
        read = balance_of(one.text)
        if read is None:
            found.note("part-invalid", one.line, f":{one.tag}:", value=one.text[:40], name=f":{one.tag}:")
            continue
        day, currency, minor = read
        if statement.currency and currency != statement.currency:
            found.note(
                "currency-differs", one.line, f":{one.tag}:", found=currency, expected=statement.currency
            )
        statement.currency = statement.currency or currency
        if one is opening:
            statement.opened_on, statement.opening_minor = day, minor
        else:
            statement.closed_on, statement.closing_minor = day, minor
    if (available := message.first("64")) and (read := balance_of(available.text)):
        statement.available_minor = read[2]


def _lines(message: _Message, statement: BankStatementRead, found: BankFileRead) -> list[BankLine]:
    lines: list[BankLine] = []
    entry: BankLine | None = None
    text: list[str] = []
    closes = statement.closed_on or day_of_balance(message.first("60F", "60M", "62F", "62M"))

    def finish() -> None:
        if entry is not None:
            lines.append(with_text(entry, "\n".join(text)))

    for one in message.fields:
        if one.tag == "61":
            finish()
            text = []
            entry, fault = read_entry(
                one.text,
                line=one.line,
                entry=len(lines) + 1,
                currency=statement.currency,
                near=closes,
            )
            if fault:
                code, params = fault
                found.note(code, one.line, ":61:", **params)
        elif one.tag == "86" and entry is not None:
            text.append(one.text)
        elif one.tag not in ("86", "NS"):
            finish()
            entry, text = None, []
    finish()
    return lines


def _check_sums(message: _Message, statement: BankStatementRead, found: BankFileRead) -> None:
    """`:90D:` and `:90C:` of an interim report: number and sum of debits and of credits."""
    for one in message.fields:
        sign = _SUM_SIGN.get(one.tag)
        if sign is None:
            continue
        name = f":{one.tag}:"
        match = _SUM.fullmatch(one.text.strip())
        stated = minor_of_swift(match[3]) if match else None
        if match is None or stated is None:
            found.note("part-invalid", one.line, name, value=one.text[:40], name=name)
            continue
        amounts = [line.amount_minor * sign for line in statement.lines if line.amount_minor * sign > 0]
        if int(match[1]) != len(amounts):
            found.note("count-differs", one.line, name, name=name, stated=match[1], found=len(amounts))
        if stated != sum(amounts):
            found.note(
                "sum-differs", one.line, name, name=name, stated=amount_text(stated),
                found=amount_text(sum(amounts)),
            )  # fmt: skip


def _check_pages(found: BankFileRead) -> None:
    """Pages of one statement (`00012/001`, `00012/002`) follow each other without a gap."""
    last: dict[tuple[str, str], tuple[date | None, int | None]] = {}
    for statement in found.statements:
        name, slash, page = statement.number.partition("/")
        key = (statement.account, name)
        before = last.get(key)
        if slash and page.strip("0") not in ("", "1") and before and before[1] is not None:
            closing, opening = before[1], statement.opening_minor
            if opening is not None and closing != opening:
                found.note(
                    "pages-differ", statement.line, ":60M:", closing=amount_text(closing),
                    opening=amount_text(opening),
                )  # fmt: skip
        last[key] = (statement.closed_on, statement.closing_minor)
