"""Work on money in suspense: proposals, shares, owners, filters, and what it teaches."""

from datetime import date

import pytest

from mains.ledger.queries import invariants as ledger_invariants
from mains.ledger.queries.current_account import balance_of
from mains.payments.actions.learning import forget_payer
from mains.payments.actions.reversals import UnableToReverseReceipt, reverse_receipt
from mains.payments.actions.suspense import (
    Share,
    UnableToIdentifyReceipt,
    identify_receipt,
    own_suspense,
    return_receipt,
    split_receipt,
)
from mains.payments.models import Receipt, ReceiptIdentification
from mains.payments.queries import invariants as payment_invariants
from mains.payments.queries.learned import is_learned_within, list_learned
from mains.payments.queries.receipts import list_receipts, sum_suspense
from mains.payments.queries.suspense import (
    SuspenseFilter,
    SuspenseItem,
    find_suspense_item,
    list_suspense_items,
    propose_accounts,
)
from mains.payments.values import RegisterStatus
from mains.staff.models import User
from mains.staff.values import EVERYTHING, Scope
from money_cast import NOW, Cast

APRIL, TODAY = date(2021, 4, 30), date(2021, 6, 7)
UNKNOWN = "9900000000"
NORTH = "Ivan North"


@pytest.fixture(autouse=True)
def sound_books(db: None):
    """After every story of this file the books are sound."""
    yield
    assert ledger_invariants.find_breaches() == []
    assert payment_invariants.find_breaches() == []


def waiting(
    cast: Cast, amount: str, *, reference: str = "R-1", payer: str = NORTH, said: str = UNKNOWN
) -> Receipt:
    """A payment of a register that names nobody's account."""
    from mains.payments.actions.acceptance import accept_register

    text = f"account,paid_on,amount,reference,payer\n{said},2021-05-03,{amount},{reference},{payer}\n"
    register = cast.stage(f"{text}TOTAL,1,{amount}\n")
    assert register.status == RegisterStatus.STAGED, register.faults
    accept_register(register_id=register.pk, now=NOW)
    return Receipt.objects.get(reference=reference)


def item(receipt: Receipt) -> SuspenseItem:
    found = find_suspense_item(receipt_id=receipt.pk, scope=EVERYTHING)
    assert found is not None
    return found


def proposals(receipt: Receipt, scope: Scope = EVERYTHING) -> list[tuple[str, str]]:
    found = propose_accounts(item=item(receipt), scope=scope, today=TODAY)
    return [(one.number, one.rule) for one in found]


def test_a_payment_is_split_over_accounts_in_shares(cast: Cast) -> None:
    cast.bill("anna", 4_000, on=APRIL)
    receipt = waiting(cast, "100.00")
    shares = [
        Share(account_number=cast.numbers["anna"], amount_minor=4_000),
        Share(account_number=cast.numbers["boris"], amount_minor=6_000),
    ]
    booked = split_receipt(receipt_id=receipt.pk, shares=shares, business_date=TODAY, now=NOW)
    assert (booked.allocated_minor, booked.advance_minor) == (4_000, 6_000)
    assert [balance_of(account_id=cast.accounts[name]) for name in ("anna", "boris")] == [0, -6_000]
    assert [one.amount_minor for one in list_receipts(account_id=cast.accounts["boris"])] == [6_000]
    assert sum_suspense().count == 0
    with pytest.raises(UnableToIdentifyReceipt):
        split_receipt(receipt_id=receipt.pk, shares=shares, business_date=TODAY, now=NOW)
    with pytest.raises(UnableToIdentifyReceipt):
        return_receipt(receipt_id=receipt.pk, reason="late", business_date=TODAY, now=NOW)


@pytest.mark.parametrize(
    "amounts",
    [(4_000, 5_999), (10_000, 0), (11_000, -1_000), ()],
    ids=["short", "nothing", "negative", "none"],
)
def test_shares_that_do_not_sum_are_refused(cast: Cast, amounts: tuple[int, ...]) -> None:
    receipt = waiting(cast, "100.00")
    shares = [
        Share(account_number=cast.numbers[name], amount_minor=amount)
        for name, amount in zip(("anna", "boris"), amounts, strict=False)
    ]
    with pytest.raises(UnableToIdentifyReceipt):
        split_receipt(receipt_id=receipt.pk, shares=shares, business_date=TODAY, now=NOW)
    assert ReceiptIdentification.objects.count() == 0


def test_a_return_needs_a_reason_and_leaves_suspense(cast: Cast) -> None:
    receipt = waiting(cast, "100.00")
    with pytest.raises(UnableToIdentifyReceipt):
        return_receipt(receipt_id=receipt.pk, reason=" ", business_date=TODAY, now=NOW)
    return_receipt(receipt_id=receipt.pk, reason="Another utility's customer", business_date=TODAY, now=NOW)
    assert sum_suspense().count == 0
    with pytest.raises(UnableToIdentifyReceipt):
        identify_receipt(
            receipt_id=receipt.pk, account_number=cast.numbers["anna"], business_date=TODAY, now=NOW
        )


def test_proposals_say_why_and_stay_within_the_scope(cast: Cast) -> None:
    cast.bill("anna", 7_700, on=APRIL)
    cast.bill("dilek", 7_700, on=APRIL)
    receipt = waiting(cast, "77.00", payer="Dilek Kaya")
    assert proposals(receipt) == [
        (cast.numbers["dilek"], "amount_and_name"),
        (cast.numbers["anna"], "amount"),
    ]
    north = Scope(
        organisation_ids=frozenset({cast.units[name] for name in ("North", "Alder", "Birch")}),
        permissions=frozenset({"import_payments"}),
    )
    assert proposals(receipt, north) == [(cast.numbers["anna"], "amount")]
    cast.pay(("anna", "2021-05-04", "77.00", "R-9"))
    assert proposals(receipt) == [(cast.numbers["dilek"], "amount_and_name")]


def test_what_was_identified_once_is_proposed_and_can_be_forgotten(cast: Cast) -> None:
    first = waiting(cast, "10.00")
    identify_receipt(receipt_id=first.pk, account_number=cast.numbers["chen"], business_date=TODAY, now=NOW)
    second = waiting(cast, "11.00", reference="R-2", payer="NORTH  Ivan")
    assert proposals(second) == [(cast.numbers["chen"], "payer_name")]
    (learned,) = list_learned(scope=EVERYTHING)
    assert (learned.kind, learned.shown, learned.number) == ("name", NORTH, cast.numbers["chen"])
    south = Scope(
        organisation_ids=frozenset({cast.units["South"]}), permissions=frozenset({"import_payments"})
    )
    assert list_learned(scope=south) == []
    assert not is_learned_within(learned_id=learned.id, scope=south)
    assert forget_payer(learned_id=learned.id, now=NOW)
    assert not forget_payer(learned_id=learned.id, now=NOW)
    assert proposals(second) == []


def test_the_list_is_filtered_by_text_age_owner_and_amount(cast: Cast) -> None:
    small, large = waiting(cast, "1.00"), waiting(cast, "500.00", reference="R-2", payer="100% Co_op")
    person = User.objects.create(username="olga")
    own_suspense(receipt_id=small.pk, owner_id=person.pk, now=NOW)

    def shown(**chosen: object) -> list[int]:
        found = list_suspense_items(scope=EVERYTHING, chosen=SuspenseFilter(**chosen), today=TODAY)
        return [one.id for one in found]

    assert shown() == [small.pk, large.pk]
    assert shown(text="100% co_op") == [large.pk]
    assert shown(text="%") == [large.pk]
    assert shown(owner=str(person.pk)) == [small.pk]
    assert shown(owner="none") == [large.pk]
    assert shown(amount_from_minor=100_00) == [large.pk]
    assert shown(older_than_days=30) == [small.pk, large.pk]
    assert shown(older_than_days=90) == []
    own_suspense(receipt_id=small.pk, owner_id=None, now=NOW)
    assert item(small).owner == ""
    nobody = Scope(organisation_ids=None, permissions=frozenset({"see_accounts"}))
    assert list_suspense_items(scope=nobody, chosen=SuspenseFilter(), today=TODAY) == []


def test_a_split_receipt_is_taken_back_from_all_its_accounts(cast: Cast) -> None:
    receipt = waiting(cast, "100.00")
    shares = [
        Share(account_number=cast.numbers[name], amount_minor=amount)
        for name, amount in (("anna", 4_000), ("boris", 6_000))
    ]
    split_receipt(receipt_id=receipt.pk, shares=shares, business_date=TODAY, now=NOW)
    reverse_receipt(receipt_id=receipt.pk, reason="The bank took it back", business_date=TODAY, now=NOW)
    assert [balance_of(account_id=cast.accounts[name]) for name in ("anna", "boris")] == [0, 0]


def test_what_goes_back_to_its_payer_is_not_taken_back_too(cast: Cast) -> None:
    receipt = waiting(cast, "100.00")
    return_receipt(receipt_id=receipt.pk, reason="Not ours", business_date=TODAY, now=NOW)
    with pytest.raises(UnableToReverseReceipt):
        reverse_receipt(receipt_id=receipt.pk, reason="The bank took it back", business_date=TODAY, now=NOW)
