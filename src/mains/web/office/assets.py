"""Addresses of the built front end, read from the manifest that Vite writes."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static

DIST = "dist"


def asset_url(source: str) -> str:
    """Public address of a built file by its source name, `src/logo.svg`.

    Raises ImproperlyConfigured when it was not built.
    """
    return static(f"{DIST}/{_entry(source)['file']}")


def style_urls(entry: str) -> list[str]:
    """Style sheets of an entry such as `office`."""
    return [static(f"{DIST}/{name}") for name in _entry(f"src/{entry}.ts").get("css", [])]


def module_urls(entry: str) -> list[str]:
    """The script of an entry, then the shared chunks it imports at once: the page preloads those."""
    chunk = _entry(f"src/{entry}.ts")
    shared = [_entry(name)["file"] for name in chunk.get("imports", [])]
    return [static(f"{DIST}/{name}") for name in [chunk["file"], *shared]]


def _entry(name: str) -> dict[str, Any]:
    found = finders.find(f"{DIST}/manifest.json")
    if not isinstance(found, str):
        raise ImproperlyConfigured(
            "The front end is not built. Run `make setup`, or `npm ci && npm run build` in frontend/."
        )
    path = Path(found)
    # The time of change is part of the key: a new build is seen without a restart.
    manifest = _manifest(path, path.stat().st_mtime_ns)
    if name not in manifest:
        raise ImproperlyConfigured(f"The front end has no file {name}. Build it again with `make setup`.")
    entry: dict[str, Any] = manifest[name]
    return entry


@lru_cache(maxsize=2)
def _manifest(path: Path, _changed_ns: int) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
