"""1CClientBankExchange 1.03: payment orders as Russian banks' client programs take them.

Source: 1C, „Стандарт обмена с системами Клиент банка“; form of a payment order: Bank of Russia, regulation of
29 June 2021 No. 762-P, annex 1. `integrations/bank_files/client_bank.py` reads the same format.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from mains.integrations.payment_orders.values import UnableToWritePaymentOrders
from mains.settlement.values.bank_numbers import account_fault, is_russian

_NAME, _PURPOSE, _NUMBER = 160, 210, 6
"""Most letters of a name, of the purpose, and digits of an order's number."""
_ENCODING = "cp1251"


@dataclass(frozen=True, kw_only=True)
class RussianParty:
    """Who pays or is paid: name, taxpayer's number, account, and its bank by BIK, name and correspondent account."""

    name: str
    tax_number: str
    account: str
    bank_code: str
    bank_name: str = ""
    correspondent_account: str = ""


@dataclass(frozen=True, kw_only=True)
class RussianOrder:
    """One payment order in kopecks. `key` names it in refusals."""

    key: str
    number: str
    dated: date
    amount_minor: int
    payee: RussianParty
    purpose: str


def write_client_bank(*, payer: RussianParty, orders: Sequence[RussianOrder], created_at: datetime) -> bytes:
    """The file in windows-1251 with CRLF; the same orders give the same bytes.

    Raises UnableToWritePaymentOrders: an account whose control key does not fit its BIK, a name, purpose or number that
    is too long, a letter that the encoding lacks, an amount that is not above zero.
    """
    _check_party(payer, "payer")
    for order in orders:
        _check(order)
    days = [order.dated for order in orders]
    lines = [
        "1CClientBankExchange",
        "ВерсияФормата=1.03",
        "Кодировка=Windows",
        "Отправитель=Mains",
        "Получатель=",
        f"ДатаСоздания={created_at:%d.%m.%Y}",
        f"ВремяСоздания={created_at:%H:%M:%S}",
        f"ДатаНачала={min(days):%d.%m.%Y}",
        f"ДатаКонца={max(days):%d.%m.%Y}",
        f"РасчСчет={payer.account}",
        "Документ=Платежное поручение",
    ]
    for order in orders:
        lines += [
            "СекцияДокумент=Платежное поручение",
            f"Номер={order.number}",
            f"Дата={order.dated:%d.%m.%Y}",
            f"Сумма={order.amount_minor // 100}.{order.amount_minor % 100:02d}",
            *_party("Плательщик", payer),
            *_party("Получатель", order.payee),
            "ВидПлатежа=электронно",
            "ВидОплаты=01",
            "Очередность=5",
            f"НазначениеПлатежа={_line(order.purpose)}",
            "КонецДокумента",
        ]
    text = "\r\n".join([*lines, "КонецФайла", ""])
    try:
        return text.encode(_ENCODING)
    except UnicodeEncodeError as error:
        raise _unable(
            "file",
            "letters",
            f"{text[error.start]!r} cannot be written in windows-1251.",
            "Write it otherwise.",
        ) from error


def _party(side: str, party: RussianParty) -> list[str]:
    name = _line(party.name)
    told = [
        f"{side}Счет={party.account}",
        f"{side}=ИНН {party.tax_number} {name}" if party.tax_number else f"{side}={name}",
        f"{side}ИНН={party.tax_number}",
        f"{side}1={name}",
        f"{side}РасчСчет={party.account}",
        f"{side}БИК={party.bank_code}",
    ]
    if party.bank_name:
        told.append(f"{side}Банк1={_line(party.bank_name)}")
    if party.correspondent_account:
        told.append(f"{side}Корсчет={party.correspondent_account}")
    return told


def _check(order: RussianOrder) -> None:
    _check_party(order.payee, order.key)
    if order.amount_minor <= 0:
        raise _unable(order.key, "amount", "The amount is not above zero.", "Leave the order out.")
    if not (order.number.isdecimal() and len(order.number) <= _NUMBER and order.number.strip("0")):
        raise _unable(order.key, "number", f"{order.number!r} is no number of an order.", "Up to six digits.")
    if not order.purpose.strip() or len(_line(order.purpose)) > _PURPOSE:
        raise _unable(
            order.key, "purpose", "The purpose is missing or longer than 210 letters.", "Shorten it."
        )


def _check_party(party: RussianParty, place: str) -> None:
    fault = account_fault(account=party.account, bank_code=party.bank_code)
    if not is_russian(account=party.account, bank_code=party.bank_code) or fault:
        fault = fault or "It is no Russian account with the BIK of its bank."
        raise _unable(place, "account", fault, "Copy account and bank from the contract.")
    if not party.name.strip() or len(_line(party.name)) > _NAME:
        raise _unable(place, "name", f"{party.name!r} is no name of 1 to 160 letters.", "Shorten it.")


def _line(text: str) -> str:
    """On one line: a line break would begin another key."""
    return " ".join(text.split())


def _unable(place: str, field: str, message: str, remedy: str) -> UnableToWritePaymentOrders:
    return UnableToWritePaymentOrders(
        code=f"payment-order-{field}",
        message=message,
        place=f"{place}, {field}",
        remedy=remedy,
        params={"field": field},
    )
