"""The bill on paper: a PDF with every amount explained, in the customer's language."""

from collections.abc import Sequence
from datetime import date

from django.conf import settings
from django.utils import translation

from mains.reporting.queries.bill_paper.content import (
    BillContent,
    UnableToPrintBill,
    customer_language,
    get_content,
)
from mains.reporting.queries.bill_paper.printed import Texts, printed
from mains.reporting.queries.bill_paper.protocol import protocol_texts
from mains.reporting.queries.bill_paper.slip import slip_text
from mains.reporting.queries.bill_paper.typeset import Attachment, set_bills, set_protocol

__all__ = [
    "Attachment",
    "BillContent",
    "UnableToPrintBill",
    "bill_pdf",
    "bill_texts",
    "bills_pdf",
    "get_content",
    "protocol_pdf",
    "slip",
    "spoken_language",
]


def bill_pdf(
    *, month: date, bill_id: int, language: str | None = None, attachment: Attachment | None = None
) -> bytes:
    """The bill as PDF (A4, PDF/UA-1), in the customer's language when none is named; PDF/A-3a with an attachment.

    The same bill gives the same bytes as long as the utility's registry stays. Raises UnableToPrintBill when there is
    no such bill or no font for it, UnableToExplain when a stored amount does not follow from the facts.
    """
    texts = bill_texts(month=month, bill_id=bill_id, language=language)
    return set_bills([texts], attachment=attachment)


def bills_pdf(*, month: date, bill_ids: Sequence[int], language: str | None = None) -> bytes:
    """Several bills of a month in one PDF, in the order given."""
    return set_bills([bill_texts(month=month, bill_id=bill_id, language=language) for bill_id in bill_ids])


def protocol_pdf(*, month: date, bill_id: int, language: str | None = None) -> bytes:
    """The calculation protocol of a bill: every amount with its formula tree, down to readings and tariff clauses.

    In the customer's language when none is named. Raises as `bill_pdf` does.
    """
    spoken = spoken_language(language or customer_language(month=month, bill_id=bill_id))
    with translation.override(spoken):
        content = get_content(month=month, bill_id=bill_id)
        return set_protocol(protocol_texts(content, language=spoken))


def slip(*, month: date, bill_id: int, width: int, language: str | None = None) -> str:
    """The bill as plain text for a small printer with so many columns, in the customer's language when none is named.
    Raises as `bill_pdf` does, fonts apart."""
    return slip_text(bill_texts(month=month, bill_id=bill_id, language=language), width=width)


def bill_texts(*, month: date, bill_id: int, language: str | None = None) -> Texts:
    """The texts of a bill as the template sets them."""
    spoken = spoken_language(language or customer_language(month=month, bill_id=bill_id))
    with translation.override(spoken):
        return printed(get_content(month=month, bill_id=bill_id), language=spoken)


def spoken_language(language: str) -> str:
    """The language as settings spell it; the utility's where Mains does not speak it."""
    code = language.lower().replace("_", "-")
    codes = [known for known, _name in settings.LANGUAGES]
    return next(
        (known for known in codes if code in (known, known.partition("-")[0])), settings.LANGUAGE_CODE
    )
