"""What a payment code asks for, and the error of those that cannot be made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

from mains.kernel.errors import MainsError
from mains.reporting.queries.bill_paper.registry import Payee


class UnableToMakePaymentCode(MainsError):
    """The payee's bank details or the settings of its code do not fit the standard; names the field."""


@dataclass(frozen=True, kw_only=True)
class Payment:
    """What the code asks for: `amount_minor` above zero, to the payee, for the account.

    `settings` are the supplier's for the standard; each standard names its own.
    """

    payee: Payee
    currency: str
    amount_minor: int
    account_number: str
    bill_number: str
    month: date
    due_on: date
    purpose: str
    settings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def units_text(minor: int) -> str:
    """An amount in units with two decimals and a point."""
    return f"{minor // 100}.{minor % 100:02d}"


def unable(payment: Payment, *, field_name: str, message: str, remedy: str) -> UnableToMakePaymentCode:
    return UnableToMakePaymentCode(
        code="payment-code",
        message=message,
        place=f"{payment.payee.name}, {field_name}",
        remedy=remedy,
        params={"field": field_name},
    )
