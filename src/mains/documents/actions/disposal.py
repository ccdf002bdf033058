"""Disposal: documents past their time are listed by one person and confirmed by another; then their bytes go."""

from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path

from django.db import models, transaction

from mains.documents.models import (
    Disposal,
    DisposalConfirmation,
    Document,
    DocumentWords,
    LegalHold,
    StoredFile,
)
from mains.documents.queries.files import files_folder, path_of, small_path_of
from mains.documents.queries.integrity import referenced_files
from mains.kernel.errors import MainsError


class UnableToDispose(MainsError):
    """Nothing is past its time, the list is confirmed already, or the same person asks for both."""


def propose_disposal(*, document_ids: Sequence[int], actor: models.Model, now: datetime) -> Disposal:
    """Keep the list of documents past their time for a second person. Raises UnableToDispose."""
    if not document_ids:
        raise _unable("disposal-empty", "No document is past its time.", "Nothing is to be done.")
    return Disposal.objects.create(
        proposed_by_id=actor.pk, proposed_at=now, document_ids=sorted(document_ids)
    )


def confirm_disposal(
    *, disposal_id: int, due_ids: Collection[int], actor: models.Model, now: datetime
) -> list[int]:
    """Dispose of the documents of a list that are past their time still (`due_ids`, read anew) and not on hold.

    Returns their ids. The rows stay and say what there was. Raises UnableToDispose.
    """
    with transaction.atomic():
        disposal = Disposal.objects.select_for_update().filter(pk=disposal_id).first()
        if disposal is None:
            raise _unable("disposal-unknown", "There is no such list.", "Make one: mains archive propose.")
        if DisposalConfirmation.objects.filter(disposal=disposal).exists():
            raise _unable("disposal-done", "The list is confirmed already.", "Make a new one.")
        if disposal.proposed_by_id == actor.pk:
            raise _unable("disposal-alone", "The list is your own.", "Another person confirms it.")
        wanted = sorted(set(disposal.document_ids) & set(due_ids))
        locked = Document.objects.select_for_update().filter(pk__in=wanted, superseded_at=None)
        open_ids = list(locked.order_by("pk").values_list("pk", flat=True))
        held = set(
            LegalHold.objects.filter(document_id__in=open_ids, superseded_at=None).values_list(
                "document_id", flat=True
            )
        )
        gone = [document_id for document_id in open_ids if document_id not in held]
        Document.objects.filter(pk__in=gone).update(superseded_at=now)
        DocumentWords.objects.filter(document_id__in=gone).delete()
        DisposalConfirmation.objects.create(
            disposal=disposal,
            proposed_by_id=disposal.proposed_by_id,
            confirmed_by_id=actor.pk,
            confirmed_at=now,
            document_ids=gone,
        )
        files = list(StoredFile.objects.filter(documents__in=gone).values_list("sha256", flat=True))
    for sha256 in files:
        remove_unreferenced(sha256=sha256)
    return gone


def remove_unreferenced(*, sha256: str) -> bool:
    """Remove the bytes of a file to which nothing points; whether they were removed."""
    with transaction.atomic():
        # Who keeps the same file meanwhile waits here, and then puts the bytes again.
        row = StoredFile.objects.select_for_update().filter(sha256=sha256).first()
        if row is not None and referenced_files().filter(pk=row.pk).exists():
            return False
        path_of(sha256).unlink(missing_ok=True)
        small_path_of(sha256).unlink(missing_ok=True)
    return True


def remove_left_behind(*, places: Sequence[Path]) -> int:
    """Remove what killed uploads left, as `check_files` found it."""
    for place in places:
        (files_folder() / place).unlink(missing_ok=True)
    return len(places)


def _unable(code: str, message: str, remedy: str) -> UnableToDispose:
    return UnableToDispose(code=code, message=message, place="disposal", remedy=remedy)
