"""1CClientBankExchange 1.01 to 1.03: the text that Russian bank programs exchange with 1C.

Source: 1C, „Стандарт обмена с системами Клиент банка“. Lines of `key=value`; balances in `СекцияРасчСчет`,
documents of both directions in `СекцияДокумент`. Whose account a document touches tells its direction.
"""

import re
from datetime import date

from mains.integrations.bank_files.client_bank_documents import document_lines, minor_of_document
from mains.integrations.bank_files.client_bank_sections import Section, read_sections
from mains.integrations.bank_files.numbers import currency_of_number, day_of
from mains.payments.values import BankFileRead, BankStatementRead
from mains.payments.values.bank_lines import amount_text

_VERSIONS = ("1.00", "1.01", "1.02", "1.03")
_KEY = "Кодировка="
_ENCODINGS = {"windows": "cp1251", "win": "cp1251", "cp1251": "cp1251", "windows-1251": "cp1251",
              "dos": "cp866", "cp866": "cp866", "utf-8": "utf-8", "utf8": "utf-8"}  # fmt: skip
_DATE = re.compile(r"([0-9]{2})\.([0-9]{2})\.([0-9]{4})")


def read_client_bank(content: bytes) -> BankFileRead:
    """Read the file; all faults are collected."""
    found = BankFileRead(form="1C")
    text = _decode(content, found)
    sections = read_sections(text, found) if text else []
    if found.faults or not sections:
        return found
    head, *others = sections
    version = head.get("ВерсияФормата")
    if version not in _VERSIONS:
        found.note("version-unknown", head.line_of("ВерсияФормата"), "ВерсияФормата", value=version[:20])
        return found
    accounts = [section for section in others if section.name == "СекцияРасчСчет"]
    documents = [section for section in others if section.name == "СекцияДокумент"]
    found.statements = [_statement(section, found) for section in accounts]
    if not accounts:
        found.statements = _without_balances(head)
    _read_documents(documents, found)
    if not found.faults:
        for section, statement in zip(accounts, found.statements, strict=False):
            _check_turnover(section, statement, found)
    return found


def day_of_text(text: str) -> date | None:
    match = _DATE.fullmatch(text.strip())
    return day_of(match[3], match[2], match[1]) if match else None


def _decode(content: bytes, found: BankFileRead) -> str:
    body = content.removeprefix(b"\xef\xbb\xbf")
    written = next((name for name in ("utf-8", "cp1251", "cp866") if _KEY.encode(name) in body), "")
    if not written:
        found.note("part-missing", 1, "Кодировка", name="Кодировка")
        return ""
    value = body[body.index(_KEY.encode(written)) + len(_KEY.encode(written)) :].split(b"\n", 1)[0]
    stated = value.strip().decode("ascii", "replace")
    expected = _ENCODINGS.get(stated.lower(), "")
    line = body[: body.index(_KEY.encode(written))].count(b"\n") + 1
    if expected != written:
        found.note("encoding-line", line, "Кодировка", expected=stated[:40], seems=written)
        return ""
    try:
        return body.decode(written)
    except UnicodeDecodeError as error:
        before = body[: error.start]
        found.note(
            "file-encoding", before.count(b"\n") + 1, expected=written,
            column=error.start - before.rfind(b"\n"), hint="",
        )  # fmt: skip
        return ""


def _statement(section: Section, found: BankFileRead) -> BankStatementRead:
    account = section.get("РасчСчет")
    read: dict[str, int | None] = {}
    for key in ("НачальныйОстаток", "КонечныйОстаток"):
        text = section.get(key)
        read[key] = minor_of_document(text, may_be_negative=True)
        if text and read[key] is None:
            found.note("amount-invalid", section.line_of(key), key, value=text[:40], separator=".")
    days: dict[str, date | None] = {}
    for key in ("ДатаНачала", "ДатаКонца"):
        text = section.get(key)
        days[key] = day_of_text(text)
        if text and days[key] is None:
            found.note("date-invalid", section.line_of(key), key, value=text[:40], form="DD.MM.YYYY")
    first, last = section.get("ДатаНачала"), section.get("ДатаКонца")
    return BankStatementRead(
        number=f"{first}–{last}" if first else "",
        account=account,
        currency=currency_of_number(account),
        line=section.line,
        opened_on=days["ДатаНачала"],
        closed_on=days["ДатаКонца"] or days["ДатаНачала"],
        opening_minor=read["НачальныйОстаток"],
        closing_minor=read["КонечныйОстаток"],
    )


def _without_balances(head: Section) -> list[BankStatementRead]:
    """A file without sections of accounts says in its head whose it is; it brings no balances."""
    account = head.get("РасчСчет")
    if not account:
        return []
    return [
        BankStatementRead(
            number="", account=account, currency=currency_of_number(account), line=1, is_advice=True
        )
    ]


def _read_documents(documents: list[Section], found: BankFileRead) -> None:
    for count, section in enumerate(documents, start=1):
        touched = document_lines(section, count, found)
        if touched is None:
            continue
        payer, payee = (
            section.get("ПлательщикСчет", "ПлательщикРасчСчет"),
            section.get("ПолучательСчет", "ПолучательРасчСчет"),
        )
        matched = False
        for account, line in touched:
            statement = _statement_of(found, account, line.booked_on)
            if statement is not None:
                statement.lines.append(line)
                matched = True
        if not matched:
            found.note("document-foreign", section.line, payer=payer or "—", payee=payee or "—")


def _statement_of(found: BankFileRead, account: str, day: date) -> BankStatementRead | None:
    own = [statement for statement in found.statements if statement.account == account]
    covering = [
        statement for statement in own if (statement.opened_on or day) <= day <= (statement.closed_on or day)
    ]
    return next(iter(covering or own), None)


def _check_turnover(section: Section, statement: BankStatementRead, found: BankFileRead) -> None:
    for key, sign in (("ВсегоПоступило", 1), ("ВсегоСписано", -1)):
        text = section.get(key)
        if not text:
            continue
        stated = minor_of_document(text)
        if stated is None:
            found.note("amount-invalid", section.line_of(key), key, value=text[:40], separator=".")
            continue
        total = sum(line.amount_minor * sign for line in statement.lines if line.amount_minor * sign > 0)
        if stated != total:
            found.note(
                "sum-differs", section.line_of(key), key, name=key, stated=amount_text(stated),
                found=amount_text(total),
            )  # fmt: skip
