"""A bank's statement is staged, matched and booked once, whatever files bring its entries."""

from datetime import date

import pytest
from django.db import DatabaseError, connection, transaction

from bank_samples import CAMT_053, CAMT_054, CLIENT_BANK, IBAN, MT_940, PAYER_IBAN, ROUBLES, client_bank
from mains.integrations.bank_files.intake import take_bank_file
from mains.ledger.models import Posting, Transaction
from mains.ledger.queries import invariants as ledger_invariants
from mains.ledger.queries.current_account import balance_of
from mains.payments.actions.bank_acceptance import (
    AcceptedBankFile,
    UnableToAcceptBankFile,
    accept_bank_file,
)
from mains.payments.actions.bank_accounts import UnableToAddBankAccount, add_bank_account
from mains.payments.actions.bank_booking import UnableToBookBankLine, book_bank_line
from mains.payments.actions.bank_staging import UnableToStageBankFile
from mains.payments.actions.suspense import identify_receipt, return_receipt
from mains.payments.models import (
    BankAccount,
    BankEntry,
    BankFile,
    BankStatement,
    BankTransaction,
    Receipt,
)
from mains.payments.queries import invariants as payment_invariants
from mains.payments.queries.bank_balance import BankBalance, list_bank_balances
from mains.payments.queries.bank_files import find_bank_file, list_bank_files, list_bank_lines
from mains.staff.values import EVERYTHING, Scope
from money_cast import NOW, Cast

APRIL, MAY_2, MAY_3 = date(2021, 4, 30), date(2021, 5, 2), date(2021, 5, 3)


@pytest.fixture(autouse=True)
def sound_books(db: None):
    """After every story of this file the books are sound."""
    yield
    assert ledger_invariants.find_breaches() == []
    assert payment_invariants.find_breaches() == []


@pytest.fixture
def euros(db: None) -> BankAccount:
    return add_bank_account(number=IBAN, title="Hausbank", currency="EUR", register_senders=["bank"])


@pytest.fixture
def roubles(db: None) -> BankAccount:
    return add_bank_account(number=ROUBLES, title="РНКБ", currency="RUB")


def stage(content: str | bytes, *, name: str = "may.xml", account: str = "") -> BankFile:
    content = content.encode() if isinstance(content, str) else content
    return BankFile.objects.get(
        pk=take_bank_file(content=content, file_name=name, now=NOW, account_number=account)
    )


def take(content: str | bytes) -> AcceptedBankFile:
    file = stage(content)
    assert file.status == "staged", file.faults
    return accept_bank_file(file_id=file.pk, now=NOW)


def balance(on_date: date = MAY_3) -> BankBalance:
    (found,) = list_bank_balances(scope=EVERYTHING, on_date=on_date)
    return found


def states(file_id: int) -> list[tuple[int, str, str]]:
    lines = list_bank_lines(file_id=file_id, scope=EVERYTHING)
    return [(line.amount_minor, line.state, line.rule) for line in lines]


def test_a_statement_becomes_receipts_suspense_and_waiting_lines(cast: Cast, euros: BankAccount) -> None:
    cast.bill("anna", 10_000, on=APRIL)
    done = take(CAMT_053)
    assert (done.receipt_count, done.received_minor, done.allocated_minor, done.advance_minor) == (
        3, 18_100, 10_000, 2_000,
    )  # fmt: skip
    assert (done.suspense_count, done.suspense_minor) == (2, 6_100)
    assert balance_of(account_id=cast.accounts["anna"]) == -2_000
    assert states(done.file_id) == [
        (12_000, "receipt", "account_number"),
        (4_000, "suspense", ""),
        (2_100, "suspense", ""),
        (-100, "waiting", ""),
        (-450, "waiting", ""),
        (-200, "waiting", ""),
    ]
    paid = Receipt.objects.get(account_id=cast.accounts["anna"])
    assert (paid.paid_on, paid.amount_minor, paid.payer, paid.reference) == (
        MAY_3,
        12_000,
        "Anna Berg",
        "E2E-1",
    )


def test_the_balance_lists_what_the_ledger_lacks_until_it_is_booked(cast: Cast, euros: BankAccount) -> None:
    take(CAMT_053)
    before = balance()
    assert (before.opening_minor, before.moved_minor, before.bank_minor) == (100_000, 17_350, 117_350)
    assert (before.ledger_minor, before.difference_minor) == (118_100, -750)
    assert [one.amount_minor for one in before.differences] == [-100, -450, -200]
    assert (before.unexplained_minor, before.missing_minor) == (0, 0)
    for line in BankTransaction.objects.filter(state="waiting"):
        control = "bank_charges" if line.is_charge else "bank_other"
        book_bank_line(transaction_id=line.pk, control=control, now=NOW)
        with pytest.raises(UnableToBookBankLine):
            book_bank_line(transaction_id=line.pk, control=control, now=NOW)
    after = balance()
    assert (after.ledger_minor, after.difference_minor, after.differences) == (117_350, 0, ())
    assert sum(Posting.objects.filter(control="bank_charges").values_list("amount_minor", flat=True)) == 550
    assert balance(MAY_2).bank_minor is None


def test_an_entry_of_an_advice_and_of_the_statement_is_booked_once(cast: Cast, euros: BankAccount) -> None:
    advice = take(CAMT_054)
    assert (advice.receipt_count, advice.received_minor) == (1, 12_000)
    statement = take(CAMT_053)
    assert (statement.receipt_count, statement.received_minor) == (2, 6_100)
    assert states(statement.file_id)[0] == (12_000, "booked_before", "")
    found = balance()
    assert (found.bank_minor, found.ledger_minor, found.unexplained_minor) == (117_350, 118_100, 0)


def test_of_two_waiting_files_with_one_entry_the_second_leaves_it_out(cast: Cast, euros: BankAccount) -> None:
    advice, statement = stage(CAMT_054), stage(CAMT_053)
    assert accept_bank_file(file_id=statement.pk, now=NOW).received_minor == 18_100
    assert accept_bank_file(file_id=advice.pk, now=NOW).received_minor == 0
    assert Receipt.objects.count() == 3


def test_the_same_file_and_the_same_statement_change_nothing(cast: Cast, euros: BankAccount) -> None:
    first = take(CAMT_053)
    with pytest.raises(UnableToStageBankFile) as caught:
        stage(CAMT_053, name="other.xml")
    assert caught.value.code == "bank-file-repeated"
    with pytest.raises(UnableToAcceptBankFile):
        accept_bank_file(file_id=first.file_id, now=NOW)
    again = take(CAMT_053.replace("M-1", "M-1 copy"))
    assert (again.receipt_count, Receipt.objects.count()) == (0, 3)
    assert balance().unexplained_minor == 0


def test_a_statement_that_closes_otherwise_than_before_is_refused(cast: Cast, euros: BankAccount) -> None:
    take(CAMT_053)
    changed = CAMT_053.replace(">1000.00<", ">1001.00<").replace(">1173.50<", ">1174.50<")
    file = stage(changed)
    assert [(fault["code"], fault["params"]) for fault in file.faults] == [
        ("statement-differs", {"value": "S-2021-84", "stated": "1173.50", "found": "1174.50"})
    ]


def test_a_refused_file_keeps_nothing_and_may_come_again(cast: Cast) -> None:
    file = stage(CAMT_053)
    assert (file.status, [fault["code"] for fault in file.faults]) == ("refused", ["account-unknown"])
    assert (BankStatement.objects.count(), BankTransaction.objects.count()) == (0, 0)
    with pytest.raises(UnableToAcceptBankFile):
        accept_bank_file(file_id=file.pk, now=NOW)
    add_bank_account(number="DE02 1203 0000 0000 2020 51", title="Hausbank", currency="eur")
    assert stage(CAMT_053).pk == file.pk
    assert BankFile.objects.get().status == "staged"


def test_another_currency_or_another_account_is_refused(cast: Cast, euros: BankAccount) -> None:
    BankAccount.objects.update(currency="USD")
    assert [fault["code"] for fault in stage(CAMT_053).faults] == ["currency-differs"]
    BankAccount.objects.update(currency="EUR", number="12345678")
    assert [fault["code"] for fault in stage(CAMT_053).faults] == ["account-unknown"]
    assert stage(CAMT_053, account="12345678").status == "staged"
    with pytest.raises(UnableToAddBankAccount):
        add_bank_account(number="1234 5678", title="", currency="EUR")


def test_lines_are_frozen_once_their_file_is_accepted(cast: Cast, euros: BankAccount) -> None:
    take(CAMT_053)
    for statement in (
        "UPDATE payments_banktransaction SET amount_minor = 1",
        "DELETE FROM payments_banktransaction",
        "UPDATE payments_bankstatement SET closing_minor = 1",
        "UPDATE payments_bankentry SET entry_key = 'x'",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_1c_and_mt940_are_booked_too(cast: Cast, euros: BankAccount, roubles: BankAccount) -> None:
    done = take(client_bank())
    assert (done.received_minor, done.suspense_minor) == (155_040, 30_000)
    # Boer wrote Boris' number without a word around it.
    done = take(MT_940)
    assert (done.received_minor, done.suspense_minor) == (15_000, 0)
    assert balance_of(account_id=cast.accounts["boris"]) == -3_000
    for found in list_bank_balances(scope=EVERYTHING, on_date=date(2021, 5, 4)):
        assert found.unexplained_minor == 0


def test_a_sum_of_a_register_is_not_received_twice(cast: Cast, euros: BankAccount) -> None:
    cast.pay(("anna", "2021-05-03", "70.00", "R-1"), ("boris", "2021-05-03", "50.00", "R-2"))
    lump = CAMT_053.replace("Kundenkonto 0310000017", "Register")
    BankAccount.objects.update(register_senders=[register_sender()])
    # The register was accepted on 7 June; the bank's sum is looked for ten days around.
    moved = lump.replace("2021-05-03", "2021-06-03").replace("2021-05-04", "2021-06-04")
    done = take(moved)
    assert states(done.file_id)[0] == (12_000, "register", "")
    assert done.received_minor == 6_100
    found = balance(date(2021, 6, 3))
    assert (found.unexplained_minor, found.missing_minor) == (0, 0)


def test_a_register_that_comes_after_its_sum_takes_it_out_of_suspense(cast: Cast, euros: BankAccount) -> None:
    """The sum of 120.00 waits as nobody's until the register says whose it is; then nothing is there twice."""
    done = take(CAMT_053.replace("Kundenkonto 0310000017 ", "Sammler").replace("2021-05-03", "2021-06-05"))
    waiting = Receipt.objects.get(amount_minor=12_000)
    assert waiting.account_id is None
    on = date(2021, 6, 7)
    cast.pay(("anna", "2021-06-05", "100.00", "R-1"), ("boris", "2021-06-05", "20.00", "R-2"))
    found = balance(on)
    assert waiting.reversal.business_date == date(2021, 6, 5)
    assert (found.unexplained_minor, found.missing_minor) == (0, 0)
    assert {one.kind for one in found.differences} == {"waiting"}
    assert balance_of(account_id=cast.accounts["anna"]) == -10_000
    # Another register of that sum finds none to take.
    cast.pay(("anna", "2021-06-05", "120.00", "R-3"))
    assert {one.kind for one in balance(on).differences} == {"waiting", "register"}
    assert balance(on).unexplained_minor == 0
    assert done.suspense_count >= 1


def register_sender() -> str:
    from mains.payments.models import PaymentRegister

    return PaymentRegister.objects.get().sender_code


def test_money_goes_back_to_its_payer_through_the_bank(cast: Cast, euros: BankAccount) -> None:
    take(CAMT_053)
    receipt = Receipt.objects.get(payer="Boris")
    return_receipt(receipt_id=receipt.pk, reason="Not ours", business_date=MAY_3, now=NOW)
    back = (
        MT_940[: MT_940.index("{1:F01LUMEN", 10)]
        .replace(":60F:C210503EUR1000,00", ":60F:C210503EUR1173,50")
        .replace(":62F:C210503EUR1113,50", ":62F:C210504EUR1152,50")
    )
    start, end = back.index(":61:"), back.index(":62F:")
    back = back[:start] + ":61:2105040504D21,00NTRFNONREF//Z-1\n:86:Return\n" + back[end:]
    take(back)
    line = BankTransaction.objects.get(bank_reference="Z-1")
    book_bank_line(transaction_id=line.pk, control="returns", now=NOW)
    assert sum(Posting.objects.filter(control="returns").values_list("amount_minor", flat=True)) == 0
    with pytest.raises(UnableToBookBankLine):
        book_bank_line(
            transaction_id=BankTransaction.objects.get(bank_reference="A-003").pk, control="returns", now=NOW
        )


def test_a_learned_payer_is_known_the_next_time(cast: Cast, euros: BankAccount) -> None:
    strange = CAMT_053.replace("Kundenkonto 0310000017 ", "Danke")
    take(strange)
    receipt = Receipt.objects.get(amount_minor=12_000)
    identify_receipt(
        receipt_id=receipt.pk, account_number=cast.numbers["dilek"], business_date=MAY_3, now=NOW
    )
    nothing = MT_940.replace("0310000017", "").replace("03100000\n17", "").replace("0310000027", "Danke")
    done = take(nothing)
    assert [line[1:] for line in states(done.file_id)] == [
        ("receipt", "payer_account"),
        ("waiting", ""),
        ("waiting", ""),
        ("receipt", "payer_account"),
    ]
    assert PAYER_IBAN in nothing
    assert balance_of(account_id=cast.accounts["dilek"]) == -27_000


def test_texts_that_name_several_accounts_are_left_to_a_person(cast: Cast, roubles: BankAccount) -> None:
    text = CLIENT_BANK.replace("л/с 0310000017", "л/с 0310000017, 0310000027")
    file = stage(client_bank(text))
    assert states(file.pk)[0] == (125_040, "suspense", "several")
    grouped = CLIENT_BANK.replace("л/с 0310000017", "л/с 0310 0000 17 2021")
    assert states(stage(client_bank(grouped)).pk)[0] == (125_040, "receipt", "account_number")


def test_statements_are_not_for_people_of_one_branch(cast: Cast, euros: BankAccount) -> None:
    file = stage(CAMT_053)
    branch = Scope(
        organisation_ids=frozenset({cast.units["North"]}), permissions=frozenset({"import_payments"})
    )
    assert find_bank_file(file_id=file.pk, scope=EVERYTHING) is not None
    for scope in (branch, Scope(organisation_ids=None, permissions=frozenset({"see_accounts"}))):
        assert find_bank_file(file_id=file.pk, scope=scope) is None
        assert list_bank_files(scope=scope) == []
        assert list_bank_lines(file_id=file.pk, scope=scope) == []
        assert list_bank_balances(scope=scope, on_date=MAY_3) == []


def test_nothing_is_posted_before_acceptance(cast: Cast, euros: BankAccount) -> None:
    stage(CAMT_053)
    assert (Transaction.objects.count(), Receipt.objects.count(), BankEntry.objects.count()) == (0, 0, 0)
    assert balance().bank_minor is None
