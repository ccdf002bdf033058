"""What people write behind `mains invoice`: groups, numbers, months, shares and amounts."""

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from mains.config.cli.days import command_time, read_day
from mains.config.cli.orders import account_named
from mains.kernel.errors import MainsError

if TYPE_CHECKING:
    from mains.invoicing.queries.groups import GroupRecord
    from mains.invoicing.queries.invoices import InvoiceRecord
    from mains.invoicing.values import Share


class UnableToReadInvoice(MainsError):
    """There is no such group or invoice, or what was said of it is unclear."""


def group_of(code: str) -> "GroupRecord":
    """The invoice group of a code. Raises UnableToReadInvoice."""
    from mains.invoicing.queries.groups import find_group
    from mains.staff.values import EVERYTHING

    found = find_group(code=code, scope=EVERYTHING)
    if found is None:
        raise UnableToReadInvoice(
            code="no-group",
            message=f"There is no group {code}.",
            place="CODE",
            remedy="Begin it with mains invoice group.",
        )
    return found


def invoice_of(number: str) -> "InvoiceRecord":
    """The invoice of a number. Raises UnableToReadInvoice."""
    from mains.invoicing.queries.invoices import find_invoice
    from mains.kernel.invoice_numbers import parse_invoice_number
    from mains.staff.values import EVERYTHING

    read = parse_invoice_number(number)
    found = find_invoice(invoice_id=read[1], scope=EVERYTHING) if read else None
    if found is None or read is None or found.kind != read[0]:
        raise UnableToReadInvoice(
            code="no-invoice",
            message=f"There is no invoice {number}.",
            place="NUMBER",
            remedy="Compare the number with the invoice, or see mains invoice list.",
        )
    return found


def month_of(text: str) -> date:
    """The first day of a month like 2024-05."""
    return read_day(f"{text}-01", option="--month")


def share_of(text: str) -> "Share":
    """Who pays which part, as in 94751487:electricity=30%. Raises UnableToReadInvoice."""
    from mains.invoicing.values import Share

    who, separator, what = text.partition("=")
    number, _colon, charges = who.partition(":")
    service, _slash, component = charges.partition("/")
    if not separator or not what:
        raise UnableToReadInvoice(
            code="share-unclear",
            message=f"{text!r} does not say who pays what.",
            place="--to",
            remedy="Write PAYER=30% or PAYER=50.00, with :service/component behind the payer for some charges.",
        )
    payer = account_named(number, place="--to", now=command_time())
    is_percent = what.endswith("%")
    value = scaled(what.rstrip("%"), 4 if is_percent else 2, option="--to")
    return Share(
        payer_id=payer.id,
        parts_ppm=value if is_percent else None,
        amount_minor=None if is_percent else value,
        service=service,
        component=component,
    )


def instalments_of(stated: list[str]) -> dict[str, int]:
    """Minor units by service, as in electricity=50.00. Raises UnableToReadInvoice."""
    amounts = {}
    for text in stated:
        service, separator, amount = text.partition("=")
        if not separator:
            raise UnableToReadInvoice(
                code="instalment-unclear",
                message=f"{text!r} does not say how much is asked for which service.",
                place="--instalment",
                remedy="Write it as electricity=50.00.",
            )
        amounts[service] = scaled(amount, 2, option="--instalment")
    return amounts


def scaled(text: str, decimals: int, *, option: str) -> int:
    """A decimal number as a whole number of its last place. Raises UnableToReadInvoice."""
    try:
        value = Decimal(text).scaleb(decimals)
        if not value.is_finite() or value != value.to_integral_value() or abs(value) >= 10**17:
            raise InvalidOperation
    except InvalidOperation as error:
        raise UnableToReadInvoice(
            code="number-unclear",
            message=f"{text!r} is no number with at most {decimals} decimals.",
            place=option,
            remedy="Write it with a point, without spaces.",
        ) from error
    return int(value)
