"""The office in a browser: what a clerk does in the first minutes."""

import re

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def _digits(text: str) -> int:
    """An amount as shown, in minor units."""
    digits = re.sub(r"[^\d]", "", text)
    return -int(digits) if "\N{MINUS SIGN}" in text else int(digits)


def test_signing_in_shows_the_latest_billed_month(signed_in) -> None:
    page: Page = signed_in("supervisor")
    expect(page.get_by_role("heading", level=1)).to_have_text("May 2021")
    expect(page.locator("[data-island=chart][data-state=ready]").first).to_be_visible()


def test_search_as_you_type_opens_the_account_by_keyboard(signed_in, office) -> None:
    page: Page = signed_in("supervisor")
    page.keyboard.press("/")
    page.keyboard.type(office.central[:-1], delay=30)
    option = page.get_by_role("option").filter(has_text=office.central)
    expect(option).to_be_visible()
    while option.get_attribute("aria-selected") != "true":
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/accounts/{office.central}/")


def test_search_finds_a_name_typed_in_the_wrong_layout(signed_in, office) -> None:
    from mains.base.folding import swap_layout
    from mains.customers.models import Account

    name = Account.objects.get(number=office.central).customer.name
    page: Page = signed_in("supervisor")
    page.get_by_role("combobox").fill(swap_layout(name))
    expect(page.get_by_role("option").filter(has_text=name).first).to_be_visible()


def test_the_book_is_read_tab_by_tab(signed_in, office) -> None:
    page: Page = signed_in("supervisor", f"/accounts/{office.corrected_account}/")
    for tab in ("Consumption", "Bills and payments", "Meters and readings", "Premise"):
        page.get_by_label("Parts of the subscriber book").get_by_role("link", name=tab).click()
        expect(page.get_by_role("link", name=tab, exact=True).first).to_have_attribute("aria-current", "page")
    expect(page.locator("[data-island=map][data-state=ready]")).to_be_visible()


def test_a_bills_amount_opens_its_formula_tree(signed_in, office) -> None:
    page: Page = signed_in("supervisor", f"/bills/{office.corrected_bill}/")
    page.get_by_role("link", name="Why?").first.click()
    tree = page.locator(".formula-tree").first
    expect(tree).to_be_visible()
    tree.get_by_role("button", name="Open all").click()
    expect(tree.locator("a[href*='/tariffs/']").first).to_be_visible()
    reading = tree.locator("a[href*='/readings/']").first
    expect(reading).to_be_visible()
    reading.click()
    page.wait_for_url(re.compile(r"/meters/#reading-\d+$"))


def test_turnover_rows_sum_to_the_total_on_the_way_down(signed_in) -> None:
    page: Page = signed_in("supervisor", "/reports/turnover/")
    for _level in range(2):
        table = page.get_by_role("table").first
        columns = table.locator("tbody tr").evaluate_all(
            "rows => rows.map(row => [...row.querySelectorAll('td.num')].map(cell => cell.textContent))"
        )
        totals = table.locator("tfoot td.num").all_text_contents()
        for place, total in enumerate(totals):
            assert sum(_digits(row[place]) for row in columns) == _digits(total)
        above = table.locator("tbody tr").first.locator("td.num").all_text_contents()
        table.locator("tbody a").first.click()
        page.wait_for_url("**unit=**")
        assert page.get_by_role("table").first.locator("tfoot td.num").all_text_contents() == above


def test_the_language_switch_turns_the_page_russian(signed_in) -> None:
    page: Page = signed_in("supervisor", "/reports/turnover/")
    page.locator("header .menu summary").first.click()
    page.get_by_role("button", name="Русский").click()
    expect(page.locator("html")).to_have_attribute("lang", "ru")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Оборот")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/accounts/",
        "/accounts/{number}/",
        "/accounts/{number}/consumption/",
        "/accounts/{number}/money/",
        "/accounts/{number}/meters/",
        "/accounts/{number}/premise/",
        "/accounts/{number}/history/",
        "/bills/{bill}/",
        "/bills/{bill}/lines/1/",
        "/bill-runs/",
        "/bill-runs/1/",
        "/payments/",
        "/payments/1/",
        "/reports/turnover/",
        "/map/",
        "/search?q=1",
        "/exceptions/",
        "/exceptions/?show=bills",
        "/exceptions/?show=unmapped",
        "/exceptions/?show=suspense",
        "/tariffs/ru-electricity-one-rate/",
    ],
)
def test_nothing_overflows_on_a_phone(signed_in, office, path) -> None:
    address = path.format(number=office.corrected_account, bill=office.corrected_bill)
    page: Page = signed_in("administrator", address, width=360, height=740)
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_reading_far_off_keeps_what_was_typed(signed_in, office) -> None:
    page: Page = signed_in("supervisor", f"/accounts/{office.corrected_account}/meters/")
    page.get_by_label("Reading", exact=True).fill("12a45")
    page.get_by_label("Evidence").fill("photo 17")
    page.get_by_role("button", name="Record", exact=True).click()
    expect(page.get_by_label("Evidence")).to_have_value("photo 17")
    expect(page.locator(".field-error")).to_be_visible()
