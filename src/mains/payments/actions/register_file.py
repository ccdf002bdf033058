"""Read a register file whole: its payments, and every fault in it. Pure: bytes in, rows and faults out."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from mains.payments.actions.mapping import RegisterMapping
from mains.payments.actions.register_tables import read_table
from mains.payments.values import Fault

MAX_BYTES = 64 * 1024 * 1024
MAX_LINE = 4_000
MAX_REFERENCE = 60
MAX_ACCOUNT = 40
MAX_PAYER = 200
MAX_AMOUNT_MINOR = 10**12
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_BYTE_ORDER_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
_DATE_PARTS = {
    "%Y": (r"(?P<year>[0-9]{4})", "YYYY"),
    "%m": (r"(?P<month>[0-9]{2})", "MM"),
    "%d": (r"(?P<day>[0-9]{2})", "DD"),
}


@dataclass(frozen=True, kw_only=True)
class RegisterRow:
    """One payment. `account_number` is cleaned as the mapping says; `amount_minor` is more than zero."""

    line: int
    account_number: str
    paid_on: date
    amount_minor: int
    reference: str
    payer: str


@dataclass(kw_only=True)
class RegisterFile:
    """What was read. Rows count only when there is no fault."""

    rows: list[RegisterRow] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def note(self, code: str, line: int = 0, name: str = "", **params: str | int) -> None:
        """Add a fault; `name` is the field."""
        self.faults.append(Fault(code=code, line=line, field=name, params=params))

    @property
    def total_minor(self) -> int:
        return sum(row.amount_minor for row in self.rows)


def read_register(content: bytes, *, mapping: RegisterMapping, today: date) -> RegisterFile:
    """Parse a register by its mapping; all faults are collected, none is raised."""
    if mapping.layout in ("dbf", "xlsx"):
        return _read_table(content, mapping=mapping, today=today)
    text, fault = _decode(content, mapping)
    if fault:
        return RegisterFile(faults=[fault])
    lines = [(number, line.rstrip("\r")) for number, line in enumerate(text.split("\n"), start=1)]
    lines = [(number, line) for number, line in lines if line.strip()]
    found = RegisterFile()
    positions: dict[str, int] | None = _positions_without_header(mapping)
    width = 0
    if mapping.has_header:
        positions, width = _read_header(lines[:1], mapping, found)
        lines = lines[1:]
        if positions is None:
            return found
    body, trailer = _split_trailer(lines, mapping, found)
    assert positions is not None
    parser = _RowParser(mapping=mapping, positions=positions, width=width, today=today, found=found)
    for number, fields in _fields(body, mapping, found):
        parser.read(number, fields)
    if trailer:
        _check_trailer(*trailer, mapping=mapping, found=found, line_count=len(body))
    if not body and not found.faults:
        found.note("file-empty")
    found.faults.sort(key=lambda fault: fault.line)
    return found


def _read_table(content: bytes, *, mapping: RegisterMapping, today: date) -> RegisterFile:
    if len(content) > MAX_BYTES:
        return RegisterFile(
            faults=[Fault(code="file-too-large", params={"limit_mib": MAX_BYTES // 1024 // 1024})]
        )
    table = read_table(content, mapping=mapping)
    found = RegisterFile(faults=table.faults)
    if table.faults:
        return found
    positions = _positions_of(table.names, mapping, found)
    if positions is None:
        return found
    parser = _RowParser(
        mapping=mapping, positions=positions, width=len(table.names), today=today, found=found
    )
    for number, fields in table.rows:
        parser.read(number, fields)
    if not table.rows:
        found.note("file-empty")
    return found


def parse_amount(text: str, *, mapping: RegisterMapping) -> int | None:
    """Minor units of an amount with at most two decimals, possibly negative; None when it is none."""
    digits = text.removeprefix("-")
    whole, separator, decimals = digits.partition(mapping.decimal_separator)
    if mapping.group_separator and mapping.group_separator in whole:
        groups = whole.split(mapping.group_separator)
        if not 1 <= len(groups[0]) <= 3 or any(len(group) != 3 for group in groups[1:]):
            return None
        whole = "".join(groups)
    is_number = whole.isascii() and whole.isdigit() and len(whole) <= 18
    if not is_number or (separator and not re.fullmatch(r"[0-9]{1,2}", decimals)):
        return None
    amount_minor = int(whole) * 100 + int(decimals.ljust(2, "0"))
    return -amount_minor if text.startswith("-") else amount_minor


def parse_date(text: str, *, form: str) -> date | None:
    """The day that `text` names in exactly the mapping's form, such as `%d.%m.%Y`; None when there is
    none.
    """
    match = re.fullmatch(_replaced(form.replace(".", r"\."), 0), text)
    try:
        return date(int(match["year"]), int(match["month"]), int(match["day"])) if match else None
    except ValueError:
        return None


def format_amount(amount_minor: int, *, mapping: RegisterMapping) -> str:
    """An amount as the mapping writes it, without groups."""
    whole, decimals = divmod(amount_minor, 100)
    return f"{whole}{mapping.decimal_separator}{decimals:02d}"


def _replaced(form: str, which: int) -> str:
    for code, meanings in _DATE_PARTS.items():
        form = form.replace(code, meanings[which])
    return form


def _decode(content: bytes, mapping: RegisterMapping) -> tuple[str, Fault | None]:
    if len(content) > MAX_BYTES:
        return "", Fault(code="file-too-large", params={"limit_mib": MAX_BYTES // 1024 // 1024})
    if not content.strip():
        return "", Fault(code="file-empty")
    expected = mapping.encoding
    for mark, name in _BYTE_ORDER_MARKS.items():
        if content.startswith(mark) and not expected.lower().startswith("utf-16"):
            return "", _encoding_fault(expected, line=1, column=1, seems=name)
    if b"\x00" in content and not expected.lower().startswith("utf-16"):
        return "", Fault(code="file-binary", line=content[: content.index(b"\x00")].count(b"\n") + 1)
    is_unicode = expected.lower().replace("_", "-").startswith("utf")
    if not is_unicode and not content.isascii() and _is_utf8(content):
        # Any bytes are text in a one-byte encoding; only this tells that names would be garbled.
        start = next(position for position, byte in enumerate(content) if byte > 127)
        return "", _encoding_fault(expected, *_line_and_column(content, start), seems="UTF-8")
    try:
        return content.decode("utf-8-sig" if expected.lower() in ("utf-8", "utf8") else expected), None
    except UnicodeDecodeError as error:
        return "", _encoding_fault(expected, *_line_and_column(content, error.start), seems="")


def _encoding_fault(expected: str, line: int, column: int, *, seems: str) -> Fault:
    hint = f"({seems}?)" if seems else ""
    return Fault(
        code="file-encoding", line=line, params={"expected": expected, "column": column, "hint": hint}
    )


def _line_and_column(content: bytes, position: int) -> tuple[int, int]:
    before = content[:position]
    return before.count(b"\n") + 1, position - before.rfind(b"\n")


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _positions_without_header(mapping: RegisterMapping) -> dict[str, int] | None:
    if mapping.has_header:
        return None
    if mapping.layout == "fixed":
        return {name: position for position, name in enumerate(mapping.columns)}
    return {name: column - 1 for name, column in mapping.columns.items() if isinstance(column, int)}


def _read_header(
    lines: Sequence[tuple[int, str]], mapping: RegisterMapping, found: RegisterFile
) -> tuple[dict[str, int] | None, int]:
    """Position of each field, and the number of columns; None when the header is at fault."""
    names = [name.strip() for name in lines[0][1].split(mapping.delimiter)] if lines else []
    names = [name.removeprefix('"').removesuffix('"') for name in names]
    return _positions_of(names, mapping, found), len(names)


def _positions_of(
    written: Sequence[str], mapping: RegisterMapping, found: RegisterFile
) -> dict[str, int] | None:
    """Position of each field among the names of columns; None when they are at fault."""
    names = [name.strip().casefold() for name in written]
    wanted = {name: str(column).casefold() for name, column in mapping.columns.items()}
    if not set(names) & set(wanted.values()):
        columns = ", ".join(map(str, mapping.columns.values()))
        found.note("header-missing", 1, columns=columns)
        return None
    for name, column in wanted.items():
        times = names.count(column)
        if times != 1:
            found.note("header-column", 1, name, column=str(mapping.columns[name]), times=times)
    if found.faults:
        return None
    return {name: names.index(column) for name, column in wanted.items()}


def _split_trailer(
    lines: Sequence[tuple[int, str]], mapping: RegisterMapping, found: RegisterFile
) -> tuple[Sequence[tuple[int, str]], tuple[int, str] | None]:
    """Lines of payments, and the control line if the mapping has one."""
    trailer = mapping.trailer
    if trailer is None:
        return lines, None
    for index, (number, line) in enumerate(lines):
        if _begins_trailer(line, trailer.marker, mapping):
            if index + 1 < len(lines):
                found.note("file-after-trailer", lines[index + 1][0])
            return lines[:index], (number, line)
    last = lines[-1][0] if lines else 1
    found.note("file-cut-short", last, marker=trailer.marker)
    return lines, None


def _begins_trailer(line: str, marker: str, mapping: RegisterMapping) -> bool:
    if mapping.layout == "fixed":
        return line.startswith(marker)
    return line.split(mapping.delimiter, 1)[0].strip().strip('"') == marker


def _fields(
    lines: Sequence[tuple[int, str]], mapping: RegisterMapping, found: RegisterFile
) -> Iterator[tuple[int, list[str]]]:
    for number, line in lines:
        if len(line) > MAX_LINE:
            found.note("line-too-long", number, length=len(line), limit=MAX_LINE)
            continue
        if mapping.layout == "fixed":
            yield number, [_cut(line, column) for column in mapping.columns.values()]
            continue
        try:
            yield number, next(csv.reader([line], delimiter=mapping.delimiter, strict=True))
        except csv.Error:
            found.note("line-quotes", number)


def _cut(line: str, column: object) -> str:
    """The characters of a field of fixed width; empty where the line ends before it."""
    assert isinstance(column, tuple)
    return line[column[0] - 1 : column[1]].strip()


def _trailer_text(line: str, place: int | tuple[int, int], mapping: RegisterMapping) -> str:
    if isinstance(place, tuple):
        return _cut(line, place)
    fields = [text.strip().strip('"') for text in line.split(mapping.delimiter)]
    return fields[place - 1] if len(fields) >= place else ""


def _check_trailer(
    number: int, line: str, *, mapping: RegisterMapping, found: RegisterFile, line_count: int
) -> None:
    assert mapping.trailer is not None
    count = _trailer_text(line, mapping.trailer.count, mapping)
    total = _trailer_text(line, mapping.trailer.total, mapping)
    total_minor = parse_amount(total, mapping=mapping)
    if not re.fullmatch(r"[0-9]{1,9}", count) or total_minor is None:
        found.note("trailer-invalid", number)
        return
    if int(count) != line_count:
        found.note("trailer-count", number, "count", stated=int(count), found=line_count)
    # With a broken line the sum cannot agree, and saying so would only hide the cause.
    if len(found.rows) == line_count and total_minor != found.total_minor:
        summed = format_amount(found.total_minor, mapping=mapping)
        found.note("trailer-total", number, "total", stated=total, found=summed)


@dataclass(kw_only=True)
class _RowParser:
    """Reads lines of payments; remembers the references it has seen."""

    mapping: RegisterMapping
    positions: dict[str, int]
    width: int
    today: date
    found: RegisterFile
    line_of_reference: dict[str, int] = field(default_factory=dict)

    def read(self, line: int, fields: list[str]) -> None:
        """Append the row of a line, or all of the line's faults."""
        # Without a header the first line tells the width: a delimiter too many would shift the fields after
        # it.
        self.width = self.width or max(len(fields), *(position + 1 for position in self.positions.values()))
        if len(fields) != self.width:
            self.found.note("line-fields", line, found=len(fields), expected=self.width)
            return
        texts = {name: fields[position].strip() for name, position in self.positions.items()}
        faults_before = len(self.found.faults)
        self._check_texts(line, texts)
        amount_minor = self._amount(line, texts["amount"])
        paid_on = self._date(line, texts["paid_on"])
        self._check_reference(line, texts["reference"])
        if len(self.found.faults) == faults_before:
            assert amount_minor is not None
            assert paid_on is not None
            self.found.rows.append(
                RegisterRow(
                    line=line,
                    account_number=self._account_number(texts["account"]),
                    paid_on=paid_on,
                    amount_minor=amount_minor,
                    reference=texts["reference"],
                    payer=texts.get("payer", ""),
                )
            )

    def _check_texts(self, line: int, texts: dict[str, str]) -> None:
        for name, limit in (("account", MAX_ACCOUNT), ("payer", MAX_PAYER)):
            text = texts.get(name, "")
            if len(text) > limit:
                self.found.note("text-too-long", line, name, length=len(text), limit=limit)
        for name, text in texts.items():
            if _CONTROL.search(text):
                self.found.note("text-control", line, name)

    def _amount(self, line: int, text: str) -> int | None:
        amount_minor = parse_amount(text, mapping=self.mapping)
        if amount_minor is None:
            self.found.note(
                "amount-invalid", line, "amount", value=text[:40], separator=self.mapping.decimal_separator
            )
        elif amount_minor <= 0:
            self.found.note("amount-not-positive", line, "amount", value=text)
        elif amount_minor > MAX_AMOUNT_MINOR:
            self.found.note("amount-too-large", line, "amount", value=text)
        return amount_minor

    def _date(self, line: int, text: str) -> date | None:
        paid_on = parse_date(text, form=self.mapping.date_format)
        if paid_on is None:
            form = _replaced(self.mapping.date_format, 1)
            self.found.note("date-invalid", line, "paid_on", value=text[:40], form=form)
        elif paid_on > self.today:
            self.found.note(
                "date-in-future",
                line,
                "paid_on",
                value=text,
                today=self.today.strftime(self.mapping.date_format),
            )
        return paid_on

    def _check_reference(self, line: int, text: str) -> None:
        if not text:
            self.found.note("reference-missing", line, "reference")
        elif len(text) > MAX_REFERENCE:
            self.found.note("reference-too-long", line, "reference", length=len(text), limit=MAX_REFERENCE)
        elif text in self.line_of_reference:
            self.found.note(
                "reference-twice", line, "reference", value=text, first_line=self.line_of_reference[text]
            )
        else:
            self.line_of_reference[text] = line

    def _account_number(self, text: str) -> str:
        return text.translate({ord(character): None for character in self.mapping.account_drop})
