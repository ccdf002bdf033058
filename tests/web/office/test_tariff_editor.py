"""A specialist writes a tariff in the browser, a second person publishes it, and the next bills use it."""

import re
from datetime import UTC, date, datetime

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
CODE = "zones-2021"


@pytest.fixture
def office(own_office):
    """These tests write: the served utility is a copy of their own."""
    return own_office


def begin(signed_in) -> Page:
    """A new tariff from the form with three zones, tiers and VAT, on its form view."""
    page: Page = signed_in("tariff_specialist", "/tariff-drafts/new/")
    page.get_by_label("Code of the tariff").fill(CODE)
    page.get_by_label("What this draft is for").fill("Zones from June")
    page.get_by_label("Start from").select_option(
        label="Three zones of the day, tiers over the whole use, VAT on top"
    )
    page.get_by_role("button", name="Begin the draft").click()
    expect(page.get_by_text("No faults")).to_be_visible()
    expect(page.locator("#draft-form[data-state=ready]")).to_be_visible()
    return page


def tab(page: Page, name: str) -> None:
    page.get_by_label("Views of the draft").get_by_role("link", name=name).click()


def open_text(page: Page) -> None:
    tab(page, "Text")
    expect(page.locator("#draft-form[data-state=ready] .cm-content")).to_be_visible()


def save(page: Page) -> None:
    page.keyboard.press("Control+s")
    expect(page.locator("#toasts").get_by_text("The draft is saved.")).to_be_visible()
    expect(page.locator("#draft-form[data-state=ready]")).to_be_visible()


def test_from_a_form_to_the_next_bills(signed_in, office) -> None:
    page = begin(signed_in)
    page.get_by_label("energy peak: Price").first.fill("4.60")
    expect(page.get_by_text("Not saved yet")).to_be_visible()
    save(page)
    open_text(page)
    expect(page.locator(".cm-content")).to_contain_text("price: 4.60")

    tab(page, "Try it")
    for zone in ("half_peak", "night", "peak"):
        page.get_by_label(f"Use, {zone.replace('_', '-')}").fill("100")
    # 300 kWh reach the second tier: 50 of each zone at 4.60, 3.00, 1.20 and 50 at 5.70, 3.80, 1.50; 990 and VAT 198.
    expect(page.locator("#draft-total")).to_have_text("1,188.00")
    expect(page).to_have_url(re.compile("usage.night=100"))
    page.get_by_label("Name of the case").fill("300 kWh by hand")
    page.get_by_role("button", name="Keep the case").click()
    expect(page.get_by_text("1 passes")).to_be_visible()

    tab(page, "Differences")
    page.get_by_label("Note: what changes").fill("Order 57")
    page.get_by_role("button", name="Submit for publication").click()
    expect(page.get_by_text("Waiting for publication")).to_be_visible()
    expect(page.get_by_role("button", name="Publish")).to_have_count(0)

    other: Page = signed_in("accountant", "/tariffs/")
    other.get_by_role("link", name="Zones from June").click()
    expect(other.get_by_role("button", name="Save")).to_have_count(0)
    tab(other, "Differences")
    expect(other.get_by_text("1 test case passes")).to_be_visible()
    other.get_by_role("button", name="Publish").click()
    expect(other.locator("#toasts").get_by_text("The tariff is published.")).to_be_visible()
    other.goto(f"/tariffs/{CODE}/")
    expect(other.get_by_text("300 kWh by hand")).to_be_visible()
    assert billed_by_the_new_tariff() > 0


def billed_by_the_new_tariff() -> int:
    """VAT, in kopecks, in the preview of June after one account took the new tariff; only that tariff adds VAT."""
    from mains.billing.actions.runs import preview_run
    from mains.customers.actions.registry import sign_agreement
    from mains.customers.models import Agreement
    from mains.tariffs.models import Tariff

    agreement = Agreement.objects.select_related("account", "provider").filter(
        tariff__code="ru-electricity-three-zone", superseded_at=None, valid__contains=date(2021, 6, 1)
    )[0]
    sign_agreement(
        account=agreement.account,
        service_point_id=agreement.service_point_id,
        tariff_id=Tariff.objects.get(code=CODE).pk,
        provider=agreement.provider,
        category=agreement.category,
        valid_from=date(2021, 6, 1),
        actor=None,
        now=datetime(2021, 6, 8, tzinfo=UTC),
    )
    preview = preview_run(month=date(2021, 6, 1), now=datetime(2021, 7, 5, tzinfo=UTC))
    amounts = {row["component"]: row["amount_minor"] for row in preview.components.to_dicts()}
    return amounts.get("vat_charge", 0)


def test_faults_are_told_while_typing_and_lead_to_their_place(signed_in, office) -> None:
    page = begin(signed_in)
    formula = page.locator("#f-components-3-formula")
    formula.fill("vat * charges * usage")
    fault = page.locator(".faults a")
    expect(fault).to_be_visible()
    expect(page.locator("#faults")).to_contain_text("kWh is left over")
    fault.click()
    expect(formula).to_be_focused()
    expect(formula).to_have_attribute("aria-invalid", "true")
    formula.fill("vat * charges")
    expect(page.get_by_text("No faults")).to_be_visible()
    page.get_by_role("button", name="Add a tier: peak", exact=True).click()
    expect(page.get_by_label("energy peak: Up to")).to_have_count(3)
    page.get_by_label("energy peak: Up to").nth(2).fill("700")
    expect(page.locator("#faults")).to_contain_text("The limit is not above the limit before it.")
    page.get_by_label("energy peak: Up to").nth(2).fill("1600")
    expect(page.get_by_text("No faults")).to_be_visible()
    page.get_by_label("First day of a new version").fill("2021-09-01")
    page.get_by_role("button", name="Copy the last version").click()
    expect(page.get_by_text("2 versions")).to_be_visible()
    save(page)
    open_text(page)
    page.locator(".cm-content").click()
    page.keyboard.press("Control+End")
    page.keyboard.type("nonsense: 1")
    expect(page.locator(".faults a")).to_be_visible()
    expect(page.locator(".cm-lint-marker-error")).to_be_visible()


def test_nothing_typed_is_lost(signed_in, office) -> None:
    page = begin(signed_in)
    page.on("dialog", lambda dialog: dialog.accept())
    open_text(page)
    page.locator(".cm-content").click()
    page.keyboard.press("Control+Home")
    page.keyboard.type("# not saved\n")
    expect(page.get_by_text("Not saved yet")).to_be_visible()
    # The session ends; the next check leads to the sign-in page.
    cookies = page.context.cookies()
    page.context.clear_cookies(name="sessionid")
    page.keyboard.type("# nor this\n")
    page.wait_for_url("**/sign-in/**")
    page.context.add_cookies(cookies)
    page.goto("/tariffs/")
    page.get_by_role("link", name="Zones from June").click()
    open_text(page)
    expect(page.get_by_text("This browser kept text that was not saved")).to_be_visible()
    page.get_by_role("button", name="Bring it back").click()
    expect(page.locator(".cm-content")).to_contain_text("# nor this")
    save(page)
    expect(page.get_by_text("This browser kept text")).to_be_hidden()
    # In the form as well.
    tab(page, "Form")
    expect(page.locator("#draft-form[data-state=ready]")).to_be_visible()
    page.get_by_label("energy night: Price").first.fill("1.33")
    expect(page.get_by_text("Not saved yet")).to_be_visible()
    page.reload()
    page.get_by_role("button", name="Bring it back").click()
    expect(page.get_by_label("energy night: Price").first).to_have_value("1.33")
    save(page)
    page.reload()
    expect(page.get_by_label("energy night: Price").first).to_have_value("1.33")


@pytest.mark.parametrize("path", ["", "text/", "try/", "cases/", "changes/", "history/"])
def test_a_draft_fits_a_phone(signed_in, office, path) -> None:
    page: Page = signed_in(
        "tariff_specialist", f"/tariff-drafts/{office.draft_id}/{path}", width=360, dark=True
    )
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_what_is_typed_is_tried_unsaved_and_kept(signed_in, office) -> None:
    """The form's text goes along to the trial and comes back; nothing is saved, nothing is lost."""
    page = begin(signed_in)
    page.get_by_label("energy night: Price").first.fill("9.99")
    expect(page.get_by_text("Not saved yet")).to_be_visible()
    page.get_by_role("button", name="Try it as it stands").click()
    expect(page.get_by_text("This text is not saved yet")).to_be_visible()
    before = page.locator("#draft-total").text_content()
    page.get_by_label("Use, night").fill("900")
    expect(page.locator("#draft-total")).not_to_have_text(before or "")
    page.get_by_role("button", name="Go on in the form").click()
    expect(page.get_by_label("energy night: Price").first).to_have_value("9.99")
    expect(page.get_by_text("Not saved yet")).to_be_visible()
    save(page)
    expect(page.get_by_label("energy night: Price").first).to_have_value("9.99")
