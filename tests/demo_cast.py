"""A demo utility that the command line built in a home of its own, served as production does."""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page

from mains.base import embedded
from mains.base.address import socket_folder
from template_databases import fill_home

_COMMAND = [sys.executable, "-m", "mains"]
# Guards against what never ends; a busy machine is no fault of the utility.
_PATIENCE_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class Utility:
    """A demo utility. `summary` is what `mains demo` printed, `logins` username and password by role."""

    environment: dict[str, str]
    summary: str
    address: str
    logins: dict[str, tuple[str, str]]

    def mains(self, *arguments: str, code: int = 0) -> str:
        """What a command prints; it must end with exit code `code` and never with a traceback."""
        done = _run(self.environment, *arguments)
        told = done.stdout + done.stderr
        assert "Traceback" not in told, told
        assert done.returncode == code, told
        return told

    @property
    def paper(self) -> Path:
        """The bill that the demo printed."""
        return Path(_after(self.summary, "A bill as PDF: "))

    @property
    def bill(self) -> str:
        """The number of that bill."""
        return _after(self.summary, "mains explain ")


@contextmanager
def demo_utility(pack: str, *, accounts: int, from_nothing: bool = False) -> Iterator[Utility]:
    """Build the demo with `mains demo`, serve it with `mains serve`; both and the database end with the block.

    The home has empty tables already, unless it is to be made `from_nothing`.
    """
    home = Path(tempfile.mkdtemp(prefix=f"mains-test-{os.getpid()}-journey-", dir="/tmp"))
    home.chmod(0o711)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MAINS_", "DJANGO_"))}
    environment = kept | {"MAINS_HOME": str(home), "COLUMNS": "200", "NO_COLOR": "1"}
    try:
        if not from_nothing:
            fill_home(home)
        built = _run(environment, "demo", "--pack", pack, "--accounts", str(accounts), "--no-serve")
        assert built.returncode == 0, built.stdout + built.stderr
        with _served(environment) as address:
            logins = (home / "demo-logins.txt").read_text("utf-8")
            yield Utility(
                environment=environment,
                summary=built.stdout,
                address=address,
                logins={line.split()[0]: tuple(line.split()[1:]) for line in logins.splitlines()},
            )
    finally:
        embedded.stop(home)
        shutil.rmtree(socket_folder(home), ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)


def minor(text: str) -> int:
    """An amount as pages show it (`−1,234.50`, `1 234,50`), in minor units."""
    digits = re.sub(r"\D", "", text)
    return -int(digits) if "\N{MINUS SIGN}" in text else int(digits)


def rows_and_total(page: Page) -> tuple[list[list[int]], list[int]]:
    """Amounts, in minor units, of the rows of the first table over all its pages, and of its foot."""
    rows: list[list[int]] = []
    while True:
        table = page.get_by_role("table").first
        texts = table.locator("tbody tr").evaluate_all(
            "rows => rows.map(row => [...row.querySelectorAll('td.num')].map(cell => cell.textContent))"
        )
        rows += [[minor(text) for text in row] for row in texts]
        total = [minor(text) for text in table.locator("tfoot td.num").all_text_contents()]
        following = page.locator("a[rel=next]")
        if not following.count():
            return rows, total
        page.goto(following.get_attribute("href") or "")


def column_sums(rows: list[list[int]]) -> list[int]:
    return [sum(column) for column in zip(*rows, strict=True)]


@contextmanager
def _served(environment: dict[str, str]) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [*_COMMAND, "serve", "--port", str(port), "--workers", "1"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as server:
        try:
            address = f"http://localhost:{port}"
            _wait_for(address, server)
            yield address
        finally:
            server.terminate()


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        assert server.poll() is None, "The server ended."
        try:
            urllib.request.urlopen(f"{address}/sign-in/", timeout=10).close()
        except urllib.error.URLError:
            assert time.monotonic() < deadline, "The server does not answer."
            time.sleep(0.1)
        else:
            return


def _run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*_COMMAND, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=_PATIENCE_SECONDS,
    )


def _after(text: str, sign: str) -> str:
    return text.split(sign, 1)[1].splitlines()[0].strip()
