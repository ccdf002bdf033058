"""QR codes by which a bill is paid; see docs/bill-explained.md.

A supplier states which standards its bills carry. One that states none has GOST R 56042 for roubles, EPC069-12 for
euros to an IBAN, and elsewhere plain named values.
"""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import segno
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from stdnum import iban

from mains.reporting.models import PaymentCode
from mains.reporting.queries.bill_paper.payment_codes import emv, epc, gost
from mains.reporting.queries.bill_paper.payment_codes.payment import (
    Payment,
    UnableToMakePaymentCode,
    unable,
    units_text,
)

__all__ = [
    "Payment",
    "PrintedCode",
    "Standard",
    "UnableToMakePaymentCode",
    "codes_of",
    "list_codes",
    "payment_svg",
]


class Standard(TextChoices):
    """What a code on a bill follows."""

    GOST = "gost", "GOST R 56042-2014"
    EPC = "epc", "EPC069-12"
    EMV = "emv", "EMVCo"
    NAMED = "named", _("Named values")


@dataclass(frozen=True)
class PrintedCode:
    """A code as text and what reads it; `version` is the largest that its readers take, None where they take all."""

    standard: Standard
    payload: str
    encoding: str = "utf-8"
    max_version: int | None = None


def list_codes(
    payment: Payment, *, stated: Sequence[tuple[str, Mapping[str, str]]] = ()
) -> list[PrintedCode]:
    """The codes of a bill: those that the supplier states with their settings, else the one of its currency.

    None where there is nothing to pay or the payee has no bank account. Raises UnableToMakePaymentCode where one that
    is stated cannot be made.
    """
    if payment.amount_minor <= 0 or not (payment.payee.bank_account and payment.payee.bank_code):
        return []
    if not stated:
        return [_usual(payment)]
    return [make_code(Standard(name), replace(payment, settings=settings)) for name, settings in stated]


def codes_of(*, party_id: int) -> list[tuple[str, Mapping[str, str]]]:
    """Standard and settings of each code that the supplier states, in their order."""
    return list(
        PaymentCode.objects.filter(party_id=party_id).order_by("position").values_list("standard", "settings")
    )


def make_code(standard: Standard, payment: Payment) -> PrintedCode:
    """The code of a standard. Raises UnableToMakePaymentCode."""
    payload = _WRITERS[standard](payment)
    encoding = gost.encoding_of(payment) if standard == Standard.GOST else "utf-8"
    limit = epc.MAX_VERSION if standard == Standard.EPC else None
    made = PrintedCode(standard, payload, encoding, limit)
    if limit is not None and int(_symbol(made).version) > limit:
        raise unable(
            payment,
            field_name="name",
            message=f"The code would be larger than version {limit}, which its readers do not take.",
            remedy="Shorten the supplier's name.",
        )
    return made


def payment_svg(code: PrintedCode) -> str:
    """The code as SVG with its quiet zone; error correction M (15 %)."""
    target = io.BytesIO()
    _symbol(code).save(target, kind="svg", border=4, xmldecl=False, svgclass=None, lineclass=None)
    return target.getvalue().decode("utf-8")


def _symbol(code: PrintedCode) -> segno.QRCode:
    return segno.make(code.payload, error="m", boost_error=False, micro=False, encoding=code.encoding)


def _usual(payment: Payment) -> PrintedCode:
    """What a supplier has that states nothing; bank details that no standard takes are printed as they are."""
    standard = {"RUB": Standard.GOST, "EUR": Standard.EPC}.get(payment.currency, Standard.NAMED)
    if standard == Standard.EPC and not iban.is_valid(payment.payee.bank_account):
        standard = Standard.NAMED
    try:
        return make_code(standard, payment)
    except UnableToMakePaymentCode:
        return make_code(Standard.NAMED, payment)


def _named_values(payment: Payment) -> str:
    payee = payment.payee
    values: Mapping[str, str] = {
        "payee": payee.name,
        "bank": payee.bank_name,
        "bank_code": payee.bank_code,
        "account": payee.bank_account,
        "currency": payment.currency,
        "amount": units_text(payment.amount_minor),
        "customer_account": payment.account_number,
        "bill": payment.bill_number,
        "due": payment.due_on.isoformat(),
        "purpose": payment.purpose,
    }
    return "\n".join(
        ["PAY1", *(f"{name}={' '.join(value.split())}" for name, value in values.items() if value)]
    )


_WRITERS: Mapping[Standard, Callable[[Payment], str]] = MappingProxyType(
    {
        Standard.GOST: gost.gost_payload,
        Standard.EPC: epc.epc_payload,
        Standard.EMV: emv.emv_payload,
        Standard.NAMED: _named_values,
    }
)
SETTINGS_OF: Mapping[Standard, Sequence[str]] = MappingProxyType(
    {
        Standard.GOST: gost.SETTINGS,
        Standard.EPC: epc.SETTINGS,
        Standard.EMV: emv.SETTINGS,
        Standard.NAMED: (),
    }
)
"""The settings that each standard knows."""


def list_settings(standard: Standard) -> Iterator[str]:
    """Names of the settings of a standard."""
    yield from SETTINGS_OF[standard]
