"""Checks of an installation, from the ground up; each finding says what to do."""

import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from importlib.util import find_spec

from mains.base import embedded
from mains.base.address import database_address
from mains.base.embedded.configuration import memory_mib
from mains.base.places import PACKAGE, checkout_folder, home_folder
from mains.config.start import list_pending_migrations, start_database
from mains.kernel.errors import MainsError

_GIB = 1024**3
_PORT = 8000
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_MODULES = (
    "adbc_driver_postgresql",
    "argon2",
    "babel",
    "csp",
    "django",
    "django_htmx",
    "granian",
    "numpy",
    "polars",
    "psycopg",
    "psycopg_pool",
    "pyarrow",
    "segno",
    "typst",
    "whitenoise",
    "xlsxwriter",
    "yaml",
)


class State(Enum):
    GOOD = "good"
    WARNING = "warning"
    BROKEN = "broken"
    UNKNOWN = "unknown"


_STOPS = (State.BROKEN, State.UNKNOWN)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Result of one check. `remedy` is empty when the state is good."""

    subject: str
    state: State
    detail: str
    remedy: str = ""


def examine() -> list[Finding]:
    """Every check in order; what stands on something broken is not examined.

    The embedded server is started, for that is the check that counts.
    """
    findings: dict[str, Finding] = {}
    for subject, check, needs in CHECKS:
        missing = next((need for need in needs if findings[need].state in _STOPS), None)
        findings[subject] = check() if missing is None else _waiting(subject, missing)
    return list(findings.values())


def _waiting(subject: str, missing: str) -> Finding:
    return Finding(subject=subject, state=State.UNKNOWN, detail=f"can be told once this is mended: {missing}")


def _good(subject: str, detail: str) -> Finding:
    return Finding(subject=subject, state=State.GOOD, detail=detail)


def _install_again() -> str:
    return "Run `make setup`." if checkout_folder() else "Install the wheel again, with its dependencies."


def check_packages() -> Finding:
    missing = [name for name in _MODULES if find_spec(name) is None]
    if missing:
        return Finding(
            subject="Packages",
            state=State.BROKEN,
            detail=f"missing: {', '.join(missing)}",
            remedy=_install_again(),
        )
    return _good("Packages", f"{len(_MODULES)} found")


def check_home() -> Finding:
    home = home_folder()
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=home):
            free = shutil.disk_usage(home).free
    except OSError as error:
        return Finding(
            subject="Data folder",
            state=State.BROKEN,
            detail=f"{home} cannot be written: {error.strerror}",
            remedy="Set MAINS_HOME to a folder that you may write.",
        )
    detail = f"{home}, {free / _GIB:.1f} GiB free"
    if free < 2 * _GIB:
        return Finding(
            subject="Data folder",
            state=State.WARNING,
            detail=detail,
            remedy="Free some disk; a small utility needs 2 GiB.",
        )
    return _good("Data folder", detail)


def check_memory() -> Finding:
    mib = memory_mib()
    if mib < 2048:
        return Finding(
            subject="Memory", state=State.WARNING, detail=f"{mib} MiB", remedy="Bill runs want 2 GiB or more."
        )
    return _good("Memory", f"{mib / 1024:.1f} GiB")


def check_secret() -> Finding:
    if os.environ.get("MAINS_SECRET_KEY"):
        if len(os.environ["MAINS_SECRET_KEY"]) < 32:
            return Finding(
                subject="Secret key",
                state=State.WARNING,
                detail="MAINS_SECRET_KEY is short",
                remedy="Set it to at least 50 random characters.",
            )
        return _good("Secret key", "from MAINS_SECRET_KEY")
    path = home_folder() / "secret_key"
    if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
        return Finding(
            subject="Secret key",
            state=State.BROKEN,
            detail=f"{path} can be read by others",
            remedy=f"Run `chmod 600 {path}`.",
        )
    return _good("Secret key", str(path))


def check_database() -> Finding:
    import psycopg

    try:
        address = start_database()
        with psycopg.connect(address.url(), connect_timeout=10) as connection:
            version = connection.info.server_version
    except MainsError as error:
        return Finding(subject="Database", state=State.BROKEN, detail=error.message, remedy=error.remedy)
    except psycopg.Error as error:
        remedy = (
            "Start that server, or correct DATABASE_URL, or unset it: then Mains runs a server of its own."
        )
        if database_address().is_embedded:
            remedy = f"See {embedded.server_log()}."
        detail = " ".join(str(error).split())
        return Finding(subject="Database", state=State.BROKEN, detail=detail, remedy=remedy)
    kind = "embedded" if address.is_embedded else "outside"
    detail = f"{kind} PostgreSQL {version // 10000}.{version % 10000}"
    if version < 150000:
        return Finding(
            subject="Database",
            state=State.BROKEN,
            detail=detail,
            remedy="Mains needs PostgreSQL 15 or later.",
        )
    return _good("Database", detail)


def check_tables() -> Finding:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mains.config.settings")
    import django

    try:
        django.setup()
        pending = list_pending_migrations()
    except MainsError as error:
        return Finding(subject="Tables", state=State.BROKEN, detail=error.message, remedy=error.remedy)
    if pending:
        return Finding(
            subject="Tables",
            state=State.WARNING,
            detail=f"{len(pending)} migrations are pending",
            remedy="Run `mains migrate` (`mains demo` does it too).",
        )
    return _good("Tables", "up to date")


def check_rights() -> Finding:
    """Permissions of a newer version that roles of an older database do not have."""
    from mains.staff.queries.roles import list_unheld_permissions

    if list_pending_migrations():
        return _waiting("Rights", "Tables")
    unheld = list_unheld_permissions()
    if unheld:
        return Finding(
            subject="Rights",
            state=State.WARNING,
            detail=f"no role may: {', '.join(unheld)}",
            remedy="Give it to a role: `mains registry grant ROLE PERMISSION`.",
        )
    return _good("Rights", "every permission is held by a role")


def check_front_end() -> Finding:
    built = PACKAGE / "web" / "static" / "dist"
    files = [path for path in built.rglob("*") if path.is_file()] if built.is_dir() else []
    if not files:
        return Finding(
            subject="Front end",
            state=State.BROKEN,
            detail=f"not built in {built}",
            remedy=_install_again(),
        )
    return _good("Front end", f"{len(files)} files")


def check_catalogues() -> Finding:
    folder = PACKAGE / "locale"
    sources = sorted(folder.glob("*/LC_MESSAGES/*.po"))
    stale = [path for path in folder.glob("*/LC_MESSAGES/*.po") if not path.with_suffix(".mo").exists()]
    found = sorted(folder.glob("*/LC_MESSAGES/*.mo"))
    if stale or not found:
        return Finding(
            subject="Translations",
            state=State.WARNING,
            detail=f"{len(stale)} of {len(sources)} catalogues are not compiled; pages are in English",
            remedy=_install_again(),
        )
    return _good("Translations", ", ".join(path.parents[1].name for path in found))


def check_pdf() -> Finding:
    """Typst and the fonts come with the packages: nothing of the system is needed."""
    import typst

    fonts = typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[os.fspath(PACKAGE / "reporting" / "fonts")],
    )
    if not fonts.families():
        return Finding(
            subject="PDF",
            state=State.BROKEN,
            detail="the fonts of bills are missing",
            remedy=_install_again(),
        )
    return _good("PDF", ", ".join(fonts.families()))


def check_port() -> Finding:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", _PORT))
        except OSError:
            return Finding(
                subject="Port",
                state=State.WARNING,
                detail=f"{_PORT} is taken, by Mains itself perhaps",
                remedy=f"Serve on another one: `mains serve --port {_PORT + 1}`.",
            )
    return _good("Port", f"{_PORT} is free")


def check_browser() -> Finding:
    """Only the tests of a checkout need one."""
    names = [os.environ.get("MAINS_BROWSER", ""), *_BROWSERS]
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if found:
        return _good("Test browser", found)
    return Finding(
        subject="Test browser",
        state=State.WARNING,
        detail="no Chromium; `make test` cannot run the browser tests",
        remedy="As root run `apt-get install chromium`, or name a browser in MAINS_BROWSER.",
    )


CHECKS: tuple[tuple[str, Callable[[], Finding], tuple[str, ...]], ...] = (
    ("Packages", check_packages, ()),
    ("Data folder", check_home, ()),
    ("Memory", check_memory, ()),
    ("Secret key", check_secret, ("Data folder",)),
    ("Database", check_database, ("Packages", "Data folder")),
    ("Tables", check_tables, ("Packages", "Secret key", "Database")),
    ("Rights", check_rights, ("Tables",)),
    ("Front end", check_front_end, ()),
    ("Translations", check_catalogues, ()),
    ("PDF", check_pdf, ("Packages",)),
    ("Port", check_port, ()),
    *((("Test browser", check_browser, ()),) if checkout_folder() else ()),
)
"""Subject, check, and the subjects that it stands on."""
