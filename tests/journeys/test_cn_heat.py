"""District heat in China: charges by area in the season, by a meter of one's own or of the house, stopped, resumed,
missing, and refunded for cold rooms.

By the commands and pages that its people use. Each test names the rows of docs/features.md that it walks.
"""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from demo_cast import Utility, demo_utility

pytestmark = pytest.mark.browser

ACCOUNTS = 200
POINT = "SP-0000003"


@pytest.fixture(scope="module")
def utility() -> Iterator[Utility]:
    with demo_utility("cn_heat", accounts=ACCOUNTS) as built:
        yield built


def test_the_demo_tells_what_it_did(utility: Utility) -> None:
    """B1, P1, C6, C7, C9: months billed and paid, every amount confirmed, shares of house meters sum up, no day
    forgotten."""
    for month in ("2015-01", "2015-02", "2015-03"):
        assert re.search(rf"^{month} +[12]\d\d ", utility.summary, re.MULTILINE)
    assert re.search(r"(A|No) bill as PDF: ", utility.summary)  # a Chinese font is the user's own
    assert "BROKEN" not in utility.mains("ledger", "check")
    assert "BROKEN" not in utility.mains("bill", "check")
    assert "0 differences." in utility.mains("replay", "--all")
    assert "No holes." in utility.mains("report", "completeness")
    assert re.search(r"(Heat by area|Basic heat fee) = ", utility.mains("explain", utility.bill))


def test_heat_that_was_stopped_is_told_later_and_corrected(
    utility: Utility, file: Callable[[str, str], str]
) -> None:
    """C3, C8: what no tariff reads is refused with the names that it does; the difference of the days is posted."""
    head = "service_point,name,value,valid_from,valid_to,proof\n"
    wrong = file("wrong.csv", head + f"{POINT},suply,suspended,2015-02-01,2015-02-11,停热申请9\n")
    refused = utility.mains("registry", "import", "conditions", wrong, code=1)
    assert "No tariff of the service point reads suply" in refused
    assert "supply" in refused
    stopped = file("stopped.csv", head + f"{POINT},supply,not_delivered,2015-02-01,2015-02-11,停热申请9\n")
    assert "1 conditions are written" in utility.mains("registry", "import", "conditions", stopped)
    assert "Nothing was posted" in utility.mains("recalculate", "--preview")
    assert re.search(r"\b1 ", utility.mains("recalculate"))
    assert "0 differences." in utility.mains("replay", "--all")
    assert "BROKEN" not in utility.mains("ledger", "check")


def test_a_clerk_records_a_cold_room_on_the_premise_page(
    utility: Utility, enter: Callable[..., Page]
) -> None:
    """C3: the form offers what the account's tariffs read; the record stands in the list; the page is Chinese."""
    page = enter("clerk", "/accounts/")
    expect(page.locator("html")).to_have_attribute("lang", re.compile("^zh"))
    for link in page.locator("main tbody a[href^='/accounts/']").all()[:12]:
        address = f"{link.get_attribute('href')}premise/"
        if "room_temperature" in page.request.get(f"{utility.address}{address}").text():
            break
    page.goto(f"{utility.address}{address}")
    card = page.locator("#conditions")
    card.locator("summary").click()
    form = card.locator("form")
    option = form.locator("select[name=what] option[value$=':room_temperature']").get_attribute("value")
    form.locator("select[name=what]").select_option(option or "")
    form.locator("input[name=value]").fill("15,5")
    form.locator("input[name=first_day]").fill("2015-03-02")
    form.locator("input[name=last_day]").fill("2015-03-04")
    form.locator("input[name=proof]").fill("测温单77")
    form.locator("button[type=submit]").click()
    expect(card.get_by_role("row").filter(has_text="测温单77")).to_contain_text("15.5")


def test_nothing_overflows_on_a_phone(utility: Utility, enter: Callable[..., Page]) -> None:
    for path in ("/", f"/bills/{utility.bill}/"):
        page = enter("supervisor", path, width=360, height=740)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
