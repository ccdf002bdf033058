"""Payment codes: GOST R 56042-2014 for roubles, named values elsewhere."""

from dataclasses import replace
from datetime import date

import pytest

from mains.reporting.queries.bill_paper.payment_code import Payment, payment_payload, payment_svg
from mains.reporting.queries.bill_paper.registry import Payee

PAYEE = Payee(
    name="АО «Энерго»",
    tax_number="9100000018",
    bank_name="Банк",
    bank_code="043500001",
    bank_account="40702810800000000001",
    correspondent_account="30101810100000000001",
)
PAYMENT = Payment(
    payee=PAYEE,
    currency="RUB",
    amount_minor=31231,
    account_number="95794439",
    bill_number="2105-7841",
    month=date(2021, 5, 1),
    due_on=date(2021, 6, 10),
    purpose="Счёт, май 2021 г.",
)


def test_roubles_follow_the_standard():
    assert payment_payload(PAYMENT) == (
        "ST00012|Name=АО «Энерго»|PersonalAcc=40702810800000000001|BankName=Банк|BIC=043500001"
        "|CorrespAcc=30101810100000000001|Sum=31231|Purpose=Счёт, май 2021 г.|PayeeINN=9100000018"
        "|PersAcc=95794439|PaymPeriod=05.2021"
    )


def test_a_separator_that_a_value_holds_is_replaced():
    payload = payment_payload(replace(PAYMENT, purpose="A|B~C"))
    assert payload.startswith("ST00012_Name=")
    assert "_Purpose=A|B~C_" in payload


def test_values_keep_the_standards_lengths():
    payload = payment_payload(replace(PAYMENT, payee=replace(PAYEE, name="Я" * 300), purpose="Б" * 300))
    fields = dict(part.split("=", 1) for part in payload.split("|")[1:])
    assert (len(fields["Name"]), len(fields["Purpose"])) == (160, 210)


def test_elsewhere_named_values():
    payment = replace(PAYMENT, currency="NGN", payee=replace(PAYEE, name="Odan\nPlc", tax_number=""))
    lines = payment_payload(payment).splitlines()
    assert lines[0] == "PAY1"
    values = dict(line.split("=", 1) for line in lines[1:])
    assert values["payee"] == "Odan Plc"
    assert (values["currency"], values["amount"]) == ("NGN", "312.31")
    assert (values["customer_account"], values["bill"]) == ("95794439", "2105-7841")
    assert values["due"] == "2021-06-10"


@pytest.mark.parametrize(
    "payment",
    [
        replace(PAYMENT, amount_minor=0),
        replace(PAYMENT, amount_minor=-5),
        replace(PAYMENT, payee=replace(PAYEE, bank_account="")),
        replace(PAYMENT, payee=replace(PAYEE, bank_code="")),
    ],
)
def test_nothing_to_pay_or_nowhere_to_pay_to(payment):
    assert payment_payload(payment) == ""


def test_the_picture_is_plain_svg():
    svg = payment_svg(payment_payload(PAYMENT))
    assert svg.startswith("<svg")
    assert "<path" in svg
    assert "script" not in svg
