"""Turnover by network and class in the browser, down to an account; collection by person."""

import re

import pytest

from mains.reporting.actions.turnover_tally import refresh_turnover

SPAN = "from=2021-03&to=2021-05"


@pytest.fixture
def accountant(own_office):
    refresh_turnover()
    client = own_office.sign_in("accountant")
    client.cookies["django_language"] = "en"
    return client


def test_the_network_leads_down_to_an_account(accountant) -> None:
    address = f"/turnover/slices/?by=node&{SPAN}"
    for _step in range(8):
        page = accountant.get(address).content.decode()
        found = re.search(r'<tbody><tr><th scope="row"><a href="([^"]+)"', page)
        assert found, page
        address = found.group(1).replace("&amp;", "&")
        if address.startswith("/accounts/"):
            break
    assert "Total" in page
    assert accountant.get(address).status_code == 200


@pytest.mark.parametrize(
    "by", ["unit", "service", "provider", "class", "tariff", "person", "month", "account"]
)
def test_every_dimension_is_shown_and_written(accountant, by) -> None:
    page = accountant.get(f"/turnover/slices/?by={by}&class=household&{SPAN}").content.decode()
    assert "Household" in page
    assert 'aria-current="page"' in page
    for form in ("csv", "xlsx", "pdf") if by == "class" else ("csv",):
        file = accountant.get(f"/turnover/slices.{form}?by={by}&class=household&{SPAN}")
        assert file.status_code == 200
        assert len(file.content) > 100


def test_collection_is_shown_by_unit_and_person(accountant) -> None:
    page = accountant.get(f"/collection/?{SPAN}").content.decode()
    below = re.search(r'<tbody><tr><th scope="row"><a href="([^"]+)"', page).group(1).replace("&amp;", "&")
    assert accountant.get(below).status_code == 200
    persons = accountant.get(f"/collection/?by=person&{SPAN}").content.decode()
    assert "Short of the target" in persons
    assert accountant.get(f"/collection.pdf?by=person&{SPAN}").content.startswith(b"%PDF")


def test_a_district_sees_its_part_and_nonsense_is_not_found(own_office) -> None:
    refresh_turnover()
    client = own_office.sign_in("supervisor_central")
    whole = own_office.sign_in("accountant").get(f"/turnover/slices.csv?by=class&{SPAN}").content
    own = client.get(f"/turnover/slices.csv?by=class&{SPAN}").content
    assert own != whole
    assert client.get(f"/turnover/slices/?by=class&unit=999999&{SPAN}").status_code == 404
    assert client.get(f"/turnover/slices.doc?{SPAN}").status_code == 404
