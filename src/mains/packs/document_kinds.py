"""The kinds of documents that every utility begins with."""

from datetime import datetime
from pathlib import Path

from mains.documents.actions.kinds import state_kinds

_FILE = Path(__file__).with_suffix(".yaml")


def standard_kinds() -> str:
    """The YAML of the kinds that come with Mains."""
    return _FILE.read_text(encoding="utf-8")


def state_standard_kinds(*, now: datetime) -> int:
    """State them; how many were new or changed."""
    return state_kinds(document=standard_kinds(), actor=None, now=now)
