"""Fixtures of the whole suite: a browser, and pages that fail a test when the browser complains."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection
from django.utils import translation
from playwright.sync_api import Browser, ConsoleMessage, Page, StorageState, expect, sync_playwright
from pytest_django.plugin import DjangoDbBlocker

from longest_modules import running_order
from mains.base.kept_connections import close_kept_connections
from template_databases import migrated

# A busy machine is no fault of the page.
expect.set_options(timeout=15_000)

BROWSER_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER_FLAGS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long modules first: `--no-loadscope-reorder` leaves the order to us."""
    order = running_order([_module(item) for item in items])
    items.sort(key=lambda item: order(_module(item)))


def _module(item: pytest.Item) -> str:
    return item.nodeid.split("::", 1)[0]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings: None, django_db_blocker: DjangoDbBlocker
) -> None:
    """Each worker's test database is a copy: the migrations are applied once in a run."""
    with django_db_blocker.unblock():
        connection.settings_dict["TEST"]["TEMPLATE"] = migrated()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """The test database is dropped at the end, so nobody may be connected to it any more."""
    yield
    close_kept_connections()


@pytest.fixture(autouse=True)
def speak_english() -> Iterator[None]:
    """A page asked for in another language leaves it active in the thread; each test begins in English."""
    with translation.override("en"):
        yield


def find_browser() -> str | None:
    """Path of the system's Chromium, or None. MAINS_BROWSER names another one."""
    named = os.environ.get("MAINS_BROWSER")
    return named or next((path for name in BROWSER_NAMES if (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One headless Chromium per worker."""
    path = find_browser()
    if path is None:
        pytest.fail(
            "No Chromium found. Install it (Debian: apt-get install chromium) or set MAINS_BROWSER.",
            pytrace=False,
        )
    # The synchronous API of Playwright keeps an event loop in this thread, which Django takes for
    # asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    flags = [*BROWSER_FLAGS, "--no-sandbox"] if os.getuid() == 0 else BROWSER_FLAGS
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=flags)
        yield running
        running.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def open_window(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens pages in a fresh browser profile each: `open_window("http://localhost:8000", "/path/", width=360)`;
    `state` is what an earlier profile kept.

    At the end the test fails when any page logged an error, raised an exception or broke the content security
    policy.
    """
    complaints: list[str] = []
    contexts = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            complaints.append(f"{message.text} ({message.location.get('url', '')})")

    def open_one(
        address: str,
        path: str,
        *,
        width: int = 1440,
        height: int = 900,
        locale: str = "en",
        dark: bool = False,
        state: StorageState | None = None,
    ) -> Page:
        context = browser.new_context(
            base_url=address,
            storage_state=state,
            viewport={"width": width, "height": height},
            locale=locale,
            color_scheme="dark" if dark else "light",
        )
        # A busy machine is no fault of the page.
        context.set_default_timeout(30_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert not complaints, "The browser complained:\n" + "\n".join(complaints)


@pytest.fixture
def open_page(live_server: object, open_window: Callable[..., Page]) -> Callable[..., Page]:
    """Opens pages of the live server: `open_page("/path/", width=360, locale="ru")`."""

    def open_one(path: str = "/", **window: object) -> Page:
        return open_window(str(live_server), path, **window)

    return open_one


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    """The start page in a desktop-sized window."""
    return open_page("/")


@pytest.fixture
def repository() -> Path:
    """Root of the source checkout."""
    return Path(__file__).resolve().parents[1]
