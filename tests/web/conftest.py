"""The site of the shell's parts, and a person who signs in to it."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from django.urls import clear_url_caches
from playwright.sync_api import expect
from pytest_django.fixtures import Settings

from mains.staff.models import User

# A busy machine is no fault of the page.
expect.set_options(timeout=15_000)


@pytest.fixture(scope="session")
def shell_module() -> ModuleType:
    """`shell_site.py`, loaded by path: the tests are no package."""
    path = Path(__file__).parent / "shell_site.py"
    spec = importlib.util.spec_from_file_location("shell_site", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def shell_site(settings: Settings, shell_module: ModuleType) -> Iterator[None]:
    """Serve the gallery of parts instead of the office's own pages."""
    settings.ROOT_URLCONF = shell_module.ShellSite
    clear_url_caches()
    yield
    clear_url_caches()


@pytest.fixture
def clerk(db: None) -> User:
    """Ada Bello, who may sign in; her password is `meter-17-blue`."""
    return User.objects.create_user(
        "ada.bello", password="meter-17-blue", first_name="Ada", last_name="Bello"
    )
