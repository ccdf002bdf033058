"""QR codes by which a bill is paid.

Roubles: GOST R 56042-2014, which every Russian bank's application reads. Elsewhere, where a pack names no
national standard, plain named values; see docs/bill-explained.md.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import segno

from mains.reporting.queries.bill_paper.registry import Payee

# The standard lets the sender choose the separator; it must not occur in any value.
_SEPARATORS = "|~_#$^&*@%"
_LENGTHS = {"Name": 160, "BankName": 45, "Purpose": 210}


@dataclass(frozen=True, kw_only=True)
class Payment:
    """What the code asks for: `amount_minor` above zero, to the payee, for the account."""

    payee: Payee
    currency: str
    amount_minor: int
    account_number: str
    bill_number: str
    month: date
    due_on: date
    purpose: str


def payment_payload(payment: Payment) -> str:
    """The text of the code; empty where there is nothing to pay or the payee has no bank account."""
    if payment.amount_minor <= 0 or not (payment.payee.bank_account and payment.payee.bank_code):
        return ""
    return _gost(payment) if payment.currency == "RUB" else _named_values(payment)


def payment_svg(payload: str) -> str:
    """The code as SVG with its quiet zone; error correction M (15 %)."""
    target = io.BytesIO()
    code = segno.make(payload, error="m", boost_error=False, micro=False, encoding="utf-8")
    code.save(target, kind="svg", border=4, xmldecl=False, svgclass=None, lineclass=None)
    return target.getvalue().decode("utf-8")


def _gost(payment: Payment) -> str:
    """ST00012: version 1, UTF-8. The first five values are required, in this order; Sum is in kopecks."""
    payee = payment.payee
    values = {
        "Name": payee.name,
        "PersonalAcc": payee.bank_account,
        "BankName": payee.bank_name,
        "BIC": payee.bank_code,
        "CorrespAcc": payee.correspondent_account or "0",
        "Sum": str(payment.amount_minor),
        "Purpose": payment.purpose,
        "PayeeINN": payee.tax_number,
        "PersAcc": payment.account_number,
        "PaymPeriod": f"{payment.month:%m.%Y}",
    }
    cut = {name: value[: _LENGTHS.get(name)] for name, value in values.items() if value}
    separator = next(sign for sign in _SEPARATORS if not any(sign in value for value in cut.values()))
    return "ST00012" + "".join(f"{separator}{name}={value}" for name, value in cut.items())


def _named_values(payment: Payment) -> str:
    payee, minor = payment.payee, payment.amount_minor
    values: Mapping[str, str] = {
        "payee": payee.name,
        "bank": payee.bank_name,
        "bank_code": payee.bank_code,
        "account": payee.bank_account,
        "currency": payment.currency,
        "amount": f"{minor // 100}.{minor % 100:02d}",
        "customer_account": payment.account_number,
        "bill": payment.bill_number,
        "due": payment.due_on.isoformat(),
        "purpose": payment.purpose,
    }
    return "\n".join(
        ["PAY1", *(f"{name}={' '.join(value.split())}" for name, value in values.items() if value)]
    )
