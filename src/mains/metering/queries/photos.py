"""Photos of readings. Callers come with readings that the person was allowed to see, or ask for the payers first."""

from collections.abc import Sequence
from dataclasses import dataclass

from mains.base.rows import fetch_row, fetch_rows
from mains.documents.values import FileKind


@dataclass(frozen=True)
class PhotoRecord:
    """A photo or scan and what it shows: a reading, or one that waits for a person; `sha256` is its file."""

    id: int
    reading_id: int | None
    exception_id: int | None
    sha256: str
    kind_code: str

    @property
    def kind(self) -> FileKind:
        return FileKind(self.kind_code)


_PHOTOS = """
SELECT p.id, p.reading_id, p.exception_id, f.sha256, f.kind
FROM metering_readingphoto p JOIN documents_storedfile f ON f.id = p.file_id
"""


def find_photo(*, photo_id: int) -> PhotoRecord | None:
    """One photo; the caller checks that the person sees what it shows."""
    return fetch_row(PhotoRecord, f"{_PHOTOS} WHERE p.id = %(id)s", {"id": photo_id})


def photos_of_readings(*, reading_ids: Sequence[int]) -> dict[int, list[PhotoRecord]]:
    """The photos by reading, in the order of their coming."""
    return _grouped("reading_id", reading_ids)


def photos_of_exceptions(*, exception_ids: Sequence[int]) -> dict[int, list[PhotoRecord]]:
    """The photos by reading that waits, in the order of their coming."""
    return _grouped("exception_id", exception_ids)


def _grouped(column: str, ids: Sequence[int]) -> dict[int, list[PhotoRecord]]:
    found: dict[int, list[PhotoRecord]] = {}
    if not ids:
        return found
    for photo in fetch_rows(
        PhotoRecord, f"{_PHOTOS} WHERE p.{column} = ANY(%(ids)s) ORDER BY p.id", {"ids": list(ids)}
    ):
        found.setdefault(getattr(photo, column), []).append(photo)
    return found
