"""Whether every file that proves something lies in its place, unchanged, and what lies there for nothing."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from django.db.models import Exists, OuterRef, Q, QuerySet

from mains.documents.models import Document, StoredFile
from mains.documents.queries.files import INCOMING, UnableToOpenFile, files_folder, open_file

YOUNG_SECONDS = 24 * 3600
"""What is younger may belong to an upload that goes on."""

_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass
class FilesFound:
    """What a look at all files found: hashes, but `strange` and `left_behind` are paths below the folder of files."""

    checked: int = 0
    checked_bytes: int = 0
    damaged: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    unreferenced: list[str] = field(default_factory=list)
    left_behind: list[Path] = field(default_factory=list)
    strange: list[Path] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        return not (self.damaged or self.missing or self.strange)


def referenced_files() -> "QuerySet[StoredFile]":
    """The files that a fact of any context points to; documents that were disposed of point to nothing."""
    is_referenced = Q()
    for relation in StoredFile._meta.related_objects:
        pointing = relation.related_model._base_manager.filter(**{relation.field.name: OuterRef("pk")})
        if relation.related_model is Document:
            pointing = pointing.filter(superseded_at=None)
        is_referenced |= Q(Exists(pointing))
    return StoredFile.objects.filter(is_referenced)


def check_files(*, on_progress: Callable[[int], None] = lambda _count: None) -> FilesFound:
    """Hold every file against its hash and the folder against the tables. Reads all bytes; changes nothing."""
    found = FilesFound()
    names: set[str] = set()
    for sha256, size in (
        referenced_files().order_by("pk").values_list("sha256", "size_bytes").iterator(chunk_size=2000)
    ):
        names.add(sha256)
        found.checked += 1
        found.checked_bytes += size
        on_progress(found.checked)
        try:
            open_file(sha256=sha256).close()
        except UnableToOpenFile as error:
            (found.missing if error.code == "file-missing" else found.damaged).append(sha256)
    _look_at_folder(found, names)
    return found


def _look_at_folder(found: FilesFound, referenced: set[str]) -> None:
    folder = files_folder()
    if not folder.exists():
        return
    oldest_young = time.time() - YOUNG_SECONDS
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        place = path.relative_to(folder)
        name = path.name.removesuffix(".jpg") if place.parts[0] == "small" else path.name
        if place.parts[0] == INCOMING:
            if path.stat().st_mtime < oldest_young:
                found.left_behind.append(place)
        elif not _HASH.fullmatch(name) or place.parts[-2] != name[:2]:
            found.strange.append(place)
        elif place.parts[0] != "small" and name not in referenced and path.stat().st_mtime < oldest_young:
            found.unreferenced.append(name)
