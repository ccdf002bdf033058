"""E-mail into the archive: attachments of a message, filed to the account that it names, else into the inbox."""

import re
from dataclasses import dataclass
from datetime import datetime

from django.db import models

from mains.base.rows import fetch_rows
from mains.documents.actions.archive import Described, file_document, title_of_file
from mains.documents.queries.mail import Message, read_message
from mains.documents.queries.records import UNKNOWN_KIND
from mains.documents.values import TITLE_LENGTH, Source, Subject, SubjectKind
from mains.kernel.errors import MainsError

_CANDIDATE = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{2,19}")
_CANDIDATES_MAX = 5_000


@dataclass(frozen=True)
class Taken:
    """What became of an attachment: the document, new or known, or why it was refused."""

    name: str
    document_id: int | None
    is_new: bool
    refusal: MainsError | None


@dataclass(frozen=True)
class MessageTaken:
    """What became of a message; `account_number` is empty when it names no account, or several."""

    subject: str
    account_number: str
    attachments: tuple[Taken, ...]


def take_message(
    *, content: bytes, unit_id: int | None, actor: models.Model | None, now: datetime
) -> MessageTaken:
    """File the attachments of a message; one that is refused keeps no other out. Without an account they lie in the
    inbox of the unit, or of the whole utility. Raises UnableToReadMessage.
    """
    message = read_message(content)
    account_id, number = _account(message)
    subjects = [Subject(SubjectKind.ACCOUNT, account_id)] if account_id is not None else []
    taken: list[Taken] = []
    for place, attachment in enumerate(message.attachments, start=1):
        title = title_of_file(attachment.name) or message.subject.strip()[:TITLE_LENGTH] or f"E-mail {place}"
        described = Described(
            title=title, kind_code=UNKNOWN_KIND, document_date=message.sent_on or now.date()
        )
        try:
            filed = file_document(
                chunks=[attachment.content],
                described=described,
                subjects=subjects,
                source=Source.MAIL,
                unit_id=unit_id,
                actor=actor,
                now=now,
            )
        except MainsError as error:
            taken.append(Taken(title, None, is_new=False, refusal=error))
        else:
            taken.append(Taken(title, filed.id, is_new=filed.is_new, refusal=None))
    return MessageTaken(message.subject, number, tuple(taken))


def _account(message: Message) -> tuple[int | None, str]:
    """The one account that the subject names, else the one that the body names."""
    for text in (message.subject, message.body):
        words = dict.fromkeys(word for word in _CANDIDATE.findall(text) if any(c.isdigit() for c in word))
        found = fetch_rows(
            lambda *row: row,
            "SELECT id, number FROM customers_account WHERE number = ANY(%(numbers)s) LIMIT 2",
            {"numbers": list(words)[:_CANDIDATES_MAX]},
        )
        if len(found) == 1:
            return found[0]
        if found:
            break
    return None, ""
