"""GOST R 56042-2014, which every Russian bank's application reads."""

from mains.reporting.queries.bill_paper.payment_codes.payment import Payment, unable

# The standard lets the sender choose the separator; it must not occur in any value.
_SEPARATORS = "|~_#$^&*@%"
_LENGTHS = {"Name": 160, "BankName": 45, "Purpose": 210}
_DIGITS = {"PersonalAcc": (20,), "BIC": (9,), "CorrespAcc": (1, 20)}
ENCODINGS = {"cp1251": "1", "utf-8": "2", "koi8-r": "3"}
"""The sign of the encoding after `ST0001`; the setting `encoding` chooses it, UTF-8 if left out."""
SETTINGS = ("encoding",)


def gost_payload(payment: Payment) -> str:
    """The first five values are required, in this order; Sum is in kopecks.

    Raises UnableToMakePaymentCode where the currency, a number or a letter does not fit.
    """
    if payment.currency != "RUB":
        raise unable(
            payment,
            field_name="currency",
            message="A code of GOST R 56042 asks for roubles.",
            remedy="Choose another standard.",
        )
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
    for name, lengths in _DIGITS.items():
        if not values[name].isdigit() or len(values[name]) not in lengths:
            raise unable(
                payment,
                field_name=name,
                message=f"{name} has {' or '.join(map(str, lengths))} digits, not {values[name]!r}.",
                remedy="Correct the supplier's bank details in the registry.",
            )
    cut = {name: value[: _LENGTHS.get(name)] for name, value in values.items() if value}
    separator = next(sign for sign in _SEPARATORS if not any(sign in value for value in cut.values()))
    text = f"ST0001{ENCODINGS[encoding_of(payment)]}" + "".join(
        f"{separator}{name}={value}" for name, value in cut.items()
    )
    _check_letters(payment, text)
    return text


def encoding_of(payment: Payment) -> str:
    """The encoding that the settings choose. Raises UnableToMakePaymentCode."""
    encoding = payment.settings.get("encoding", "utf-8").lower()
    if encoding not in ENCODINGS:
        raise unable(
            payment,
            field_name="encoding",
            message=f"GOST R 56042 has no encoding {encoding!r}.",
            remedy=f"Choose one of {', '.join(ENCODINGS)}.",
        )
    return encoding


def _check_letters(payment: Payment, text: str) -> None:
    try:
        text.encode(encoding_of(payment))
    except UnicodeEncodeError as error:
        raise unable(
            payment,
            field_name="encoding",
            message=f"{encoding_of(payment)} has no letter {error.object[error.start]!r}.",
            remedy="Choose the encoding utf-8.",
        ) from error
