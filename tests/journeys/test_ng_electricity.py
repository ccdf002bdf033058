"""An electricity distributor with a large field force, from an empty machine to a paid, explained bill.

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
    with demo_utility("ng_electricity", accounts=ACCOUNTS) as built:
        yield built


def test_the_demo_tells_what_it_did(utility: Utility) -> None:
    """B1, B2, P1, C7: months billed and paid, a bill on paper, books in balance, every amount confirmed."""
    for month in ("2024-05", "2024-06", "2024-07"):
        assert re.search(rf"^{month} +2\d\d ", utility.summary, re.MULTILINE)
    assert "Sign in as administrator with the password" in utility.summary
    assert utility.paper.read_bytes().startswith(b"%PDF-")
    assert utility.mains("bill", "status").count("Posted") == 3
    assert "agreement-gap" in utility.mains("bill", "exceptions", "--month", "2024-07")
    assert "BROKEN" not in utility.mains("ledger", "check")
    assert re.search(
        r"^\d{3} bills, [\d,]+ amounts replayed; 0 differences\.$",
        utility.mains("replay", "--all"),
        re.MULTILINE,
    )


def test_the_organisation_and_the_network_are_trees(utility: Utility) -> None:
    """R5, R6: every unit and every service point hangs below another of the right kind; feeders have bands."""
    units = utility.mains("registry", "tree", "organisation")
    levels = dict(re.findall(r"^( *)\S.*\[(\w+) [\w-]+\]", units, re.MULTILINE))
    assert list(levels.values()) == ["utility", "region", "hub", "centre", "team"]
    network = utility.mains("registry", "tree", "network")
    kinds = dict(re.findall(r"^( *)\S.*\[electricity (\w+)", network, re.MULTILINE))
    assert list(kinds.values()) == ["source", "substation", "feeder", "transformer", "building", "entrance"]
    assert len(set(re.findall(r"feeder [\w-]+, band ([A-E])", network))) >= 2


def test_a_clerk_finds_an_account_and_reads_its_whole_life(
    utility: Utility, enter: Callable[..., Page]
) -> None:
    """S1, R8, R1, R2, R3, R4, M1: one search box, one book."""
    page = open_bill(utility, enter)
    customer, number = page.locator(".page-head-lead").inner_text().split(" · ")[0], account_of(page)
    find(page, number)
    expect(page.get_by_role("heading", level=1)).to_have_text(customer)
    book = page.locator("main")
    for label in ("Name", "Address", "Tariff", "Category", "Provider", "Unit", "Field officer"):
        assert (
            book.locator("dl div", has=page.get_by_text(label, exact=True)).first.locator("dd").inner_text()
        )
    serial = book.locator("a[href^='/meters/']").first.inner_text().split()[-1]
    for tab in ("Consumption", "Bills and payments", "Meters and readings", "Premise"):
        page.get_by_label("Parts of the subscriber book").get_by_role("link", name=tab).click()
        expect(page.get_by_role("link", name=tab, exact=True).first).to_have_attribute("aria-current", "page")
    expect(page.locator("[data-island=map][data-state=ready]")).to_be_visible()
    for kind in ("Feeder", "Transformer"):
        expect(book.get_by_text(kind, exact=True)).to_be_visible()
    for words in (serial, customer):
        page.get_by_role("combobox").fill(words)
        expect(page.get_by_role("option").filter(has_text=number).first).to_be_visible()


def test_an_account_that_nobody_answers_for_is_listed(utility: Utility, enter: Callable[..., Page]) -> None:
    """R4: the list and the book agree, on the day on which the demo lives."""
    told = utility.mains("registry", "unmapped")
    assert "no officer on 2024-08-07." in told
    listed = re.findall(r"^(\d{8}) ", told, re.MULTILINE)
    assert 0 < len(listed) < ACCOUNTS // 10
    page = enter("supervisor", f"/accounts/{listed[0]}/")
    expect(page.get_by_text("Nobody yet")).to_be_visible()


def test_every_amount_of_a_bill_goes_back_to_a_reading_and_a_tariff_clause(
    utility: Utility, enter: Callable[..., Page]
) -> None:
    """C2, C5, C7, M4: the formula tree in the browser, on the command line, and on paper."""
    page = open_bill(utility, enter)
    page.get_by_role("link", name="Why?").first.click()
    tree = page.locator(".formula-tree").first
    tree.get_by_role("button", name="Open all").click()
    expect(tree.locator("a[href*='/tariffs/']").first).to_be_visible()
    reading = tree.locator("a[href*='/readings/']").first
    expect(reading).to_be_visible()
    paper = page.request.get(f"/bills/{utility.bill}.pdf")
    assert paper.body().startswith(b"%PDF-")
    reading.click()
    page.wait_for_url(re.compile(r"/meters/#reading-\d+$"))
    explained = json.loads(utility.mains("explain", utility.bill, "--json"))
    assert sum(line["amount_minor"] for line in explained["lines"]) == explained["amount_minor"]
    assert re.search(r"band|Band", json.dumps(explained))


def test_turnover_sums_on_the_way_down_to_one_account(utility: Utility, enter: Callable[..., Page]) -> None:
    """P7: each level sums to the row above it, and the command line says the same."""
    page = enter("accountant", "/reports/turnover/?from=2024-05&to=2024-07")
    told = json.loads(utility.mains("report", "turnover", "--month", "2024-05", "--to", "2024-07", "--json"))
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


def test_a_reading_is_taken_with_proof_or_refused_with_the_reason(
    utility: Utility, enter: Callable[..., Page]
) -> None:
    """M4, M5: nothing is silently taken; what was typed stays; the days show how they are known."""
    page = open_bill(utility, enter, role="clerk")
    page.goto(f"/accounts/{account_of(page)}/meters/")
    last = page.locator("#record ~ section tbody tr").first.locator("td.num").inner_text()
    form = page.locator("#record form")
    form.get_by_label("Reading", exact=True).fill("12a45")
    form.get_by_label("Evidence").fill("photo 17")
    form.get_by_role("button", name="Record", exact=True).click()
    expect(page.locator(".field-error")).to_be_visible()
    expect(form.get_by_label("Evidence")).to_have_value("photo 17")
    value = int(re.sub(r"\D", "", last.split(".")[0])) + 3
    form.get_by_label("Reading", exact=True).fill(str(value))
    form.get_by_role("button", name="Record", exact=True).click()
    newest = page.locator("#record ~ section tbody tr").first
    expect(newest).to_contain_text(f"{value:,}")
    expect(newest).to_contain_text("photo 17")
    page.get_by_role("link", name="Consumption", exact=True).click()
    expect(page.get_by_role("columnheader", name="How it is known").first).to_be_visible()


def test_a_register_is_taken_once_and_unknown_money_waits(
    utility: Utility, enter: Callable[..., Page], file: Callable[[str, str], str]
) -> None:
    """P2, P3, P4: totals first, the same file never twice, suspense until somebody identifies the money."""
    page = open_bill(utility, enter, role="accountant")
    number = account_of(page)
    register = file(
        "bank-late.csv",
        "account,paid_on,amount,reference,payer\n"
        f"{number},2024-08-05,125.00,late-1,Ade\n99999999,2024-08-05,77.00,late-2,Unknown\nTOTAL,2,202.00,,\n",
    )
    assert "202.00" in utility.mains("payments", "import", register, "--accept")
    assert "already" in utility.mains("payments", "import", register, "--accept", code=2)
    (receipt,) = re.findall(r"^ *(\d+) .*late-2", utility.mains("payments", "suspense"), re.MULTILINE)
    utility.mains("payments", "identify", receipt, number)
    assert "BROKEN" not in utility.mains("ledger", "check")
    page.goto(f"/accounts/{number}/money/")
    for reference in ("late-1", "late-2"):
        expect(page.get_by_role("row").filter(has_text=reference)).to_contain_text("bank-late.csv")


@pytest.mark.parametrize("path", ["/", "/accounts/", "/bills/{bill}/", "/reports/turnover/", "/exceptions/"])
def test_nothing_overflows_on_a_phone(utility: Utility, enter: Callable[..., Page], path: str) -> None:
    page = enter("supervisor", path.format(bill=utility.bill), width=360, height=740)
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_language_switch_turns_the_page_russian(enter: Callable[..., Page]) -> None:
    page = enter("tariff_specialist", "/reports/turnover/")
    page.locator("header .menu summary").first.click()
    page.get_by_role("button", name="Русский").click()
    expect(page.locator("html")).to_have_attribute("lang", "ru")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Оборот")


def open_bill(utility: Utility, enter: Callable[..., Page], *, role: str = "supervisor") -> Page:
    return enter(role, f"/bills/{utility.bill}/")


def account_of(page: Page) -> str:
    """The account whose bill is shown."""
    link = page.locator("main a[href^='/accounts/']:not([href*='?'])").last
    return (link.get_attribute("href") or "").split("/")[2]


def find(page: Page, words: str) -> None:
    """Search as a clerk does, by keyboard, and open the first answer."""
    page.keyboard.press("/")
    page.keyboard.type(words, delay=20)
    option = page.get_by_role("option").filter(has_text=words)
    expect(option.first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/accounts/{words}/")
