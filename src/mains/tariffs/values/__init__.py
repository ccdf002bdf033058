"""States of a tariff draft, the steps of its life, and the pure parts: edits of the text, differences by meaning."""

from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _

DOCUMENT_CHARACTERS_MAX = 200_000
"""Of a draft. The longest published tariff we know has 20,000; more than this is checked too slowly to type in."""


class DraftState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    SUBMITTED = "submitted", _("Waiting for publication")
    PUBLISHED = "published", _("Published")
    REFUSED = "refused", _("Refused")
    WITHDRAWN = "withdrawn", _("Withdrawn")


OPEN_STATES = (DraftState.DRAFT, DraftState.SUBMITTED)


class DraftStepKind(models.TextChoices):
    BEGUN = "begun", _("Begun")
    SAVED = "saved", _("Saved")
    REBASED = "rebased", _("Compared with the edition in force")
    SUBMITTED = "submitted", _("Submitted")
    PUBLISHED = "published", _("Published")
    REFUSED = "refused", _("Refused")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    RESUMED = "resumed", _("Taken up again")


@dataclass(frozen=True)
class Fault:
    """Something wrong with a document. `path` leads to the place inside it, `line` counts from 1 when it is known."""

    code: str
    message: str
    remedy: str = ""
    clause: str = ""
    line: int | None = None
    path: tuple[str | int, ...] = ()
