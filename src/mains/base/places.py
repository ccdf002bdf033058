"""Where an installation keeps its files: the folder named by MAINS_HOME."""

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


def checkout_folder() -> Path | None:
    """The source checkout this code runs from, or None when it is an installed wheel."""
    root = PACKAGE.parents[1]
    return root if (root / "pyproject.toml").is_file() and PACKAGE.parent.name == "src" else None


def home_folder() -> Path:
    """MAINS_HOME, by default `var` in a checkout and `~/.local/share/mains` elsewhere.

    It may not exist yet.
    """
    named = os.environ.get("MAINS_HOME")
    if named:
        return Path(named).expanduser().resolve()
    checkout = checkout_folder()
    return checkout / "var" if checkout else Path.home() / ".local" / "share" / "mains"


def private_folder(path: Path) -> Path:
    """`path`, created with mode 0700 when it does not exist."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path
