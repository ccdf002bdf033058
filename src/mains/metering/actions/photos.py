"""Photos kept with the readings that they show."""

from collections.abc import Iterable
from datetime import datetime

from django.db import models

from mains.documents.actions.files import KeptFile, keep_file
from mains.metering.models import ReadingPhoto


def keep_photo(
    *, chunks: Iterable[bytes] | None, actor: models.Model | None, now: datetime
) -> KeptFile | None:
    """The file of a photo, if one was sent; to be attached once it is known what it shows. Raises UnableToKeepFile."""
    return None if chunks is None else keep_file(chunks=chunks, actor=actor, now=now)


def attach_photo(
    *,
    file: KeptFile | None,
    reading_id: int | None,
    exception_id: int | None = None,
    actor: models.Model | None,
    now: datetime,
) -> None:
    """Let the file prove the reading, or else the one that waits; the same again changes nothing."""
    if file is None or (reading_id is None and exception_id is None):
        return
    photo = ReadingPhoto(
        file_id=file.id,
        reading_id=reading_id,
        exception_id=None if reading_id else exception_id,
        recorded_at=now,
        recorded_by_id=actor.pk if actor else None,
    )
    ReadingPhoto.objects.bulk_create([photo], ignore_conflicts=True)


def pass_photos_on(*, exception_id: int, reading_id: int) -> None:
    """What proved a waiting reading proves the fact that it became, as told then."""
    waiting = ReadingPhoto.objects.filter(exception_id=exception_id)
    ReadingPhoto.objects.bulk_create(
        [
            ReadingPhoto(
                file_id=photo.file_id,
                reading_id=reading_id,
                recorded_at=photo.recorded_at,
                recorded_by_id=photo.recorded_by_id,
            )
            for photo in waiting.order_by("pk")
        ],
        ignore_conflicts=True,
    )
