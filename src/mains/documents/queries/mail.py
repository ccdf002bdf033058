"""A message file (RFC 5322, `.eml`): its words, and the files attached to it."""

import codecs
import email
import email.policy
from dataclasses import dataclass
from datetime import date
from email.message import EmailMessage
from email.utils import parsedate_to_datetime

from mains.kernel.errors import MainsError

MESSAGE_BYTES_MAX = 40 * 1024 * 1024
ATTACHMENTS_MAX = 100


class UnableToReadMessage(MainsError):
    """It is no message, or too large."""


@dataclass(frozen=True)
class Attachment:
    """A file of a message; `name` is what the sender called it, not to be trusted."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Message:
    """What a message says and carries; `sent_on` None when it does not tell."""

    subject: str
    body: str
    sent_on: date | None
    attachments: tuple[Attachment, ...]


def read_message(content: bytes) -> Message:
    """The message, with attachments of attached messages too. Raises UnableToReadMessage."""
    if len(content) > MESSAGE_BYTES_MAX:
        raise _unable("message-too-large", f"The message is larger than {MESSAGE_BYTES_MAX // 1024**2} MB.")
    message = email.message_from_bytes(content, policy=email.policy.default)
    if not isinstance(message, EmailMessage) or not message.keys():
        raise _unable("message-unreadable", "This is no message of e-mail.")
    try:
        bodies: list[str] = []
        found: list[Attachment] = []
        for part in message.walk():
            if part.is_multipart():
                continue
            name = part.get_filename()
            if name or part.get_content_disposition() == "attachment":
                found.append(Attachment(name or "", _bytes(part)))
            elif part.get_content_maintype() == "text":
                bodies.append(_bytes(part).decode(_charset(part), errors="replace"))
        subject = str(message.get("Subject", ""))
    except (LookupError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise _unable("message-unreadable", "This is no message of e-mail.") from error
    if len(found) > ATTACHMENTS_MAX:
        raise _unable("message-too-many", f"The message has more than {ATTACHMENTS_MAX} attachments.")
    return Message(subject=subject, body="\n".join(bodies), sent_on=_day(message), attachments=tuple(found))


def _bytes(part: EmailMessage) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _charset(part: EmailMessage) -> str:
    told = part.get_content_charset("utf-8")
    try:
        return codecs.lookup(told).name
    except LookupError:
        return "utf-8"


def _day(message: EmailMessage) -> date | None:
    try:
        return parsedate_to_datetime(str(message.get("Date", ""))).date()
    except (ValueError, TypeError):
        return None


def _unable(code: str, message: str) -> UnableToReadMessage:
    return UnableToReadMessage(
        code=code, message=message, place="message", remedy="Save the message as .eml and try again."
    )
