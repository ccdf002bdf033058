"""Registers of fixed width, as dBase files and as workbooks, by the same mapping and with the same faults."""

import io
import random
import struct
import zipfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
import xlsxwriter

from mains.payments.actions.mapping import RegisterMapping, UnableToReadMapping, load_mapping
from mains.payments.actions.register_file import RegisterFile, read_register
from mains.payments.values import FAULT_TEXTS

TODAY = date(2021, 6, 7)
HEAD = """
code: lines
title: Lines
sender: post
encoding: {encoding}
decimal_separator: "."
group_separator: ""
date_format: "{date_format}"
account_number: {{drop: " ", pattern: "[0-9]+"}}
"""
FIXED = """
layout: fixed
header: false
columns: {account: [1, 12], paid_on: [13, 22], amount: [23, 32], reference: [33, 40], payer: [41, 60]}
trailer: {marker: "#", count: [2, 6], total: [7, 18]}
"""
NAMED = """
layout: %s
header: true
columns: {account: LS, paid_on: DATA, amount: SUMMA, reference: NOM, payer: FIO}
"""
ROWS = [
    ("0310000017", "2021-04-12", "1250.40", "R-1", "Иванова"),
    ("0310000027", "2021-04-13", "300.00", "R-2", ""),
]


def mapping(
    folder: Path, text: str, *, encoding: str = "cp866", date_format: str = "%Y-%m-%d"
) -> RegisterMapping:
    path = folder / "lines.yaml"
    path.write_text(HEAD.format(encoding=encoding, date_format=date_format) + text, encoding="utf-8")
    return load_mapping(str(path))


def amounts(found: RegisterFile) -> list[tuple[str, date, int, str, str]]:
    assert found.faults == []
    return [
        (row.account_number, row.paid_on, row.amount_minor, row.reference, row.payer) for row in found.rows
    ]


READ = [
    ("0310000017", date(2021, 4, 12), 125_040, "R-1", "Иванова"),
    ("0310000027", date(2021, 4, 13), 30_000, "R-2", ""),
]


def fixed(rows: Sequence[tuple[str, ...]] = ROWS, trailer: str = "#00002     1550.40") -> bytes:
    lines = [f"{row[0]:12}{row[1]:10}{row[2]:>10}{row[3]:8}{row[4]:20}" for row in rows]
    return ("\r\n".join([*lines, trailer]) + "\r\n").encode("cp866")


def dbf(
    rows: Sequence[tuple[str, ...]] = ROWS, *, encoding: str = "cp866", stated: int | None = None
) -> bytes:
    fields = [("LS", 12), ("DATA", 8), ("SUMMA", 12), ("NOM", 10), ("FIO", 20)]
    head = struct.pack("<BBBBIHH20x", 3, 121, 4, 13, len(rows) if stated is None else stated, 32 * 6 + 1, 63)
    columns = b"".join(struct.pack("<11sc4xBB14x", name.encode(), b"C", width, 0) for name, width in fields)
    records = b""
    for row in rows:
        texts = (row[0], row[1].replace("-", ""), f"{row[2]:>12}", row[3], row[4])
        records += b" " + b"".join(
            text.encode(encoding).ljust(width) for text, (_, width) in zip(texts, fields, strict=True)
        )
    return head + columns + b"\r" + records + b"\x1a"


def workbook(rows: Sequence[tuple[str, ...]] = ROWS) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["NOM", "LS", "DATA", "SUMMA", "FIO"])
        for number, (account, day, amount, reference, payer) in enumerate(rows, start=1):
            sheet.write_row(number, 0, [reference, account])
            sheet.write_datetime(
                number, 2, date.fromisoformat(day), book.add_format({"num_format": "d.m.yy"})
            )
            sheet.write_number(number, 3, float(amount))
            sheet.write_string(number, 4, payer)
    return out.getvalue()


def test_fixed_width_is_read_by_positions_with_its_control_line(tmp_path: Path) -> None:
    layout = mapping(tmp_path, FIXED)
    assert amounts(read_register(fixed(), mapping=layout, today=TODAY)) == READ
    for trailer, codes in (
        ("#00003     1550.40", ["trailer-count"]),
        ("#00002     1550.41", ["trailer-total"]),
        ("#", ["trailer-invalid"]),
        ("", ["amount-invalid", "date-invalid", "file-cut-short"]),
    ):
        found = read_register(fixed(trailer=trailer), mapping=layout, today=TODAY)
        assert {fault.code for fault in found.faults} <= {*codes, "file-cut-short"}
        assert found.faults


@pytest.mark.parametrize("encoding", ["cp866", "cp1251", "utf-8"])
def test_a_dbase_file_is_read_in_its_encoding(tmp_path: Path, encoding: str) -> None:
    layout = mapping(tmp_path, NAMED % "dbf", encoding=encoding, date_format="%Y%m%d")
    assert amounts(read_register(dbf(encoding=encoding), mapping=layout, today=TODAY)) == READ


def test_a_workbook_is_read_to_the_last_kopeck(tmp_path: Path) -> None:
    layout = mapping(tmp_path, NAMED % "xlsx", encoding="utf-8", date_format="%d.%m.%Y")
    assert amounts(read_register(workbook(), mapping=layout, today=TODAY)) == READ


@pytest.mark.parametrize(
    ("content", "codes"),
    [
        (dbf(stated=3), ["table-count"]),
        (dbf()[:-40], ["table-count"]),
        (dbf() + b"more", ["table-count"]),
        (dbf()[:50], ["table-invalid"]),
        (b"account,paid_on\n" * 9, ["table-invalid"]),
        (dbf([(*ROWS[0][:2], "-5.00", "R-1", "")]), ["amount-not-positive"]),
        (dbf([ROWS[0], ROWS[0]]), ["reference-twice"]),
        (dbf([(ROWS[0][0], "2021-07-01", "5.00", "R-1", "")]), ["date-in-future"]),
        (dbf([]), ["file-empty"]),
    ],
)
def test_faults_of_dbase_files(tmp_path: Path, content: bytes, codes: list[str]) -> None:
    layout = mapping(tmp_path, NAMED % "dbf", date_format="%Y%m%d")
    found = read_register(content, mapping=layout, today=TODAY)
    assert [fault.code for fault in found.faults] == codes


def test_faults_of_workbooks(tmp_path: Path) -> None:
    layout = mapping(tmp_path, NAMED % "xlsx", encoding="utf-8")
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "xl/worksheets/sheet1.xml",
            '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><worksheet>&b;</worksheet>',
        )
    for content, code in (
        (b"PK\x03\x04 not a workbook", "table-broken"),
        (workbook()[:-200], "table-broken"),
        (bomb.getvalue(), "file-empty"),
        (workbook([(*ROWS[0][:2], "0.001", "R-1", "")]), "amount-invalid"),
    ):
        found = read_register(content, mapping=layout, today=TODAY)
        assert [fault.code for fault in found.faults] == [code], found.faults


@pytest.mark.parametrize("layout", ["fixed", "dbf", "xlsx"])
def test_no_damage_crashes_a_table(tmp_path: Path, layout: str) -> None:
    content = {"fixed": fixed(), "dbf": dbf(), "xlsx": workbook()}[layout]
    shape = mapping(
        tmp_path,
        FIXED if layout == "fixed" else NAMED % layout,
        date_format="%Y%m%d" if layout == "dbf" else "%Y-%m-%d",
    )
    draw = random.Random(layout)
    for _ in range(150):
        damaged = bytearray(content)
        if draw.random() < 0.5:
            damaged = damaged[: draw.randrange(len(damaged))]
        else:
            damaged[draw.randrange(len(damaged))] ^= 1 << draw.randrange(8)
        found = read_register(bytes(damaged), mapping=shape, today=TODAY)
        assert all(fault.code in FAULT_TEXTS and fault.message for fault in found.faults)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (NAMED % "pdf", "layout"),
        (FIXED.replace("header: false", "header: true"), "header"),
        (FIXED.replace("[1, 12]", "[12, 1]"), "columns.account"),
        (FIXED.replace("[2, 6]", "3"), "trailer.count"),
        (NAMED % "dbf" + 'trailer: {marker: "=", count: 2, total: 3}\n', "trailer"),
        ((NAMED % "xlsx").replace("header: true", "header: false"), "header"),
    ],
)
def test_faults_of_a_mapping_name_the_key(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(UnableToReadMapping) as caught:
        mapping(tmp_path, text)
    assert caught.value.params == {"key": key}
