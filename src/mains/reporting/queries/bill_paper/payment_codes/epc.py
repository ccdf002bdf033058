"""EPC069-12, version 2.1: the QR code of a SEPA credit transfer (Girocode)."""

from stdnum import bic, iban

from mains.reporting.queries.bill_paper.payment_codes.payment import Payment, unable, units_text

MAX_BYTES, MAX_VERSION = 331, 13
_MAX_MINOR = 99_999_999_999
_NAME, _TEXT = 70, 140
SETTINGS = ("iban", "bic", "purpose")


def epc_payload(payment: Payment) -> str:
    """Lines in UTF-8, version 002, which needs no BIC; remittance in words.

    Raises UnableToMakePaymentCode for another currency, a wrong IBAN or BIC, or more than 331 bytes.
    """
    payee, settings = payment.payee, payment.settings
    account = iban.compact(settings.get("iban") or payee.bank_account)
    bank = bic.compact(settings.get("bic") or payee.bank_code)
    if payment.currency != "EUR" or payment.amount_minor > _MAX_MINOR:
        raise unable(
            payment,
            field_name="currency",
            message="An EPC code asks for euros, 999,999,999.99 at most.",
            remedy="Choose another standard.",
        )
    if not iban.is_valid(account):
        raise unable(
            payment,
            field_name="iban",
            message=f"{account!r} is not an IBAN: its check digits do not fit.",
            remedy="Correct the supplier's bank account in the registry.",
        )
    if bank and not bic.is_valid(bank):
        raise unable(
            payment,
            field_name="bic",
            message=f"{bank!r} is not a BIC.",
            remedy="Correct the supplier's bank code in the registry; a BIC may be left out.",
        )
    lines = [
        "BCD",
        "002",
        "1",
        "SCT",
        bank,
        _line(payee.name)[:_NAME],
        account,
        f"EUR{units_text(payment.amount_minor)}",
        settings.get("purpose", "")[:4],
        "",
        f"{payment.account_number} {payment.bill_number}"[:_TEXT],
    ]
    text = "\n".join(lines)
    size = len(text.encode())
    if size > MAX_BYTES:
        raise unable(
            payment,
            field_name="name",
            message=f"The code would have {size} bytes; readers of EPC codes take {MAX_BYTES}.",
            remedy="Shorten the supplier's name.",
        )
    return text


def _line(text: str) -> str:
    return " ".join(text.split())
