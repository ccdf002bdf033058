"""Every fault of a bank's file is named with its place and both numbers; a file with a fault gives nothing."""

import random
from collections.abc import Callable
from datetime import date

import pytest

from bank_samples import CAMT_053, CLIENT_BANK, MT_940, MT_942, SAMPLES, client_bank
from mains.integrations.bank_files import reading
from mains.integrations.bank_files.reading import read_bank_file
from mains.payments.values import FAULT_TEXTS, Fault, place_of

TODAY = date(2021, 6, 7)
BOMB = """<?xml version="1.0"?>
<!DOCTYPE Document [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<Document><BkToCstmrStmt><Stmt><Id>&b;</Id></Stmt></BkToCstmrStmt></Document>
"""
OUTSIDE = BOMB.replace('"ha"', 'SYSTEM "file:///etc/passwd"').replace("&b;", "&a;")


def camt(*changes: tuple[str, str]) -> bytes:
    return changed(CAMT_053, *changes).encode()


def changed(text: str, *changes: tuple[str, str]) -> str:
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def one_c(*changes: tuple[str, str]) -> bytes:
    return client_bank(changed(CLIENT_BANK, *changes))


TWICE = MT_940.replace(
    ":62F:C210503EUR1113,50",
    ":61:2105030503CR120,NTRFE2E-1//B-001\nTRANSFER\n:86:"
    + MT_940.split(":86:")[1].removesuffix("\n:61:2102300503D4,5NCHGNONREF//B-002\n")
    + "\n:62F:C210503EUR1233,50",
    1,
)

FAULTY: dict[str, tuple[bytes, list[str]]] = {
    "nothing": (b"", ["file-empty"]),
    "white space": (b" \r\n\r\n", ["file-empty"]),
    "a picture": (b"\x89PNG\r\n\x1a\n\x00\x00", ["format-unknown"]),
    "a letter": (b"Dear bank,\n", ["format-unknown"]),
    "an entity bomb": (BOMB.encode(), ["xml-unsafe"]),
    "an external entity": (OUTSIDE.encode(), ["xml-unsafe"]),
    "a bomb in UTF-16": (BOMB.replace("?>", ' encoding="UTF-16"?>').encode("utf-16"), ["xml-unsafe"]),
    "XML a thousand levels deep": (b"<a>" * 1_000 + b"</a>" * 1_000, ["xml-broken"]),
    "another XML": (b"<html><body/></html>", ["xml-no-statement"]),
    "a payment order": (
        b"<Document><CstmrCdtTrfInitn><GrpHdr/></CstmrCdtTrfInitn></Document>",
        ["xml-no-statement"],
    ),
    "camt cut short": (CAMT_053.encode()[:2_000], ["xml-broken"]),
    "camt with broken letters": (
        camt(("Kontogebühr", "Konto")).replace(b"Konto<", b"Konto\xff<"),
        ["xml-broken"],
    ),
    "camt with one text of 10 MB": (camt(("Kontogebühr", "x" * 11_000_000)), ["xml-broken"]),
    "camt counts one entry more": (camt((">4</NbOfNtries>", ">5</NbOfNtries>")), ["count-differs"]),
    "camt sums otherwise": (camt(("<Sum>186.50", "<Sum>186.51")), ["sum-differs"]),
    "camt credits sum otherwise": (camt(("<Sum>180.00", "<Sum>181.00")), ["sum-differs"]),
    "camt closes otherwise": (camt((">1173.50<", ">1173.49<")), ["balance-differs"]),
    "camt entry changed": (
        camt(('<Ntry><Amt Ccy="EUR">120.00', '<Ntry><Amt Ccy="EUR">121.00')),
        ["balance-differs", "sum-differs", "sum-differs"],
    ),
    "camt negative amount": (camt((">4.50<", ">-4.50<")), ["amount-signed"]),
    "camt with half a cent": (camt((">4.50<", ">4.505<")), ["amount-decimals"]),
    "camt amount in words": (camt((">4.50<", ">four<")), ["amount-invalid"]),
    "camt without direction": (
        camt(("4.50</Amt><CdtDbtInd>DBIT</CdtDbtInd>", "4.50</Amt>")),
        ["part-invalid"],
    ),
    "camt day that is none": (
        camt(("<ValDt><Dt>2021-05-03", "<ValDt><Dt>2021-05-32")),
        ["date-invalid"],
    ),
    "camt in the future": (
        camt(("<BookgDt><Dt>2021-05-03", "<BookgDt><Dt>2021-07-03")),
        ["date-in-future"],
    ),
    "camt unknown currency": (
        camt(('<Ntry><Amt Ccy="EUR">4.50', '<Ntry><Amt Ccy="XQQ">4.50')),
        ["currency-unknown"],
    ),
    "camt other currency": (
        camt(('<Ntry><Amt Ccy="EUR">4.50', '<Ntry><Amt Ccy="USD">4.50')),
        ["currency-differs"],
    ),
    "camt details sum otherwise": (
        camt((">21.00<", ">22.00<")),
        ["details-differ"],
    ),
    "camt batch counts otherwise": (
        camt(("<NbOfTxs>2<", "<NbOfTxs>3<")),
        ["count-differs"],
    ),
    "camt without account": (camt(("<IBAN>DE02120300000000202051</IBAN>", "")), ["account-missing"]),
    "MT940 cut short in its envelope": (MT_940[:700].encode(), ["file-cut-short"]),
    "MT940 cut short": (
        MT_942.replace(":28C", ":60F:C210503EUR1,00\n:28C").split(":90D")[0].encode(),
        ["part-missing"],
    ),
    "MT940 closes otherwise": (
        changed(MT_940, (":62F:C210504EUR1143,50", ":62F:C210504EUR1143,51")).encode(),
        ["balance-differs"],
    ),
    "MT940 entry that cannot be read": (
        changed(MT_940, (":61:2105030503CR120,", ":61:2105030503XR120,")).encode(),
        ["part-invalid"],
    ),
    "MT940 negative amount": (changed(MT_940, ("CR120,", "CR-120,")).encode(), ["amount-signed"]),
    "MT940 without decimal comma": (changed(MT_940, ("CR120,", "CR120")).encode(), ["amount-invalid"]),
    "MT940 three decimals": (changed(MT_940, ("CR120,", "CR120,005")).encode(), ["amount-decimals"]),
    "MT940 day that is none": (changed(MT_940, ("2105030503CR", "2113030503CR")).encode(), ["date-invalid"]),
    "MT940 a page is missing": (
        changed(
            MT_940,
            ("00085/001", "00084/002"),
            (":60F:C210503EUR1113,50", ":60M:C210503EUR1213,50"),
            ("1143,50", "1243,50"),
        ).encode(),
        ["pages-differ"],
    ),
    "MT940 the same transaction twice": (TWICE.encode(), ["transaction-twice"]),
    "MT940 a line of 10 MB": (
        changed(MT_940, ("TRANSFER", "x" * 10_000_000)).encode(),
        ["line-too-long"],
    ),
    "MT940 with zero bytes": (MT_940.encode("utf-16-le"), ["format-unknown"]),
    "MT940 unknown currency": (MT_940.replace("EUR", "XQQ").encode(), ["currency-unknown"] * 6),
    "MT942 counts otherwise": (changed(MT_942, (":90C:1EUR", ":90C:2EUR")).encode(), ["count-differs"]),
    "MT942 sums otherwise": (changed(MT_942, (":90D:1EUR4,50", ":90D:1EUR2,30")).encode(), ["sum-differs"]),
    "1C cut short": (client_bank()[:900], ["file-cut-short"]),
    "1C cut in a document": (one_c(("КонецДокумента\nКонецФайла", "КонецФайла")), ["part-missing"]),
    "1C says Windows and is DOS": (client_bank(encoding="cp866"), ["encoding-line"]),
    "1C says DOS and is Windows": (client_bank(stated="DOS"), ["encoding-line"]),
    "1C says Windows and is UTF-8": (client_bank(encoding="utf-8"), ["encoding-line"]),
    "1C of another version": (one_c(("Формата=1.03", "Формата=2.00")), ["version-unknown"]),
    "1C closes otherwise": (one_c(("Остаток=6300.40", "Остаток=6300.41")), ["balance-differs"]),
    "1C received sums otherwise": (one_c(("Поступило=1550.40", "Поступило=1550.41")), ["sum-differs"]),
    "1C a document is missing": (
        one_c((CLIENT_BANK[CLIENT_BANK.rindex("СекцияДокумент") : CLIENT_BANK.rindex("КонецФайла")], "")),
        ["balance-differs", "sum-differs"],
    ),
    "1C negative amount": (one_c(("Сумма=300", "Сумма=-300")), ["amount-signed"]),
    "1C document of nobody here": (
        one_c(("ПолучательСчет=40702810900000000001", "ПолучательСчет=40702810900000000009")),
        ["document-foreign"],
    ),
    "1C day that is none": (
        one_c(("Дата=02.05.2021", "Дата=31.04.2021")),
        ["date-invalid"],
    ),
    "1C lines behind the end": (client_bank(CLIENT_BANK + "Сумма=1\n"), ["file-after-trailer"]),
}


@pytest.mark.parametrize("name", FAULTY)
def test_a_fault_is_named(name: str) -> None:
    content, codes = FAULTY[name]
    found = read_bank_file(content, today=TODAY)
    assert sorted(fault.code for fault in found.faults) == sorted(codes), found.faults
    for fault in found.faults:
        assert fault.message
        assert "%(" not in fault.message + fault.remedy
        assert fault.remedy
        assert place_of(fault, file_name="may.xml").startswith("may.xml")


def test_both_numbers_and_the_place_are_told() -> None:
    found = read_bank_file(FAULTY["camt counts one entry more"][0], today=TODAY)
    (fault,) = found.faults
    assert fault == Fault(
        code="count-differs",
        line=fault.line,
        field="TxsSummry/TtlNtries",
        params={"name": "TtlNtries/NbOfNtries", "stated": "5", "found": 4},
    )
    assert CAMT_053.splitlines()[fault.line - 1].startswith("<TtlNtries>")
    (fault,) = read_bank_file(FAULTY["MT940 closes otherwise"][0], today=TODAY).faults
    assert dict(fault.params) == {
        "opening": "1113.50", "moved": "30.00", "found": "1143.50", "stated": "1143.51",
    }  # fmt: skip


def test_a_file_that_is_too_large_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_BYTES", 100)
    (fault,) = read_bank_file(SAMPLES["MT940"], today=TODAY).faults
    assert fault.code == "file-too-large"


def flip(content: bytes, draw: random.Random) -> bytes:
    damaged = bytearray(content)
    for _ in range(draw.randint(1, 4)):
        damaged[draw.randrange(len(damaged))] ^= 1 << draw.randrange(8)
    return bytes(damaged)


def cut(content: bytes, draw: random.Random) -> bytes:
    return content[: draw.randrange(len(content))]


def drop_line(content: bytes, draw: random.Random) -> bytes:
    lines = content.split(b"\n")
    del lines[draw.randrange(len(lines))]
    return b"\n".join(lines)


@pytest.mark.parametrize("damage", [flip, cut, drop_line])
@pytest.mark.parametrize("name", SAMPLES)
def test_no_damage_crashes_a_reader_or_unbalances_what_it_gives(
    name: str, damage: Callable[[bytes, random.Random], bytes]
) -> None:
    draw = random.Random(f"{name} {damage.__name__}")
    refused = 0
    for _ in range(150):
        found = read_bank_file(damage(SAMPLES[name], draw), today=TODAY)
        refused += bool(found.faults)
        assert all(fault.code in FAULT_TEXTS for fault in found.faults)
        assert all(fault.message and fault.remedy for fault in found.faults)
        for statement in [] if found.faults else found.statements:
            if statement.opening_minor is not None and statement.closing_minor is not None:
                assert statement.opening_minor + statement.moved_minor == statement.closing_minor
    assert refused > 20
