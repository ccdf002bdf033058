"""Exports have the rows and sums of the statement, leading zeros and all, and open without harm."""

import csv
import io
import json
import zipfile
from datetime import date
from xml.etree import ElementTree as ET

import pytest
from django.utils import translation

from mains.customers.models import Customer
from mains.reporting.queries.turnover import TurnoverLevel, turnover
from mains.reporting.queries.turnover_files import turnover_csv, turnover_json, turnover_xlsx
from mains.staff.values import EVERYTHING
from money_cast import Cast

SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@pytest.fixture
def level(cast: Cast) -> TurnoverLevel:
    """South's accounts, one per page, so that an export that stopped at a page would be short."""
    cast.bill("dilek", 123_456, on=date(2021, 4, 30))
    cast.pay(("emre", "2021-04-30", "0.05", "R-1"))
    Customer.objects.filter(accounts__number=cast.numbers["emre"]).update(name="=HYPERLINK(evil)")
    return turnover(
        scope=EVERYTHING,
        month_from=date(2021, 4, 1),
        month_to=date(2021, 5, 1),
        organisation_id=cast.units["South"],
        limit=1,
    )


def test_csv_has_every_row_and_the_total(level: TurnoverLevel, cast: Cast) -> None:
    content = turnover_csv(level)
    assert content.startswith(b"\xef\xbb\xbfCode,Name,Opening,Accrued,Recalculated,Paid,Closing\r\n")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert rows[1:] == [
        [cast.numbers["dilek"], "Dilek", "0.00", "1234.56", "0.00", "0.00", "1234.56"],
        [cast.numbers["emre"], "'=HYPERLINK(evil)", "0.00", "0.00", "0.00", "0.05", "-0.05"],
        ["", "Total", "0.00", "1234.56", "0.00", "0.05", "1234.51"],
    ]


def test_json_is_in_minor_units(level: TurnoverLevel) -> None:
    document = json.loads(turnover_json(level))
    assert (document["unit"], document["path"], document["month_to"]) == (
        "south",
        ["lumen", "south"],
        "2021-05-01",
    )
    assert [row["closing_minor"] for row in document["rows"]] == [123_456, -5]
    assert document["total"]["closing_minor"] == 123_451


def test_the_spreadsheet_keeps_codes_as_text_and_amounts_as_numbers(level: TurnoverLevel, cast: Cast) -> None:
    with zipfile.ZipFile(io.BytesIO(turnover_xlsx(level))) as book:
        texts = ["".join(item.itertext()) for item in ET.fromstring(book.read("xl/sharedStrings.xml"))]
        sheet = ET.fromstring(book.read("xl/worksheets/sheet1.xml"))
    cells = {cell.get("r"): cell for cell in sheet.iter(f"{SHEET}c")}

    def value(place: str) -> str:
        cell = cells[place]
        text = cell.findtext(f"{SHEET}v") or ""
        return texts[int(text)] if cell.get("t") == "s" else text

    assert value("A2") == cast.numbers["dilek"]
    assert value("B3") == "=HYPERLINK(evil)"
    assert cells["B3"].find(f"{SHEET}f") is None
    assert (value("G2"), value("G4")) == ("1234.56", "1234.51")
    assert cells["G2"].get("t") != "s"


def test_headings_follow_the_language(level: TurnoverLevel) -> None:
    with translation.override("en"):
        assert turnover_csv(level).decode("utf-8-sig").startswith("Code,Name,Opening")
