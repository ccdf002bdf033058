"""What actions read of documents: the one with a file, its description, the kinds that there are."""

import json
from dataclasses import dataclass
from typing import Any

from mains.base.rows import fetch_rows

UNKNOWN_KIND = "other"
"""The kind of what nobody has looked at yet."""


@dataclass(frozen=True)
class KindRecord:
    """A kind of documents as it holds now; `names` by language, English always among them."""

    code: str
    names: dict[str, str]
    keep_years: int | None
    keeps_while_open: bool
    demanded_of: str

    def name(self, language: str) -> str:
        """Its name in the language, else in English."""
        return self.names.get(language) or self.names["en"]


def list_kinds() -> list[KindRecord]:
    """The kinds in the order of their codes, the unknown one last."""
    statement = """
        SELECT code, names::text, keep_years, keeps_while_open, demanded_of
        FROM documents_documentkind WHERE superseded_at IS NULL ORDER BY code = %(last)s, code
    """
    return fetch_rows(_kind, statement, {"last": UNKNOWN_KIND})


def _kind(code: str, names: str, *others: Any) -> KindRecord:
    return KindRecord(code, json.loads(names), *others)
