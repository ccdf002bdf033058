"""Payment orders: valid by the schemas of ISO 20022, sums right, and refused where a bank would refuse."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from integrations.official_rules import PAIN_SCHEMAS
from mains.integrations.payment_orders.characters import sepa_text
from mains.integrations.payment_orders.checks import is_creditor_id
from mains.integrations.payment_orders.credit_transfers import write_credit_transfers
from mains.integrations.payment_orders.direct_debits import write_direct_debits
from mains.integrations.payment_orders.values import (
    Amendment,
    BankParty,
    CreditTransfer,
    DebitBatch,
    DirectDebit,
    FileHead,
    LocalInstrument,
    Mandate,
    SequenceType,
    TransferBatch,
    UnableToWritePaymentOrders,
)

UTILITY = BankParty(name="Stadtwerke Nord & Süd GmbH", iban="DE89 3704 0044 0532 0130 00", bic="COBADEFFXXX")
SUPPLIER = BankParty(name="Élan Énergie", iban="FR14 2004 1010 0505 0001 3M02 606", country="FR")
CUSTOMER = BankParty(name="Zoë Müller", iban="AT61 1904 3002 3457 3201", bic="GIBAATWWXXX")
HEAD = FileHead(
    identifier="2024-06-05-1", created_at=datetime(2024, 6, 5, 9, tzinfo=UTC), initiator="Stadtwerke"
)
TRANSFER = CreditTransfer(
    end_to_end_id="SETTLE-1", amount_minor=123_456, creditor=SUPPLIER, reference="RF18 5390 0754 7034"
)
TRANSFERS = TransferBatch(
    identifier="B1",
    debtor=UTILITY,
    execute_on=date(2024, 6, 6),
    transfers=(
        TRANSFER,
        replace(TRANSFER, end_to_end_id="SETTLE-2", amount_minor=1, reference="May 2024", purpose="UBIL"),
    ),
)
MANDATE = Mandate(identifier="M-95794439", signed_on=date(2023, 1, 10))
DEBIT = DirectDebit(
    end_to_end_id="2405-1013", amount_minor=9_999, debtor=CUSTOMER, mandate=MANDATE, reference="95794439"
)
NO_ZONE = replace(HEAD, created_at=HEAD.created_at.replace(tzinfo=None))
OLD_DEBIT = replace(DEBIT, mandate=replace(MANDATE, signed_on=date(2020, 1, 1)))
DEBITS = DebitBatch(
    identifier="D1",
    creditor=UTILITY,
    creditor_id="DE98ZZZ09999999999",
    collect_on=date(2024, 6, 20),
    sequence=SequenceType.RECURRING,
    debits=(DEBIT,),
)


def checked(content: bytes, message: str) -> etree._Element:
    """The root, when the published schema accepts the document."""
    schema = etree.XMLSchema(etree.parse(PAIN_SCHEMAS / f"{message}.xsd"))
    root = etree.fromstring(content)
    schema.assertValid(root)
    return root


def texts(root: etree._Element, name: str) -> list[str]:
    return [element.text or "" for element in root.iter(f"{{*}}{name}")]


def test_transfers_are_valid_and_sum_up():
    other = replace(TRANSFERS, identifier="B2", transfers=(replace(TRANSFER, amount_minor=50),))
    content = write_credit_transfers(head=HEAD, batches=[TRANSFERS, other])
    root = checked(content, "pain.001.001.09")
    assert texts(root, "CtrlSum") == ["1235.07", "1234.57", "0.50"]
    assert texts(root, "NbOfTxs") == ["3", "2", "1"]
    assert texts(root, "Ref") == ["RF18539007547034"] * 2
    assert texts(root, "Ustrd") == ["May 2024"]
    assert set(texts(root, "Nm")) == {"Stadtwerke", "Stadtwerke Nord + Sud GmbH", "Elan Energie"}
    assert content == write_credit_transfers(head=HEAD, batches=[TRANSFERS, other])


@pytest.mark.parametrize("sequence", SequenceType)
@pytest.mark.parametrize("instrument", LocalInstrument)
def test_debits_of_every_sequence_are_valid(sequence, instrument):
    batch = replace(DEBITS, sequence=sequence, instrument=instrument)
    root = checked(write_direct_debits(head=HEAD, batches=[batch]), "pain.008.001.08")
    assert (texts(root, "SeqTp"), texts(root, "CtrlSum")) == ([sequence], ["99.99", "99.99"])
    assert texts(root, "MndtId") == ["M-95794439"]
    assert texts(root, "AmdmntInd") == ["false"]


AMENDMENTS = {
    "number": (Amendment(original_mandate_id="M-1"), "OrgnlMndtId", "M-1"),
    "account": (Amendment(original_iban=SUPPLIER.iban), "OrgnlDbtrAcct", "FR1420041010050500013M02606"),
    "bank": (Amendment(is_other_bank=True), "OrgnlDbtrAcct", "SMNDA"),
    "creditor": (
        Amendment(original_creditor_id="DE98ZZZ09999999999", original_creditor_name="Old"),
        "OrgnlCdtrSchmeId",
        "Old DE98ZZZ09999999999 SEPA",
    ),
}


@pytest.mark.parametrize("name", AMENDMENTS)
def test_amended_mandates_say_what_changed(name):
    amendment, element, text = AMENDMENTS[name]
    debit = replace(DEBIT, mandate=replace(MANDATE, amendment=amendment))
    root = checked(
        write_direct_debits(head=HEAD, batches=[replace(DEBITS, debits=(debit,))]), "pain.008.001.08"
    )
    (found,) = root.iter(f"{{*}}{element}")
    assert " ".join(" ".join(found.itertext()).split()) == text
    assert texts(root, "AmdmntInd") == ["true"]


def test_a_debtor_without_bic_is_not_provided():
    debit = replace(DEBIT, debtor=replace(CUSTOMER, bic=""))
    root = checked(
        write_direct_debits(head=HEAD, batches=[replace(DEBITS, debits=(debit,))]), "pain.008.001.08"
    )
    (agent,) = root.iter("{*}DbtrAgt")
    assert "".join(agent.itertext()).split() == ["NOTPROVIDED"]


def transfers(**changes: Any) -> Any:
    return lambda: write_credit_transfers(head=HEAD, batches=[replace(TRANSFERS, **changes)])


def transfer(**changes: Any) -> Any:
    return transfers(transfers=(replace(TRANSFER, **changes),))


def debits(**changes: Any) -> Any:
    return lambda: write_direct_debits(head=HEAD, batches=[replace(DEBITS, **changes)])


def debit(**changes: Any) -> Any:
    return debits(debits=(replace(DEBIT, **changes),))


def mandate(**changes: Any) -> Any:
    return debit(mandate=replace(MANDATE, **changes))


REFUSED = {
    "nothing": (lambda: write_credit_transfers(head=HEAD, batches=[]), "nothing to pay"),
    "empty batch": (transfers(transfers=()), "batch is empty"),
    "no zone": (
        lambda: write_credit_transfers(head=NO_ZONE, batches=[TRANSFERS]),
        "no time zone",
    ),
    "yesterday": (transfers(execute_on=date(2024, 6, 4)), "is past"),
    "sunday": (transfers(execute_on=date(2024, 6, 9)), "TARGET is closed"),
    "good friday": (transfers(execute_on=date(2025, 4, 18)), "TARGET is closed"),
    "christmas": (transfers(execute_on=date(2024, 12, 25)), "TARGET is closed"),
    "wrong IBAN": (transfer(creditor=replace(SUPPLIER, iban="FR1420041010050500013M02607")), "not an IBAN"),
    "wrong BIC": (transfer(creditor=replace(SUPPLIER, bic="XX")), "not a BIC"),
    "no Latin name": (transfer(creditor=replace(SUPPLIER, name="电力公司")), "Latin letters"),
    "nought": (transfer(amount_minor=0), "amount is 0"),
    "negative": (transfer(amount_minor=-1), "amount is -1"),
    "too much": (transfer(amount_minor=100_000_000_000), "amount is"),
    "long reference": (transfer(reference="x" * 141), "longer than 140"),
    "slash": (transfer(end_to_end_id="/1"), "no identifier"),
    "twice": (transfers(transfers=(TRANSFER, TRANSFER)), "twice"),
    "purpose": (transfer(purpose="ELECTRICITY"), "code of purpose"),
    "creditor id": (debits(creditor_id="DE97ZZZ09999999999"), "creditor identifier"),
    "signed later": (mandate(signed_on=date(2024, 7, 1)), "signed after"),
    "void": (debits(sequence=SequenceType.FIRST, debits=(OLD_DEBIT,)), "void"),
    "one-off amended": (
        debits(
            sequence=SequenceType.ONE_OFF,
            debits=(
                replace(DEBIT, mandate=replace(MANDATE, amendment=Amendment(original_mandate_id="M-1"))),
            ),
        ),
        "cannot be amended",
    ),
    "old IBAN and other bank": (
        mandate(amendment=Amendment(original_iban=SUPPLIER.iban, is_other_bank=True)),
        "stated at once",
    ),
    "mandate id": (mandate(identifier="M" * 36), "no identifier"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_bank_would_refuse_is_refused_with_its_place(name):
    write, message = REFUSED[name]
    with pytest.raises(UnableToWritePaymentOrders, match=message) as refusal:
        write()
    assert refusal.value.place
    assert refusal.value.remedy


def test_creditor_identifiers_do_not_count_the_business_code():
    assert is_creditor_id("DE98ZZZ09999999999")
    assert is_creditor_id("DE98ABC09999999999")
    assert is_creditor_id("FR72ZZZ123456")
    assert not is_creditor_id("DE98ZZZ09999999998")


@given(st.text(max_size=200))
def test_any_text_becomes_letters_that_banks_pass_on(text):
    made = sepa_text(text)
    assert all(letter.isascii() and (letter.isalnum() or letter in "/-?:().,'+ ") for letter in made)
    assert sepa_text(made) == made
