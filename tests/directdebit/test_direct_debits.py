"""Mandates, what they collect, the file to the bank, and what the bank's files make of it."""

from datetime import date, timedelta

import pytest
from lxml import etree

from bank_samples import status_report
from debit_cast import (
    BANK_TIME,
    COLLECT_ON,
    CREDITOR_ID,
    IBAN,
    IBANS,
    LATER,
    SIGNED,
    approve,
    batch_sum,
    build_collector,
    collected,
    item_of,
    look_at,
    order,
    propose,
    returned,
    sign,
    stage,
    statement,
    take,
)
from debt_cast import people
from mains.directdebit.actions.bank import book_bank_lines
from mains.directdebit.actions.collections import UnableToCollect, decide_collection, propose_collection
from mains.directdebit.actions.mandates import (
    UnableToKeepMandate,
    resume_mandate,
    revoke_mandate,
    state_creditor,
)
from mains.directdebit.models import CollectionItem
from mains.directdebit.queries import invariants
from mains.directdebit.queries.dues import list_dues
from mains.directdebit.queries.mandates import list_mandates
from mains.directdebit.values import CollectionState, MandateState, MandateUse, Scheme, lapses_on
from mains.integrations.payment_orders.collections import order_collection
from mains.integrations.payment_orders.status_reports import take_status_report
from mains.ledger.actions.periods import close_through
from mains.ledger.queries import invariants as ledger_invariants
from mains.ledger.queries.current_account import balance_of
from mains.ledger.values import Book
from mains.payments.actions.bank_acceptance import accept_bank_file
from mains.payments.actions.bank_returns import UnableToTakeBack, explain_by_reversal
from mains.payments.actions.bank_staging import UnableToStageBankFile
from mains.payments.actions.reversals import reverse_receipt
from mains.payments.models import BankTransaction, Receipt, ReceiptReversal
from mains.payments.queries import invariants as payment_invariants
from mains.payments.queries.bank_balance import list_bank_balances
from mains.staff.actions.approvals import UnableToDecide
from mains.staff.models import Proposal
from mains.staff.values import EVERYTHING, Scope
from money_cast import NOW, Cast

APRIL, MAY = date(2021, 4, 30), date(2021, 5, 31)
DAY_2 = COLLECT_ON + timedelta(days=2)
NS = {"p": "urn:iso:std:iso:20022:tech:xsd:pain.008.001.08"}


@pytest.fixture(autouse=True)
def sound_books(cast: Cast):
    """After every story the books are sound."""
    build_collector()
    yield
    for checks in (ledger_invariants, payment_invariants, invariants):
        assert checks.find_breaches() == []


def texts(content: bytes, path: str) -> list[str]:
    return [
        str(one.text) for one in etree.fromstring(content).iterfind(f".//p:{path.replace('/', '/p:')}", NS)
    ]


def state_of(cast: Cast, name: str, day: date = COLLECT_ON) -> MandateState:
    return list_mandates(account_id=cast.accounts[name])[-1].state_on(day)


def unexplained(on: date = DAY_2) -> tuple[int | None, int | None]:
    """Of Lumen's bank: what the listed differences do not explain, and what the statements do not tell."""
    (found,) = list_bank_balances(scope=EVERYTHING, on_date=on)
    return found.unexplained_minor, found.missing_minor


def test_what_is_due_is_collected_by_mandate(cast: Cast) -> None:
    """Debts due by the day, less credit and less what is on its way; nothing of accounts without a mandate."""
    for name in ("anna", "boris", "chen"):
        sign(cast, name)
    cast.bill("anna", 100_00, on=APRIL)
    cast.bill("anna", 50_00, on=MAY, due=COLLECT_ON + timedelta(days=1))
    cast.bill("boris", 70_00, on=APRIL)
    cast.bill("boris", -30_00, on=MAY)
    cast.bill("chen", 10_00, on=APRIL)
    cast.bill("chen", 20_00, on=APRIL, service="cold_water")
    cast.bill("dilek", 99_00, on=APRIL)
    collection = propose()
    amounts = dict(collection.items.values_list("account_id", "amount_minor"))
    assert amounts == {
        cast.accounts[n]: minor for n, minor in (("anna", 10000), ("boris", 4000), ("chen", 3000))
    }
    assert (collection.item_count, collection.amount_minor) == (3, 170_00)
    with pytest.raises(UnableToCollect, match="on its way"):
        propose()
    # Once refused, its debts may be proposed again.
    proposal = Proposal.objects.get(kind="collection", subject_id=collection.pk)
    decide_collection(proposal_id=proposal.pk, agrees=False, now=NOW, actor_id=people()[0])
    assert look_at(collection).state is CollectionState.REFUSED
    assert propose().amount_minor == 170_00


def test_another_person_approves_and_the_file_is_written_once(cast: Cast) -> None:
    sign(cast, "anna")
    sign(cast, "boris", scheme=Scheme.B2B)
    cast.bill("anna", 100_00, on=APRIL)
    cast.bill("boris", 70_00, on=APRIL)
    collection = propose()
    with pytest.raises(UnableToCollect, match="not approved"):
        order_collection(collection_id=collection.pk, now=NOW, actor_id=None)
    proposal = Proposal.objects.get(kind="collection", subject_id=collection.pk)
    with pytest.raises(UnableToDecide, match="themselves"):
        decide_collection(proposal_id=proposal.pk, agrees=True, now=NOW, actor_id=people()[0])
    approve(collection)
    _name, content = order_collection(collection_id=collection.pk, now=NOW, actor_id=None)
    again = order_collection(collection_id=collection.pk, now=NOW + LATER, actor_id=None)[1]
    assert again == content
    assert texts(content, "GrpHdr/CtrlSum") == ["170.00"]
    assert texts(content, "LclInstrm/Cd") == ["B2B", "CORE"]
    assert texts(content, "SeqTp") == ["FRST", "FRST"]
    assert texts(content, "MndtId") == ["M-boris", "M-anna"]
    assert texts(content, "CdtrSchmeId/Id/PrvtId/Othr/Id") == [CREDITOR_ID] * 2
    assert texts(content, "ReqdColltnDt") == [COLLECT_ON.isoformat()] * 2
    assert look_at(collection).state is CollectionState.FILED


def test_what_the_bank_refuses_before_its_day_is_asked_for_again(cast: Cast) -> None:
    for name in ("anna", "boris"):
        sign(cast, name)
        cast.bill(name, 100_00 if name == "anna" else 70_00, on=APRIL)
    collection, _ = order()
    refused = item_of(cast, collection, "boris").end_to_end_id
    report = status_report(f"DD-{collection.pk}", (refused, "RJCT", "AC01"), kind="pain.008.001.08")
    taken = take_status_report(content=report, file_name="r.xml", now=NOW)
    assert (taken.accepted, taken.rejected, taken.unknown) == (1, 1, ())
    found = look_at(collection)
    assert (found.accepted_count, found.rejected_count, found.rejected_minor, found.open_count) == (
        1,
        1,
        70_00,
        1,
    )
    dues = list_dues(creditor_number=1, collect_on=COLLECT_ON + timedelta(days=7))
    assert [(due.mandate.identifier, due.amount_minor) for due in dues] == [("M-boris", 70_00)]
    # The bank books the batch without it.
    done = take(statement(batch_sum(f"DD-{collection.pk}-B1", 100_00, COLLECT_ON)))
    assert (done.receipt_count, done.suspense_count) == (1, 0)
    assert balance_of(account_id=cast.accounts["anna"]) == 0


def test_a_batch_booked_as_one_sum_becomes_its_receipts(cast: Cast) -> None:
    for name in ("anna", "boris"):
        sign(cast, name)
        cast.bill(name, 100_00 if name == "anna" else 70_00, on=APRIL)
    collection, _ = order()
    bank = statement(batch_sum(f"DD-{collection.pk}-B1", 170_00, COLLECT_ON))
    done = take(bank)
    assert (done.receipt_count, done.allocated_minor, done.suspense_count) == (2, 170_00, 0)
    assert [balance_of(account_id=cast.accounts[name]) for name in ("anna", "boris")] == [0, 0]
    assert (look_at(collection).collected_count, look_at(collection).open_count) == (2, 0)
    with pytest.raises(UnableToStageBankFile):
        take(bank)
    # The advice names each of them, under no common reference of the bank: still the same money.
    items = [item_of(cast, collection, name) for name in ("anna", "boris")]
    advice = take(statement(*(collected(item, COLLECT_ON) for item in items), number="2", advice=True))
    assert advice.receipt_count == 0
    assert Receipt.objects.count() == 2
    assert set(BankTransaction.objects.filter(statement__number="S-2").values_list("state", flat=True)) == {
        "booked_before"
    }


def test_two_files_of_the_same_money_staged_side_by_side(cast: Cast) -> None:
    sign(cast, "anna")
    cast.bill("anna", 100_00, on=APRIL)
    collection, _ = order()
    item = item_of(cast, collection, "anna")
    first = stage(statement(batch_sum(item.batch, 100_00, COLLECT_ON, reference="A")))
    second = stage(statement(collected(item, COLLECT_ON, reference="B"), number="2", advice=True))
    counts = [accept_bank_file(file_id=one.pk, now=BANK_TIME).receipt_count for one in (second, first)]
    assert counts == [1, 0]
    assert balance_of(account_id=cast.accounts["anna"]) == 0


def test_a_sum_that_differs_from_the_batch_is_left_to_a_person(cast: Cast) -> None:
    sign(cast, "anna")
    cast.bill("anna", 100_00, on=APRIL)
    collection, _ = order()
    done = take(statement(batch_sum(f"DD-{collection.pk}-B1", 99_00, COLLECT_ON)))
    assert (done.receipt_count, done.suspense_minor) == (1, 99_00)
    assert look_at(collection).collected_count == 0


def test_a_return_takes_the_receipt_back_with_the_banks_charge(cast: Cast) -> None:
    sign(cast, "anna")
    cast.bill("anna", 100_00, on=APRIL)
    collection, _ = order()
    item = item_of(cast, collection, "anna")
    take(statement(batch_sum(item.batch, 100_00, COLLECT_ON)))
    bank = statement(returned(item, DAY_2, code="AM04", charge_minor=3_50), number="2", opening_minor=100_00)
    take(bank)
    assert balance_of(account_id=cast.accounts["anna"]) == 100_00
    reversal = ReceiptReversal.objects.get()
    assert (reversal.reason, reversal.business_date) == ("Direct debit returned AM04", DAY_2)
    found = look_at(collection)
    assert (found.returned_count, found.returned_minor) == (1, 100_00)
    assert unexplained() == (0, 0)
    assert book_bank_lines(now=NOW + 2 * LATER) == (0, 0)
    assert state_of(cast, "anna") is MandateState.ACTIVE
    # What came back may be collected again, now as a recurrent collection.
    assert propose(date(2021, 7, 6), now=NOW + 2 * LATER).items.get().sequence == "RCUR"


def test_collection_and_return_in_one_file_and_a_return_of_another_amount(cast: Cast) -> None:
    for name in ("anna", "boris"):
        sign(cast, name)
        cast.bill(name, 100_00, on=APRIL)
    collection, _ = order()
    anna, boris = (item_of(cast, collection, name) for name in ("anna", "boris"))
    odd = returned(boris, DAY_2).replace("100.00", "103.00")
    take(statement(batch_sum(anna.batch, 200_00, COLLECT_ON), returned(anna, DAY_2), odd))
    assert [balance_of(account_id=cast.accounts[name]) for name in ("anna", "boris")] == [100_00, 0]
    # The other one waits for the accountant.
    assert list(BankTransaction.objects.filter(amount_minor=-103_00).values_list("state", flat=True)) == [
        "waiting"
    ]
    assert unexplained() == (0, 0)


def test_returns_on_closed_days_are_posted_on_the_first_open_one(cast: Cast) -> None:
    sign(cast, "anna")
    cast.bill("anna", 100_00, on=APRIL)
    collection, _ = order()
    item = item_of(cast, collection, "anna")
    take(statement(batch_sum(item.batch, 100_00, COLLECT_ON)))
    later = NOW + timedelta(days=30)
    close_through(book=Book.MONEY, day=DAY_2, now=later)
    take(statement(returned(item, DAY_2), number="2", opening_minor=100_00), now=later)
    assert ReceiptReversal.objects.get().business_date == DAY_2 + timedelta(days=1)
    assert unexplained(DAY_2) == unexplained(DAY_2 + timedelta(days=1)) == (0, 0)


@pytest.mark.parametrize(("codes", "suspended"), [(["AM04"], False), (["AM04"] * 3, True), (["MD01"], True)])
def test_mandates_that_fail_are_suspended_until_a_person_resumes_them(
    cast: Cast, codes: list[str], suspended: bool
) -> None:
    mandate = sign(cast, "anna")
    cast.bill("anna", 100_00, on=APRIL)
    now = NOW
    for number, code in enumerate(codes):
        collection, _ = order(COLLECT_ON + timedelta(days=7 * number), now=now)
        item = item_of(cast, collection, "anna")
        day = collection.collect_on
        take(
            statement(batch_sum(item.batch, 100_00, day), returned(item, day, code=code), number=f"{number}")
        )
        now += LATER
    assert (state_of(cast, "anna") is MandateState.SUSPENDED) is suspended
    if suspended:
        with pytest.raises(UnableToCollect, match="No account"):
            propose(now=now)
        resume_mandate(mandate_id=mandate.pk, reason="New letter", now=now, actor_id=None)
        assert propose(now=now).item_count == 1
    else:
        with pytest.raises(UnableToKeepMandate, match="not suspended"):
            resume_mandate(mandate_id=mandate.pk, reason="x", now=now, actor_id=None)


def test_another_account_of_the_customer_amends_the_mandate(cast: Cast) -> None:
    sign(cast, "anna")
    cast.bill("anna", 100_00, on=APRIL)
    order()
    cast.bill("anna", 5_00, on=MAY)
    moved = date(2021, 6, 7)
    sign(cast, "anna", iban=IBANS["boris"], valid_from=moved)
    collection, content = order(date(2021, 7, 6))
    item = item_of(cast, collection, "anna")
    assert (item.amount_minor, item.sequence, item.changed_from) == (5_00, "RCUR", IBANS["anna"])
    assert texts(content, "AmdmntInfDtls/OrgnlDbtrAcct/Id/Othr/Id") == ["SMNDA"]
    assert texts(content, "DbtrAcct/Id/IBAN") == [IBANS["boris"]]


def test_mandates_end_by_revocation_use_and_time(cast: Cast) -> None:
    sign(cast, "anna")
    sign(cast, "boris", use=MandateUse.ONE_OFF)
    sign(cast, "chen", signed_on=date(2018, 6, 20))
    for name in ("anna", "boris", "chen"):
        cast.bill(name, 10_00, on=APRIL)
    assert state_of(cast, "chen") is MandateState.LAPSED
    assert lapses_on(date(2020, 2, 29)) == date(2023, 3, 1)
    revoke_mandate(account_id=cast.accounts["anna"], revoked_on=COLLECT_ON, now=NOW)
    assert state_of(cast, "anna") is MandateState.REVOKED
    assert state_of(cast, "anna", COLLECT_ON - timedelta(days=1)) is MandateState.ACTIVE
    collection = propose()
    assert list(collection.items.values_list("account_id", "sequence")) == [(cast.accounts["boris"], "OOFF")]
    assert state_of(cast, "boris") is MandateState.USED
    with pytest.raises(UnableToKeepMandate, match="no mandate"):
        revoke_mandate(account_id=cast.accounts["emre"], revoked_on=COLLECT_ON, now=NOW)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"iban": "NL91ABNA0417164301"}, "not an IBAN"),
        ({"bic": "ABC"}, "not a BIC"),
        ({"identifier": "ü"}, "identifier of 1 to 35"),
        ({"signed_on": date(2021, 6, 8)}, "signed today or earlier"),
        ({"valid_from": SIGNED - timedelta(days=1)}, "signed today or earlier"),
        ({"debtor_name": " "}, "holder's name"),
        ({"creditor_number": 2}, "Nobody collects"),
    ],
)
def test_wrong_mandates_are_refused(cast: Cast, told: dict[str, object], said: str) -> None:
    with pytest.raises(UnableToKeepMandate, match=said):
        sign(cast, "anna", **told)
    assert list_mandates(account_id=cast.accounts["anna"]) == []


def test_what_may_not_be_collected_is_said(cast: Cast) -> None:
    sign(cast, "anna")
    with pytest.raises(UnableToKeepMandate, match="another account"):
        sign(cast, "boris", identifier="M-anna")
    with pytest.raises(UnableToKeepMandate, match="check digits"):
        state_creditor(
            name="Lumen", creditor_id="DE97ZZZ09999999999", iban=IBAN, valid_from=SIGNED, actor=None, now=NOW
        )
    for day, said in (
        (date(2021, 6, 20), "nothing on that day"),
        (date(2021, 6, 18), "14 days before"),
        (COLLECT_ON, "No account"),
    ):
        with pytest.raises(UnableToCollect, match=said):
            propose(day)
    cast.bill("anna", 100_00, on=APRIL)
    with pytest.raises(UnableToCollect, match="whole utility"):
        propose_collection(
            collect_on=COLLECT_ON,
            reason="June",
            now=NOW,
            actor_id=None,
            scope=Scope(frozenset({1}), frozenset()),
        )
    assert CollectionItem.objects.count() == 0


def test_a_line_of_a_receipt_taken_back_by_hand_is_explained_by_it(cast: Cast) -> None:
    """The accountant says which reversal a line is; then neither of them is a difference with the bank."""
    sign(cast, "anna")
    cast.bill("anna", 100_00, on=APRIL)
    collection, _ = order()
    item = item_of(cast, collection, "anna")
    plain = returned(item, DAY_2).replace(item.end_to_end_id, "OTHER")
    take(statement(batch_sum(item.batch, 100_00, COLLECT_ON), plain))
    line = BankTransaction.objects.get(state="waiting")
    with pytest.raises(UnableToTakeBack, match="No receipt"):
        explain_by_reversal(transaction_id=line.pk, now=NOW)
    receipt = Receipt.objects.get()
    reverse_receipt(receipt_id=receipt.pk, reason="Letter", business_date=DAY_2, now=NOW)
    assert len(list_bank_balances(scope=EVERYTHING, on_date=DAY_2)[0].differences) == 2
    assert explain_by_reversal(transaction_id=line.pk, now=NOW) == receipt.pk
    assert list_bank_balances(scope=EVERYTHING, on_date=DAY_2)[0].differences == ()
    assert unexplained() == (0, 0)
    with pytest.raises(UnableToTakeBack):
        explain_by_reversal(transaction_id=line.pk, now=NOW)
