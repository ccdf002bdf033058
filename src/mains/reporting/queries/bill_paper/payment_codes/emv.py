"""EMVCo QR code specification for payment systems, merchant-presented mode, version 1.1: tags, lengths, values, CRC."""

import binascii
import unicodedata
from collections.abc import Iterable

from mains.reporting.queries.bill_paper.payment_codes.payment import Payment, unable, units_text

_NUMERIC = {
    "AED": "784", "AUD": "036", "AZN": "944", "BDT": "050", "BRL": "986", "CHF": "756", "CNY": "156", "COP": "170",
    "EGP": "818", "EUR": "978", "GBP": "826", "GHS": "936", "HKD": "344", "IDR": "360", "INR": "356", "JPY": "392",
    "KES": "404", "KGS": "417", "KHR": "116", "KRW": "410", "KZT": "398", "LAK": "418", "LKR": "144", "MMK": "104",
    "MXN": "484", "MYR": "458", "NGN": "566", "NPR": "524", "PEN": "604", "PHP": "608", "PKR": "586", "PLN": "985",
    "RUB": "643", "RWF": "646", "SGD": "702", "THB": "764", "TRY": "949", "TZS": "834", "UAH": "980", "UGX": "800",
    "USD": "840", "UZS": "860", "VND": "704", "ZAR": "710",
}  # fmt: skip
"""ISO 4217."""
_UTILITIES = "4900"
_MAX_LENGTH = 512
SETTINGS = ("tag", "guid", "account", "country", "city", "name", "category", "extra")


def emv_payload(payment: Payment) -> str:
    """A dynamic code with amount, bill and account. `settings`: `guid` of the payment scheme and the merchant's
    `account` there (the bank account if left out) under `tag` 26 to 51 (26), `country`, `city`, a `name` in Latin
    letters, `category` (MCC, 4900), and `extra` parts of the merchant's template as `02=…;03=…`.

    Raises UnableToMakePaymentCode where a setting is missing or too long.
    """
    settings = payment.settings
    country = _needed(payment, "country")
    template = [
        ("00", _needed(payment, "guid")),
        ("01", settings.get("account") or payment.payee.bank_account),
    ]
    for part in filter(None, settings.get("extra", "").split(";")):
        tag, _equals, value = part.partition("=")
        template.append((tag.strip(), value.strip()))
    additional = [("01", payment.bill_number), ("06", payment.account_number)]
    fields = [
        ("00", "01"),
        ("01", "12"),
        (_merchant_tag(payment), _tlv(payment, template)),
        ("52", settings.get("category", _UTILITIES)),
        ("53", _currency(payment)),
        ("54", units_text(payment.amount_minor)),
        ("58", country),
        ("59", _latin(payment, "name", settings.get("name") or payment.payee.name)[:25].strip()),
        ("60", _latin(payment, "city", _needed(payment, "city"))[:15].strip()),
        ("62", _tlv(payment, [(tag, value[:25]) for tag, value in additional])),
    ]
    text = _tlv(payment, fields) + "6304"
    text += f"{crc(text):04X}"
    if len(text) > _MAX_LENGTH:
        raise unable(
            payment,
            field_name="extra",
            message=f"The code would have {len(text)} letters; EMVCo allows {_MAX_LENGTH}.",
            remedy="Shorten the settings of the code.",
        )
    return text


def crc(text: str) -> int:
    """CRC-16 with polynomial 1021 and initial value FFFF (ISO/IEC 13239), over the text up to and with `6304`."""
    return binascii.crc_hqx(text.encode(), 0xFFFF)


def _tlv(payment: Payment, fields: Iterable[tuple[str, str]]) -> str:
    parts = []
    for tag, value in fields:
        if len(value) > 99 or not (len(tag) == 2 and tag.isdigit()):
            raise unable(
                payment,
                field_name=f"tag {tag}",
                message=f"A value of an EMV code has 99 letters at most and a tag of two digits, not {tag}={value}.",
                remedy="Correct the settings of the code.",
            )
        if value:
            parts.append(f"{tag}{len(value):02d}{value}")
    return "".join(parts)


def _merchant_tag(payment: Payment) -> str:
    tag = payment.settings.get("tag", "26")
    if not tag.isdigit() or not 26 <= int(tag) <= 51:
        raise unable(
            payment,
            field_name="tag",
            message=f"A scheme's account stands under a tag from 26 to 51, not {tag!r}.",
            remedy="Take the tag from the scheme's own specification.",
        )
    return tag


def _currency(payment: Payment) -> str:
    if payment.currency not in _NUMERIC:
        raise unable(
            payment,
            field_name="currency",
            message=f"The numeric code of {payment.currency} is not known here.",
            remedy="Choose another standard.",
        )
    return _NUMERIC[payment.currency]


def _needed(payment: Payment, name: str) -> str:
    value = payment.settings.get(name, "")
    if not value:
        raise unable(
            payment,
            field_name=name,
            message=f"An EMV code needs the setting {name}.",
            remedy=f"Set it: `mains bill payment-code SUPPLIER emv --set {name}=…`.",
        )
    return value


def _latin(payment: Payment, field_name: str, text: str) -> str:
    """Latin letters without accents: what all readers show. Raises UnableToMakePaymentCode for other scripts."""
    plain = unicodedata.normalize("NFKD", text.replace("ı", "i"))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    if not plain.isascii():
        raise unable(
            payment,
            field_name=field_name,
            message=f"{text} has letters that EMV codes do not carry.",
            remedy=f"Set it in Latin letters: `mains bill payment-code SUPPLIER emv --set {field_name}=…`.",
        )
    return plain
