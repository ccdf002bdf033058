"""People of the demo utility in a browser."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, StorageState

from demo_cast import Utility


@pytest.fixture(scope="module")
def passes() -> dict[str, StorageState]:
    """The cookies of those who have signed in, by role."""
    return {}


@pytest.fixture
def enter(
    utility: Utility, open_window: Callable[..., Page], passes: dict[str, StorageState]
) -> Callable[..., Page]:
    """`enter("clerk", "/accounts/", width=360)`: the page that a person of that role sees, signed in."""

    def sign_in(role: str) -> None:
        username, password = utility.logins[role]
        page = open_window(utility.address, "/sign-in/")
        page.locator("input[name=username]").fill(username)
        page.locator("input[name=password]").fill(password)
        page.locator("form button.btn-primary").click()
        page.wait_for_url(f"{utility.address}/")
        passes[role] = page.context.storage_state()

    def show(role: str, path: str = "/", **window: object) -> Page:
        if role not in passes:
            sign_in(role)
        return open_window(utility.address, path, state=passes[role], **window)

    return show


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str, str], str]:
    """Writes a file and gives its path."""

    def write(name: str, text: str) -> str:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write
