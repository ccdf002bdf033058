"""Cash that was handed in comes back in the bank's file, is known by its slip, and is booked once."""

import pytest

from bank_samples import CLIENT_BANK, ROUBLES, client_bank
from desk_cast import Desks, on_control
from mains.integrations.bank_files.intake import take_bank_file
from mains.payments.actions.bank_acceptance import accept_bank_file
from mains.payments.actions.bank_accounts import add_bank_account
from mains.payments.models import BankTransaction, DepositArrival, Receipt
from mains.payments.queries.bank_balance import list_bank_balances
from mains.staff.values import EVERYTHING
from money_cast import NOW


@pytest.fixture
def handed_in(desks: Desks) -> Desks:
    """300.00 of the till went to the bank with slip B-1."""
    add_bank_account(number=ROUBLES, title="Bank", currency="RUB")
    desks.open()
    desks.take("nora", ("anna", 30_000))
    desks.close("nora", {10_000: 3}, to_bank_minor=30_000, slip="B-1")
    return desks


def stage(said: str, *, name: str = "may.txt", number: int = 18) -> int:
    text = CLIENT_BANK.replace("За воду", said).replace("Номер=18", f"Номер={number}")
    return take_bank_file(content=client_bank(text), file_name=name, now=NOW)


def state_of(file_id: int) -> str:
    return BankTransaction.objects.get(statement__file_id=file_id, amount_minor=30_000).state


def test_a_deposit_is_known_by_slip_and_amount_and_leaves_the_way(handed_in: Desks, sound) -> None:
    assert on_control("in_transit") == 30_000
    file_id = stage("Взнос наличных, квитанция b-1, касса")
    assert state_of(file_id) == "deposit"
    accept_bank_file(file_id=file_id, now=NOW)
    assert (on_control("in_transit"), DepositArrival.objects.count()) == (0, 1)
    assert not Receipt.objects.filter(bank_transaction_id__isnull=False, amount_minor=30_000).exists()
    (balance,) = list_bank_balances(scope=EVERYTHING, on_date=NOW.date())
    assert (balance.ledger_minor, balance.unexplained_minor) == (655_040, 0)
    assert sound() == []


@pytest.mark.parametrize("said", ["Квитанция B-12", "Касса", "AB-1"])
def test_another_slip_or_none_stays_unidentified(handed_in: Desks, said) -> None:
    assert state_of(stage(said)) == "suspense"


def test_another_amount_under_the_slip_stays_unidentified(handed_in: Desks) -> None:
    text = CLIENT_BANK.replace("За воду", "Квитанция B-1").replace("Сумма=300\n", "Сумма=301\n")
    text = text.replace("1550.40", "1551.40").replace("6300.40", "6301.40")
    file_id = take_bank_file(content=client_bank(text), file_name="may.txt", now=NOW)
    assert BankTransaction.objects.get(statement__file_id=file_id, amount_minor=30_100).state == "suspense"


def test_of_two_files_that_bring_one_deposit_the_second_finds_it_arrived(handed_in: Desks, sound) -> None:
    first, second = stage("Квитанция B-1"), stage("Взнос B-1", name="other.txt", number=19)
    assert (state_of(first), state_of(second)) == ("deposit", "deposit")
    accept_bank_file(file_id=first, now=NOW)
    accept_bank_file(file_id=second, now=NOW)
    assert state_of(second) == "suspense", "the bank says that it is another entry"
    assert on_control("in_transit") == 0
    assert sound() == []
