"""Registers as tables: dBase files and sheets of a workbook, read to the texts of their cells.

Written here because what is at hand turns amounts into floats, skips broken records, or is no longer looked
after. Sources: dBase III/IV file structure; ECMA-376 part 1 (SpreadsheetML). Of a workbook only the first sheet
is read, from the stored text of its cells; formulas count by their stored value.
"""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import IO

from lxml import etree

from mains.payments.actions.mapping import RegisterMapping
from mains.payments.values import Fault

MAX_UNPACKED = 512 * 1024 * 1024
MAX_COLUMNS = 500
_DBF_VERSIONS = (0x02, 0x03, 0x04, 0x05, 0x30, 0x31, 0x83, 0x8B)
_DELETED, _END = 0x2A, 0x1A
_SPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_CELL = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
# What a damaged archive or sheet makes its readers raise.
_DAMAGE = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, etree.XMLSyntaxError, ValueError, KeyError, IndexError,
    NotImplementedError, EOFError, RuntimeError, OSError,
)  # fmt: skip
# Day 60 of the calendar of 1900 is 29 February 1900, which never was: days count from here after it.
_EPOCH = date(1899, 12, 30)


@dataclass(kw_only=True)
class Table:
    """Names of the columns, and lines of texts with their number in the file; or faults."""

    names: list[str] = field(default_factory=list)
    rows: list[tuple[int, list[str]]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def read_table(content: bytes, *, mapping: RegisterMapping) -> Table:
    """The cells of a file whose mapping has the layout `dbf` or `xlsx`; all faults are collected."""
    if mapping.layout == "dbf":
        return _read_dbf(content, encoding=mapping.encoding)
    return _read_xlsx(content, mapping=mapping)


def _fault(code: str, line: int = 0, **params: str | int) -> Fault:
    return Fault(code=code, line=line, params=params)


def _read_dbf(content: bytes, *, encoding: str) -> Table:
    if len(content) < 65 or content[0] not in _DBF_VERSIONS:
        return Table(faults=[_fault("table-invalid", what="dBase")])
    stated, head_length, record_length = struct.unpack_from("<IHH", content, 4)
    fields = _dbf_fields(content, head_length)
    if not fields or record_length != 1 + sum(width for _, width in fields):
        return Table(faults=[_fault("table-invalid", what="dBase")])
    body = content[head_length:]
    found = len(body) // record_length
    if found < stated:
        return Table(faults=[_fault("table-count", stated=stated, found=found)])
    rest = body[stated * record_length :]
    if rest and (rest[0] != _END or len(rest.strip(b"\x1a\x00")) > 0):
        return Table(faults=[_fault("table-count", stated=stated, found=found)])
    table = Table(names=[name for name, _ in fields])
    for number in range(stated):
        record = body[number * record_length : (number + 1) * record_length]
        if record[0] == _DELETED:
            continue
        try:
            table.rows.append((number + 1, list(_dbf_texts(record, fields, encoding))))
        except UnicodeDecodeError as error:
            params: dict[str, str | int] = {"expected": encoding, "column": error.start + 1, "hint": ""}
            table.faults.append(Fault(code="file-encoding", line=number + 1, params=params))
    return table


def _dbf_fields(content: bytes, head_length: int) -> list[tuple[str, int]]:
    """Name and width of each field; empty when the head is cut."""
    fields = []
    position = 32
    while position + 32 <= min(head_length, len(content)) and content[position] != 0x0D:
        name = content[position : position + 11].split(b"\x00")[0]
        fields.append((name.decode("ascii", "replace").strip(), content[position + 16]))
        position += 32
    return fields if position < len(content) and head_length <= len(content) else []


def _dbf_texts(record: bytes, fields: list[tuple[str, int]], encoding: str) -> Iterator[str]:
    position = 1
    for _, width in fields:
        yield record[position : position + width].decode(encoding).strip(" \x00")
        position += width


def _read_xlsx(content: bytes, *, mapping: RegisterMapping) -> Table:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(member.file_size for member in archive.infolist()) > MAX_UNPACKED:
                return Table(faults=[_fault("file-too-large", limit_mib=MAX_UNPACKED // 1024 // 1024)])
            shared = _shared_texts(archive)
            sheets = sorted(
                (
                    name
                    for name in archive.namelist()
                    if re.fullmatch(r"xl/worksheets/sheet[0-9]+\.xml", name)
                ),
                key=lambda name: (len(name), name),
            )
            if not sheets:
                return Table(faults=[_fault("table-invalid", what="xlsx")])
            with archive.open(sheets[0]) as sheet:
                lines = list(_sheet_lines(sheet, shared))
    except _DAMAGE as error:
        return Table(faults=[_fault("table-broken", what=str(error)[:100] or type(error).__name__)])
    lines = [(number, cells) for number, cells in lines if any(cells.values())]
    if not lines:
        return Table(faults=[_fault("file-empty")])
    width = min(max(lines[0][1], default=-1) + 1, MAX_COLUMNS)
    table = Table(names=[lines[0][1].get(column, "") for column in range(width)])
    days = {position for position, name in enumerate(table.names) if _is_column(name, mapping, "paid_on")}
    amounts = {position for position, name in enumerate(table.names) if _is_column(name, mapping, "amount")}
    for number, cells in lines[1:]:
        texts = [cells.get(column, "") for column in range(width)]
        for position in days:
            texts[position] = _day_text(texts[position], mapping)
        for position in amounts:
            texts[position] = texts[position].replace(".", mapping.decimal_separator)
        table.rows.append((number, texts))
    return table


def _is_column(name: str, mapping: RegisterMapping, wanted: str) -> bool:
    return name.casefold() == str(mapping.columns[wanted]).casefold()


def _day_text(text: str, mapping: RegisterMapping) -> str:
    """A day is stored as a number of days; what is written as a text stays."""
    if re.fullmatch(r"[0-9]{5}(\.[0-9]+)?", text):
        return (_EPOCH + timedelta(days=int(text.partition(".")[0]))).strftime(mapping.date_format)
    return text


def _shared_texts(archive: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in archive.namelist():
        return []
    with archive.open("xl/sharedStrings.xml") as member:
        return [_inner_text(element) for _, element in _elements(member, "si")]


def _elements(member: IO[bytes], *names: str) -> Iterator[tuple[str, etree._Element]]:
    tags = tuple(_SPACE + name for name in names)
    for event, element in etree.iterparse(
        member, tag=tags, resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False
    ):
        yield event, element
        element.clear(keep_tail=False)


def _inner_text(element: etree._Element) -> str:
    # Phonetic runs (rPh) are how a text is spoken, not what it says.
    texts = element.iterfind(f".//{_SPACE}t")
    return "".join(text.text or "" for text in texts if not _is_phonetic(text))


def _is_phonetic(text: etree._Element) -> bool:
    parent = text.getparent()
    return parent is not None and parent.tag == f"{_SPACE}rPh"


def _sheet_lines(member: IO[bytes], shared: list[str]) -> Iterator[tuple[int, dict[int, str]]]:
    for count, (_, row) in enumerate(_elements(member, "row"), start=1):
        number = int(row.get("r", count))
        yield (
            number,
            {
                column: text
                for place, cell in enumerate(row.iterfind(f"{_SPACE}c"))
                for column, text in [(_column_of(cell.get("r", ""), place), _cell_text(cell, shared))]
            },
        )


def _column_of(reference: str, place: int) -> int:
    match = _CELL.fullmatch(reference)
    if match is None:
        return place
    column = 0
    for letter in match[1]:
        column = column * 26 + ord(letter) - ord("A") + 1
    return column - 1


def _cell_text(cell: etree._Element, shared: list[str]) -> str:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return _inner_text(cell).strip()
    value = (cell.findtext(f"{_SPACE}v") or "").strip()
    return shared[int(value)].strip() if kind == "s" and value else value
