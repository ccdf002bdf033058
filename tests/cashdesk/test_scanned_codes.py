"""What scanners type: the codes that our own bills carry, in every standard, whole and damaged."""

from dataclasses import replace
from datetime import date

import pytest

from mains.base.folding import swap_layout
from mains.cashdesk.values.scanned import LINE_END, read_scanned
from mains.reporting.queries.bill_paper.payment_codes import Payment, Standard, make_code
from mains.reporting.queries.bill_paper.registry import Payee

PAYEE = Payee(
    name="Lumen Power",
    tax_number="9100000018",
    bank_name="Bank",
    bank_code="043500001",
    bank_account="40702810800000000001",
    correspondent_account="30101810100000000001",
)
ROUBLES = Payment(
    payee=PAYEE,
    currency="RUB",
    amount_minor=31_231,
    account_number="95794439",
    bill_number="2105-7841",
    month=date(2021, 5, 1),
    due_on=date(2021, 6, 10),
    purpose="Bill",
)
OF = {
    Standard.GOST: ROUBLES,
    Standard.EPC: replace(
        ROUBLES,
        currency="EUR",
        payee=replace(PAYEE, bank_code="COBADEFFXXX", bank_account="DE89370400440532013000"),
    ),
    Standard.EMV: replace(
        ROUBLES, currency="NGN", settings={"guid": "org.example", "country": "NG", "city": "Ibadan"}
    ),
    Standard.NAMED: replace(ROUBLES, currency="NGN"),
}


@pytest.mark.parametrize("standard", list(Standard))
def test_every_code_of_our_bills_names_account_and_amount(standard) -> None:
    payload = make_code(standard, OF[standard]).payload
    found = read_scanned(payload.replace("\n", LINE_END))
    assert found is not None
    assert (found.standard, found.account_number, found.amount_minor) == (standard.value, "95794439", 31_231)
    assert read_scanned(payload) == found


def test_a_keyboard_switched_to_russian_is_no_obstacle() -> None:
    typed = swap_layout(make_code(Standard.GOST, ROUBLES).payload)
    assert typed.startswith("ЫЕ00012")
    assert read_scanned(typed) is None
    found = read_scanned(swap_layout(typed))
    assert found is not None
    assert (found.account_number, found.amount_minor) == ("95794439", 31_231)


def test_a_separator_of_the_senders_choice() -> None:
    found = read_scanned("ST00012_Name=A|B_PersAcc=95794439_Sum=100")
    assert found is not None
    assert (found.account_number, found.amount_minor) == ("95794439", 100)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "95794439",
        "Иванов",
        "ST00012|Name=A",
        "ST00012|PersAcc=abc|Sum=5",
        "BCD\n002\n1",
        "PAY1\namount=5",
        "000201" + "6304ABCD",
        make_code(Standard.EMV, OF[Standard.EMV]).payload.replace("95794439", "95794438"),
        make_code(Standard.EMV, OF[Standard.EMV]).payload[:-9],
        "ST00012|PersAcc=95794439|" + "x" * 2_000,
        "0002\N{SUPERSCRIPT TWO}1",
    ],
)
def test_what_is_no_whole_code_names_nothing(text) -> None:
    assert read_scanned(text) is None


def test_an_amount_that_is_none_is_left_out() -> None:
    found = read_scanned("ST00012|PersAcc=95794439|Sum=12.5")
    assert found is not None
    assert found.amount_minor is None
