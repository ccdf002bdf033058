"""Who owes whom in the browser: down to the receipt, within a person's reach; orders take two people."""

import csv
import io
import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from mains.packs.definition import read_pack
from mains.packs.settlement import settle_months, state_settlement
from mains.settlement.actions.splitting import split_payments
from mains.settlement.queries.statements import list_settlements

PAGE = "/settlement/"
SPAN = "?from=2021-03-01&to=2021-06-07"


@pytest.fixture
def settled(own_office):
    """The demo's contracts over the money that its registers brought; April approved, May waits."""
    pack, noon = read_pack("ru_communal"), datetime(2021, 6, 7, 12, tzinfo=UTC)
    state_settlement(pack=pack, now=noon)
    split_payments(now=noon)
    settle_months(pack=pack, now=noon)
    return own_office


@pytest.fixture
def accountant(settled):
    client = settled.sign_in("accountant")
    client.cookies["django_language"] = "en"
    return client


def test_the_way_leads_from_a_payee_by_its_houses_and_accounts_to_a_receipt(accountant) -> None:
    page = accountant.get(PAGE + SPAN).content.decode()
    assert "Who owes whom" in page
    assert "Owed on by managing companies" in page
    party = re.search(r'href="(/settlement/parties/\d+/\?[^"]+)"', page).group(1).replace("&amp;", "&")
    houses = accountant.get(party).content.decode()
    house = re.search(r'href="(/settlement/parties/\d+/[1-9]\d*/\?[^"]+)"', houses).group(1)
    accounts = accountant.get(house.replace("&amp;", "&")).content.decode()
    account = re.search(r'href="(/settlement/parties/\d+/\d+/\?[^"]*account=\d+)"', accounts).group(1)
    receipts = accountant.get(account.replace("&amp;", "&")).content.decode()
    receipt = re.search(r'href="(/[^"]*receipt[^"]*)"', receipts).group(1)
    assert accountant.get(receipt).status_code == 200


def test_before_anything_was_recorded_nothing_was_owed(accountant) -> None:
    page = accountant.get(f"{PAGE}{SPAN}&as_of=2021-01-01T00:00").content.decode()
    assert "Nothing was collected for others in these days" in page


def test_an_order_is_approved_by_another_person_and_goes_into_the_file(accountant) -> None:
    before = {row.settlement_id for row in list_settlements()}
    answer = accountant.post(f"{PAGE}settle/", {"through": "2021-06-06"}, follow=True)
    assert answer.status_code == 200
    assert {row.settlement_id for row in list_settlements()} == before, "no cycle ends on that day"
    waiting = next(row for row in list_settlements() if row.state == "prepared")
    order = f"{PAGE}orders/{waiting.order_id}/"
    refused = accountant.post(order, {"decision": "refuse"}, follow=True).content.decode()
    assert "Refusing an order needs a reason." in refused
    accountant.post(order, {"decision": "approve", "execute_on": "2021-06-07"})
    assert next(row for row in list_settlements() if row.order_id == waiting.order_id).state == "approved"
    file = accountant.get(f"{PAGE}orders.xml")
    assert waiting.end_to_end_id.encode() in file.content
    assert waiting.end_to_end_id.encode() in accountant.get(f"{PAGE}orders.txt").content
    assert (
        "This payment order is decided already."
        in accountant.post(
            order, {"decision": "approve", "execute_on": "2021-06-07"}, follow=True
        ).content.decode()
    )


@pytest.mark.parametrize("form", ["pdf", "xlsx", "csv"])
def test_a_statement_is_printed_again_to_the_same_bytes(accountant, form) -> None:
    settlement = list_settlements()[0].settlement_id
    address = f"{PAGE}statements/{settlement}.{form}"
    first, again = accountant.get(address), accountant.get(address)
    assert first.status_code == 200
    assert first.content == again.content
    assert len(first.content) > 200


def test_a_district_sees_its_own_houses_and_no_settlements(settled) -> None:
    client = settled.sign_in("supervisor_central")
    client.cookies["django_language"] = "en"
    page = client.get(PAGE + SPAN).content.decode()
    assert "Payees" in page
    assert "Settlements and payment orders" not in page
    settlement = list_settlements()[0].settlement_id
    assert client.get(f"{PAGE}statements/{settlement}.pdf").status_code == 403
    assert client.post(f"{PAGE}settle/", {"through": "2021-05-31"}).status_code == 403


def test_statements_by_house_and_of_a_house_sum_to_what_the_page_says(accountant) -> None:
    page = accountant.get(PAGE + SPAN).content.decode()
    party = re.search(r"/settlement/parties/(\d+)/", page).group(1)
    by_house = f"{PAGE}parties/{party}/houses.csv{SPAN}"
    rows = list(csv.reader(io.StringIO(accountant.get(by_house).content.decode("utf-8-sig"))))
    houses, total = rows[1:-1], rows[-1]
    assert len(houses) > 100, "every page of the list is in the file"
    for column in range(1, 5):
        assert sum(Decimal(row[column]) for row in houses) == Decimal(total[column])
    first = re.search(
        rf"/settlement/parties/{party}/(\d+)/",
        accountant.get(f"{PAGE}parties/{party}/{SPAN}").content.decode(),
    ).group(1)
    of_house = f"{PAGE}parties/{party}/{first}/house.csv{SPAN}"
    accounts = list(csv.reader(io.StringIO(accountant.get(of_house).content.decode("utf-8-sig"))))
    assert accounts[-1][2:] == houses[0][1:]
    assert accountant.get(of_house.replace(".csv", ".pdf")).content.startswith(b"%PDF")
    assert accountant.get(of_house.replace(".csv", ".doc")).status_code == 404
