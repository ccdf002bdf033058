"""The shell in a browser: colours, sizes, languages, keyboard, focus, charts and maps."""

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from mains.staff.models import User

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("shell_site"),
]
OpenPage = Callable[..., Page]
CONTRAST = (Path(__file__).parent / "pages" / "contrast.js").read_text(encoding="utf-8")


def _signed_in(page: Page, clerk: User) -> Page:
    page.goto("/sign-in/?next=/")
    page.fill("input[name=username]", clerk.username)
    page.fill("input[name=password]", "meter-17-blue")
    page.press("input[name=password]", "Enter")
    page.wait_for_url("**/")
    return page


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("width", "locale"), [(1440, "en"), (360, "ru"), (360, "de")])
def test_pages_fit_and_every_text_can_be_read(
    open_page: OpenPage, width: int, locale: str, dark: bool
) -> None:
    page = open_page("/", width=width, locale=locale, dark=dark)
    page.locator("[data-island=chart][data-state=ready]").wait_for()
    page.locator("[data-tree-all=open]").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CONTRAST) == []


@pytest.mark.parametrize("locale", ["en", "ru", "tr", "zh-CN", "de", "fr"])
def test_the_sign_in_page_fits_a_phone_in_every_language(open_page: OpenPage, locale: str) -> None:
    page = open_page("/sign-in/", width=360, locale=locale)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.locator("html").get_attribute("lang") == {"zh-CN": "zh-hans"}.get(locale, locale)


def test_a_clerk_signs_in_and_out(open_page: OpenPage, clerk: User) -> None:
    page = open_page("/sign-in/")
    page.fill("input[name=username]", clerk.username)
    page.fill("input[name=password]", "wrong")
    page.press("input[name=password]", "Enter")
    expect(page.get_by_role("alert")).to_contain_text("Check the user name and the password")
    _signed_in(page, clerk)
    page.get_by_text("Your menu").locator("..").click()
    expect(page.locator(".menu-head")).to_contain_text("Ada Bello")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in/")


def test_the_language_switch_keeps_the_page(open_page: OpenPage) -> None:
    page = open_page("/accounts/?after=6")
    page.locator("summary[title=Language]").click()
    page.get_by_role("button", name="Русский").click()
    page.wait_for_url("**/accounts/?after=6")
    expect(page.locator("html")).to_have_attribute("lang", "ru")
    expect(page.get_by_role("link", name="Оборотная ведомость")).to_be_visible()
    expect(page.locator("tbody td.num").first).to_have_text("182,5\N{NO-BREAK SPACE}кВт·ч")


def test_the_chosen_colours_are_remembered(open_page: OpenPage) -> None:
    page = open_page("/")
    button = page.locator("#theme-button")
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    button.click()
    button.click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    assert page.evaluate(background) != light
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    expect(button).to_have_attribute("aria-label", "Colours: Dark colours")


def test_search_by_keyboard_alone(open_page: OpenPage) -> None:
    page = open_page("/")
    page.keyboard.press("/")
    expect(page.locator("#search-input")).to_be_focused()
    page.keyboard.type("ada")
    expect(page.get_by_role("option")).to_have_count(2)
    expect(page.locator("#announcer")).to_have_text("Results: 2")
    expect(page.locator("#search-input")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("option", name="Adaobi Okafor")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    page.wait_for_url("**/accounts/?found=2")


def test_search_waits_while_an_input_method_composes(open_page: OpenPage) -> None:
    page = open_page("/")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/search/" in request.url else None)
    compose = """(text) => {
        const input = document.querySelector('#search-input');
        input.focus();
        input.dispatchEvent(new CompositionEvent('compositionstart'));
        input.value = text;
        input.dispatchEvent(new InputEvent('input', {isComposing: true, bubbles: true}));
    }"""
    page.evaluate(compose, "ada")
    page.wait_for_timeout(500)
    assert asked == []
    page.evaluate(
        "document.querySelector('#search-input').dispatchEvent(new CompositionEvent('compositionend'))"
    )
    expect(page.get_by_role("option")).to_have_count(2)
    assert len(asked) == 1


def test_nothing_found_says_what_to_try(open_page: OpenPage) -> None:
    page = open_page("/")
    page.fill("#search-input", "zzz")
    expect(page.get_by_text("Try a part of the number, name or street.")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#search-results")).to_be_hidden()


def test_an_answer_that_comes_after_escape_stays_out_of_sight(open_page: OpenPage) -> None:
    page = open_page("/")
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    page.route("**/search/**", hold)
    with page.expect_request("**/search/**"):
        page.fill("#search-input", "ada")
    page.keyboard.press("Escape")
    with page.expect_response("**/search/**"):
        waiting[0].continue_()
    expect(page.locator("#search-results")).to_contain_text("Adaobi Okafor")
    page.wait_for_timeout(200)
    expect(page.locator("#search-results")).to_be_hidden()


def test_focus_stays_in_the_page_after_a_swap(open_page: OpenPage) -> None:
    page = open_page("/")
    page.get_by_role("button", name="Load a part").press("Enter")
    expect(page.get_by_role("heading", name="New part")).to_be_focused()
    expect(page.locator("#announcer")).to_have_text("Part replaced")


def test_a_failed_request_becomes_a_message_not_a_page_inside_a_page(
    browser: Browser, live_server: object
) -> None:
    page = browser.new_context(base_url=str(live_server), locale="en").new_page()
    page.goto("/")
    page.locator("#break").click()
    expect(page.locator("#toasts")).to_contain_text("nothing was half-stored")
    assert "Whole page" not in page.content()
    page.locator("#toasts [data-close]").click()
    expect(page.locator("#toasts .toast-note")).to_have_count(0)
    page.context.close()


def test_the_end_of_a_session_leads_to_the_sign_in_by_way_of_the_same_page(open_page: OpenPage) -> None:
    page = open_page("/accounts/?after=6")
    page.route(
        "**/part/", lambda route: route.fulfill(body='<!doctype html><body class="bare">Sign in</body>')
    )
    with page.expect_navigation(url="**/accounts/?after=6"):
        page.get_by_role("button", name="Load a part").click()
    expect(page.get_by_role("button", name="Load a part")).to_be_visible()


def test_keys_open_pages_and_can_be_switched_off(open_page: OpenPage) -> None:
    page = open_page("/")
    page.keyboard.press("g")
    page.keyboard.press("a")
    page.wait_for_url("**/accounts/")
    page.keyboard.press("?")
    help_sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(help_sheet).to_be_visible()
    help_sheet.get_by_label("Use single-key shortcuts").uncheck()
    page.keyboard.press("Escape")
    expect(help_sheet).to_be_hidden()
    page.locator("#main").focus()
    page.keyboard.press("/")
    expect(page.locator("#search-input")).not_to_be_focused()


def test_the_drawer_takes_the_focus_and_gives_it_back(open_page: OpenPage) -> None:
    page = open_page("/", width=360, height=740)
    expect(page.locator("#sidebar")).not_to_be_visible()
    page.locator("#drawer-button").click()
    expect(page.locator("#sidebar")).to_be_visible()
    assert page.evaluate("document.querySelector('#sidebar').contains(document.activeElement)")
    page.keyboard.press("Escape")
    expect(page.locator("#sidebar")).not_to_be_visible()
    expect(page.locator("#drawer-button")).to_be_focused()


def test_a_formula_is_walked_with_the_arrow_keys(open_page: OpenPage) -> None:
    page = open_page("/")
    page.locator(".formula-tree summary").first.focus()
    page.keyboard.press("ArrowDown")
    focused = "document.activeElement.querySelector('.formula-label').textContent"
    assert page.evaluate(focused) == "Energy"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(focused) == "Use in October"
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(focused) == "Energy"
    page.locator("[data-tree-all=open]").click()
    expect(page.get_by_text("Reading of 30 September")).to_be_visible()


def test_a_chart_has_its_exact_figures_in_a_table(open_page: OpenPage) -> None:
    page = open_page("/")
    card = page.locator("section", has=page.get_by_role("heading", name="Use by month"))
    card.locator("[data-state=ready] canvas").wait_for()
    card.get_by_role("button", name="Table").click()
    expect(card.locator("canvas")).to_be_hidden()
    expect(card.locator("tbody tr").nth(3)).to_have_text(re.compile(r"August 2026\s*–\s*214\.125.kWh"))


def test_a_map_is_drawn_or_its_list_is_shown(open_page: OpenPage) -> None:
    page = open_page("/")
    card = page.locator("section", has=page.get_by_role("heading", name="Where it is"))
    card.scroll_into_view_if_needed()
    card.locator("[data-state=ready], [data-state=failed]").wait_for(state="attached")
    if card.locator("[data-state=ready]").count():
        expect(card.locator("canvas")).to_be_visible()
        card.get_by_role("button", name="List").click()
    expect(card.get_by_role("cell", name="100 kVA")).to_be_visible()


def test_a_map_asks_for_the_places_in_view_when_it_is_moved(open_page: OpenPage) -> None:
    page = open_page("/sign-in/")
    with page.expect_request("**/places/?**") as first:
        page.goto("/follow/")
    page.locator("[data-state=ready]").wait_for()
    before = _question(first.value.url)
    assert before["west"] <= 7.4
    assert before["east"] >= 7.6
    with page.expect_request(
        lambda request: "zoom=" in request.url and _question(request.url) != before
    ) as second:
        page.get_by_role("button", name="Zoom in").click()
    after = _question(second.value.url)
    assert after["zoom"] == pytest.approx(before["zoom"] + 1, abs=0.1)
    assert before["west"] < after["west"] < 7.5 < after["east"] < before["east"]
    assert before["south"] < after["south"] < 9.05 < after["north"] < before["north"]


def _question(url: str) -> dict[str, float]:
    return {name: float(texts[0]) for name, texts in parse_qs(urlsplit(url).query).items()}


def test_good_news_passes_and_problems_stay(open_page: OpenPage) -> None:
    page = open_page("/?message")
    expect(page.locator(".toast-note[data-passing]")).to_have_text(re.compile("Reading accepted"))
    problem = page.locator(".toast-note", has_text="broken row")
    assert problem.get_attribute("data-passing") is None


def test_paper_shows_the_content_alone(open_page: OpenPage) -> None:
    page = open_page("/")
    page.emulate_media(media="print")
    for part in (".sidebar", ".header", ".page-actions"):
        expect(page.locator(part)).to_be_hidden()
    expect(page.get_by_text("Reading of 30 September")).to_be_visible()
