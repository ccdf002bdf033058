"""State the kinds of documents: their names, how long they are kept, and what must have one."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import yaml
from django.db import models, transaction

from mains.documents.models import DocumentKind
from mains.documents.values import SubjectKind
from mains.kernel.errors import MainsError

_FIELDS = {"names", "keep_years", "keeps_while_open", "demanded_of"}


class UnableToStateKinds(MainsError):
    """The file of kinds is not as it must be."""


def state_kinds(*, document: str, actor: models.Model | None, now: datetime) -> int:
    """State kinds from YAML, `code: {names: {en: …}, keep_years: 5, keeps_while_open: true, demanded_of: agreement}`;
    how many were new or changed. What is not in the file stays. Raises UnableToStateKinds.
    """
    try:
        told = yaml.safe_load(document)
    except yaml.YAMLError as error:
        raise _unable(f"The file is no YAML: {str(error).splitlines()[0]}.", "file") from error
    if not isinstance(told, dict) or not told:
        raise _unable("The file names no kinds.", "file")
    wanted = [_kind(str(code), row) for code, row in told.items()]
    changed = 0
    with transaction.atomic():
        for kind in wanted:
            changed += _state(kind, actor=actor, now=now)
    return changed


def _kind(code: str, row: Any) -> DocumentKind:
    place = f"kind {code}"
    if not isinstance(row, Mapping) or not set(row) <= _FIELDS:
        raise _unable(f"A kind has {', '.join(sorted(_FIELDS))}.", place)
    names = row.get("names")
    if not isinstance(names, Mapping) or not str(names.get("en") or "").strip():
        raise _unable("A kind has a name in English.", place)
    years = row.get("keep_years")
    if years is not None and (type(years) is not int or not 0 <= years <= 1000):
        raise _unable("keep_years is a whole number of years, or left out: for ever.", place)
    demanded_of = str(row.get("demanded_of") or "")
    if demanded_of and demanded_of not in SubjectKind.values:
        raise _unable(f"demanded_of is one of {', '.join(SubjectKind.values)}.", place)
    if not 1 <= len(code) <= 40:
        raise _unable("A code has 1 to 40 characters.", place)
    return DocumentKind(
        code=code,
        names={str(language): str(name)[:100] for language, name in names.items()},
        keep_years=years,
        keeps_while_open=bool(row.get("keeps_while_open", True)),
        demanded_of=demanded_of,
    )


def _state(kind: DocumentKind, *, actor: models.Model | None, now: datetime) -> bool:
    """Whether the kind is new or said otherwise than before."""
    before = DocumentKind.objects.filter(code=kind.code, superseded_at=None).first()
    if before is not None:
        if all(getattr(before, field) == getattr(kind, field) for field in _FIELDS):
            return False
        DocumentKind.objects.filter(pk=before.pk).update(superseded_at=now)
    kind.recorded_at, kind.recorded_by_id = now, actor.pk if actor else None
    kind.save(force_insert=True)
    return True


def _unable(message: str, place: str) -> UnableToStateKinds:
    return UnableToStateKinds(
        code="document-kinds-file",
        message=message,
        place=place,
        remedy="See src/mains/packs/document_kinds.yaml for an example.",
    )
