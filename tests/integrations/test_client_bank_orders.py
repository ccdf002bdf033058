"""Payment orders for 1C's client bank: what the reader of the same format makes of them, and what is refused."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from mains.integrations.bank_files.client_bank import read_client_bank
from mains.integrations.payment_orders.client_bank import RussianOrder, RussianParty, write_client_bank
from mains.integrations.payment_orders.values import UnableToWritePaymentOrders

PAYER = RussianParty(
    name="АО «Полуостровэнергосбыт»",
    tax_number="9100000018",
    account="40702810800000000001",
    bank_code="043500001",
    bank_name="Банк «Полуостров»",
    correspondent_account="30101810100000000001",
)
PAYEE = RussianParty(
    name="АО «Единый закупщик полуострова»",
    tax_number="9100000064",
    account="40702810700000000101",
    bank_code="043500001",
)
ORDER = RussianOrder(
    key="MAINS-S4",
    number="4",
    dated=date(2021, 6, 7),
    amount_minor=51_921_351,
    payee=PAYEE,
    purpose="MAINS-S4 Перечисление собранных платежей\r\nпо 31.05.2021",
)
MADE = datetime(2021, 6, 7, 9, 30, tzinfo=UTC)


def test_the_reader_finds_every_order_with_its_payee_and_purpose() -> None:
    orders = [ORDER, replace(ORDER, key="MAINS-S5", number="5", amount_minor=7, purpose="MAINS-S5")]
    content = write_client_bank(payer=PAYER, orders=orders, created_at=MADE)
    assert content == write_client_bank(payer=PAYER, orders=orders, created_at=MADE)
    assert content.startswith(b"1CClientBankExchange\r\n")
    assert "ПолучательИНН=9100000064\r\n".encode("cp1251") in content
    found = read_client_bank(content)
    assert not found.faults
    lines = [line for statement in found.statements for line in statement.lines]
    paid = [line for line in lines if line.amount_minor < 0]
    assert [(line.amount_minor, line.payer_account, line.payer_name) for line in paid] == [
        (-51_921_351, PAYEE.account, PAYEE.name),
        (-7, PAYEE.account, PAYEE.name),
    ]
    assert paid[0].remittance == "MAINS-S4 Перечисление собранных платежей по 31.05.2021"


@pytest.mark.parametrize(
    ("order", "field"),
    [
        (replace(ORDER, amount_minor=0), "amount"),
        (replace(ORDER, number="0"), "number"),
        (replace(ORDER, number="1234567"), "number"),
        (replace(ORDER, purpose=" "), "purpose"),
        (replace(ORDER, purpose="x" * 211), "purpose"),
        (replace(ORDER, purpose="付款"), "letters"),
        (replace(ORDER, payee=replace(PAYEE, account="40702810700000000102")), "account"),
        (replace(ORDER, payee=replace(PAYEE, account="DE89370400440532013000", bank_code="")), "account"),
        (replace(ORDER, payee=replace(PAYEE, name="")), "name"),
    ],
)
def test_what_a_bank_would_refuse_is_refused_with_its_place(order: RussianOrder, field: str) -> None:
    with pytest.raises(UnableToWritePaymentOrders) as refused:
        write_client_bank(payer=PAYER, orders=[order], created_at=MADE)
    assert refused.value.params["field"] == field
    assert refused.value.remedy
