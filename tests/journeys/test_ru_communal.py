"""Communal billing of a peninsula: tiers and zones, norms without meters, recalculation, in Russian and English.

By the commands and pages that its people use. Each test names the rows of docs/features.md that it walks.
"""

import json
import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from demo_cast import Utility, column_sums, demo_utility, rows_and_total

pytestmark = pytest.mark.browser

ACCOUNTS = 300


@pytest.fixture(scope="module")
def utility() -> Iterator[Utility]:
    with demo_utility("ru_communal", accounts=ACCOUNTS, from_nothing=True) as built:
        yield built


def test_the_demo_tells_what_it_did(utility: Utility) -> None:
    """B1, B2, P1, C7: months billed, corrected and paid, books in balance, every amount confirmed."""
    assert "Полуостровэнергосбыт" in utility.summary
    for month in ("2021-03", "2021-04", "2021-05"):
        assert re.search(rf"^{month} +[23]\d\d ", utility.summary, re.MULTILINE)
    assert utility.paper.read_bytes().startswith(b"%PDF-")
    assert utility.mains("bill", "status").count("Posted") == 3
    assert "BROKEN" not in utility.mains("ledger", "check")
    assert " 0 deviations" in utility.mains("ledger", "interest", "check")
    replayed = utility.mains("replay", "--all")
    assert re.search(r"^\d{3} bills, [\d,]+ amounts replayed; 0 differences\.$", replayed, re.MULTILINE)


def test_a_month_is_billed_once_and_in_its_time(utility: Utility) -> None:
    """B1: a billed month stays as it is, the next is shown before it is posted, none is skipped."""
    before = utility.mains("bill", "status")
    utility.mains("bill", "run", "--month", "2021-05")
    preview = utility.mains("bill", "preview", "--month", "2021-06", "--as-of", "2021-07-04T00:00")
    assert re.search(r"2021-06: 2\d\d bills", preview)
    assert "Nothing was posted." in preview
    assert "2021-06 is not over on 2021-06-07" in utility.mains("bill", "run", "--month", "2021-06", code=2)
    skipped = utility.mains("bill", "preview", "--month", "2021-08", "--as-of", "2021-09-04T00:00", code=2)
    assert "2021-06 comes before 2021-08" in skipped
    assert utility.mains("bill", "status") == before


def test_the_organisation_and_the_network_are_trees(utility: Utility) -> None:
    """R5, R6: every unit and every service point hangs below another of the right kind."""
    units = utility.mains("registry", "tree", "organisation")
    levels = dict(re.findall(r"^( *)\S.*\[(\w+) [\w-]+\]", units, re.MULTILINE))
    assert list(levels.values()) == ["utility", "region", "branch", "centre", "team"]
    network = utility.mains("registry", "tree", "network", "--service", "electricity")
    kinds = dict(re.findall(r"^( *)\S.*\[electricity (\w+)", network, re.MULTILINE))
    assert list(kinds.values()) == ["source", "substation", "feeder", "transformer", "building"]
    fed = sum(int(count) for count in re.findall(r"(\d+) service points", network))
    assert fed > 0.9 * ACCOUNTS


def test_the_recalculation_of_a_bill_explains_itself(utility: Utility, enter: Callable[..., Page]) -> None:
    """C2, C7, C8, M5: what was a forecast was read later; the difference goes back to readings and clauses."""
    explained = json.loads(utility.mains("explain", utility.bill, "--json"))
    asked = [line["amount_minor"] for line in explained["lines"] if "included" not in line["title"]]
    assert sum(asked) == explained["amount_minor"]
    page = enter("supervisor", f"/bills/{utility.bill}/")
    again = page.locator("section.card", has=page.get_by_role("heading", name=re.compile("^Перерасчёт")))
    expect(again.first).to_be_visible()
    again.first.get_by_role("link", name="Почему?").first.click()
    tree = again.locator(".formula-tree").first
    tree.locator("[data-tree-all=open]").click()
    expect(tree.locator("a[href*='/tariffs/']").first).to_be_visible()
    expect(tree.locator("a[href*='/readings/']").first).to_be_visible()
    tree.locator("a[href*='/tariffs/']").first.click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.request.get(f"/bills/{utility.bill}.pdf").body().startswith(b"%PDF-")


def test_the_book_is_found_by_anything_and_read_in_two_languages(
    utility: Utility, enter: Callable[..., Page]
) -> None:
    """S1, R8, R1, R2, R3, M1, A2: search by name, meter and address; the book in the reader's language."""
    page = enter("clerk", f"/bills/{utility.bill}/")
    number = account_of(page)
    page.goto(f"/accounts/{number}/")
    expect(page.locator("html")).to_have_attribute("lang", "ru")
    book = page.locator("main")
    for label in ("Имя", "Адрес", "Тариф", "Категория", "Поставщик"):
        fact = book.locator("dl div", has=page.get_by_text(label, exact=True)).first
        assert fact.locator("dd").inner_text(), label
    customer = page.get_by_role("heading", level=1).inner_text()
    serial = book.locator("a[href^='/meters/']").first.inner_text().split()[-1]
    address = book.locator("a[href$='/premise/']").last.inner_text()
    for words in (number, serial, customer, address):
        page.get_by_role("combobox").fill(words)
        expect(page.get_by_role("option").filter(has_text=number).first).to_be_visible()
    page.goto(f"/accounts/{number}/premise/")
    expect(page.locator("[data-island=map][data-state=ready]")).to_be_visible()
    page.locator("header .menu summary").first.click()
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.get_by_role("heading", name="Premise")).to_be_visible()


def test_turnover_sums_on_the_way_down_to_one_account(utility: Utility, enter: Callable[..., Page]) -> None:
    """P7: each level sums to the row above it, and the command line says the same."""
    page = enter("accountant", "/reports/turnover/?from=2021-03&to=2021-05")
    told = json.loads(utility.mains("report", "turnover", "--month", "2021-03", "--to", "2021-05", "--json"))
    amounts = ("opening", "accrued", "recalculated", "paid", "closing")
    above = [told["total"][f"{name}_minor"] for name in amounts]
    levels = 0
    while "/reports/turnover/" in page.url:
        rows, total = rows_and_total(page)
        assert total == above
        assert column_sums(rows) == total
        above = rows[-1]
        before = page.url
        page.locator("main table").first.locator("tbody a").last.click()
        page.wait_for_url(lambda url, before=before: url != before)
        levels += 1
    assert levels >= 5
    assert "/accounts/" in page.url


def test_a_faulty_file_of_readings_is_refused_whole(
    utility: Utility, file: Callable[[str, str], str]
) -> None:
    """M4, M6: each fault with its line; readings that were not taken wait with their reason."""
    faulty = file(
        "readings.csv", "serial,reading_date,value\nNO-SUCH,2021-06-01,5\nNO-OTHER,2021-06-31,1O5\n"
    )
    told = utility.mains("reading", "import", faulty, code=1)
    for sign in ("line 2", "NO-SUCH", "line 3"):
        assert sign in told
    queue = utility.mains("reading", "queue")
    assert "digits only" in queue
    assert "NO-SUCH" not in queue


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/accounts/",
        "/bills/{bill}/",
        "/reports/turnover/",
        "/map/",
        "/proposals/",
        "/settlement/",
        "/terms/",
    ],
)
def test_nothing_overflows_on_a_phone_in_russian(
    utility: Utility, enter: Callable[..., Page], path: str
) -> None:
    page = enter("supervisor", path.format(bill=utility.bill), width=360, height=740, locale="ru")
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def account_of(page: Page) -> str:
    """The account whose bill is shown."""
    link = page.locator("main a[href^='/accounts/']:not([href*='?'])").last
    return (link.get_attribute("href") or "").split("/")[2]
