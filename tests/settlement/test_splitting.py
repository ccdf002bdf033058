"""Payments are split by contract, exactly, and only differences follow."""

from datetime import date, timedelta

import polars as pl
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from debt_cast import approve, people
from mains.debt.actions.movements import Place, propose_transfer, propose_write_off, undo_movement
from mains.debt.queries.open_debts import list_supplies
from mains.ledger.actions.advances import AdvancePlace, draw_advances, receive_advance
from mains.ledger.actions.allocation import allocate_credits
from mains.ledger.actions.posting import POSTING_SCHEMA
from mains.ledger.actions.reallocation import reallocate
from mains.ledger.models import Posting, Transaction
from mains.ledger.queries import invariants as ledger_invariants
from mains.payments.actions.reversals import reverse_receipt
from mains.payments.models import Receipt
from mains.payments.queries import invariants as payment_invariants
from mains.settlement.actions.splitting import split_payments
from mains.settlement.models import Split, Tally
from mains.settlement.queries import invariants
from money_cast import NOW, Cast
from settlement_cast import contract, expected, held

START = date(2021, 3, 1)
CHAIN = "power:60; grid:36.5; care:3.5"


def balance(control: str, party_id: int | None = None) -> int:
    found = Posting.objects.filter(control=control)
    if party_id is not None:
        found = found.filter(provider_id=party_id)
    return sum(found.values_list("amount_minor", flat=True))


def test_a_payment_is_split_as_it_arrives(cast: Cast) -> None:
    contract("power:60; grid:40", fee="2.5")
    split_payments(now=NOW)
    cast.bill("boris", 100_01, on=date(2021, 4, 30))
    cast.pay(("boris", "2021-05-04", "100.01", "b-1"))
    assert balance("collected") == 100_01
    assert balance("fee") == -2_50
    # 97.51 × 60 % = 58.506, × 40 % = 39.004: the unit that is left goes to the larger remainder.
    assert balance("payable", cast.parties["power"]) == -58_51
    assert balance("payable", cast.parties["grid"]) == -39_00
    assert invariants.find_breaches() == ledger_invariants.find_breaches() == []
    assert split_payments(now=NOW).rows == 0


def test_in_a_chain_the_company_is_paid_and_owes_the_others(cast: Cast) -> None:
    contract("power:60; grid:40", fee="2.5")
    contract(CHAIN, manager="care", fee="1", through=True)
    cast.pay(("anna", "2021-05-04", "100.00", "a-1"), ("boris", "2021-05-04", "100.00", "b-1"))
    split_payments(now=NOW)
    assert balance("payable", cast.parties["care"]) == -99_00
    assert balance("payable", cast.parties["power"]) == -58_50
    of_chain = Tally.objects.filter(payee_id=cast.parties["care"], kind="share")
    assert {(one.party_id, one.amount_minor) for one in of_chain} == {
        (cast.parties["power"], 59_40),
        (cast.parties["grid"], 36_14),
        (cast.parties["care"], 3_46),
    }


def test_an_advance_is_split_when_a_bill_uses_it(cast: Cast) -> None:
    contract("power:60; grid:40", fee="0")
    place = AdvancePlace(
        advance_id=1,
        account_id=cast.accounts["boris"],
        organisation_id=cast.places["boris"],
        provider_id=cast.parties["power"],
        service="electricity",
    )
    supply = {
        "organisation_id": place.organisation_id,
        "provider_id": place.provider_id,
        "service": place.service,
    }
    side = pl.DataFrame(
        {"control": ["bank"], **{name: [value] for name, value in supply.items()}, "amount_minor": [70_00]}
    )
    receive_advance(
        place=place,
        amount_minor=70_00,
        other_side=side.select(*POSTING_SCHEMA),
        source_id=1,
        business_date=date(2021, 4, 2),
        now=NOW,
        narrative="An advance",
    )
    split_payments(now=NOW)
    assert balance("collected") == 0  # it is the payer's until something is used
    cast.bill("boris", 50_00, on=date(2021, 4, 30))
    draw_advances(now=NOW)
    split_payments(now=NOW)
    assert balance("collected") == 50_00
    assert balance("payable", cast.parties["grid"]) == -20_00
    assert invariants.find_breaches() == ledger_invariants.find_breaches() == []


def test_suspense_and_providers_without_a_contract_are_not_split(cast: Cast) -> None:
    contract("water:100", provider="water", fee="0")
    cast.pay(("boris", "2021-05-04", "100.00", "b-1"), ("999999", "2021-05-04", "70.00", "x-1"))
    assert split_payments(now=NOW).rows == 0
    assert not Split.objects.exists()


def test_what_is_taken_back_takes_the_split_back_on_its_own_day(cast: Cast) -> None:
    contract("power:60; grid:40")
    cast.bill("boris", 80_00, on=date(2021, 3, 31))
    cast.pay(("boris", "2021-04-04", "100.00", "b-1"))
    split_payments(now=NOW)
    receipt = Receipt.objects.get()
    reverse_receipt(receipt_id=receipt.pk, reason="Bounced", business_date=date(2021, 5, 20), now=NOW)
    assert balance("collected") == balance("payable") == balance("fee") == 0
    back = Transaction.objects.filter(kind="settlement_split").latest("id")
    assert back.business_date == date(2021, 5, 20)
    assert invariants.find_breaches() == []


def test_money_for_an_old_debt_goes_by_the_contract_of_that_day(cast: Cast) -> None:
    contract("power:100", fee="0", until=date(2021, 4, 1))
    contract("grid:100", fee="0", since=date(2021, 4, 1))
    cast.bill("boris", 30_00, on=date(2021, 3, 31))
    cast.bill("boris", 50_00, on=date(2021, 4, 30))
    cast.pay(("boris", "2021-05-04", "60.00", "b-1"))
    split_payments(now=NOW)
    assert (balance("payable", cast.parties["power"]), balance("payable", cast.parties["grid"])) == (
        -30_00,
        -30_00,
    )


def test_a_contract_that_is_corrected_changes_what_was_split_by_the_difference(cast: Cast) -> None:
    contract("power:60; grid:40", fee="0")
    cast.pay(("boris", "2021-05-04", "100.00", "b-1"))
    split_payments(now=NOW)
    contract("power:55; grid:45", fee="0", now=NOW + timedelta(hours=1))
    split_payments(now=NOW + timedelta(hours=2))
    assert balance("payable", cast.parties["grid"]) == -45_00
    last = Transaction.objects.filter(kind="settlement_split").latest("id")
    assert sorted(last.postings.values_list("amount_minor", flat=True)) == [-5_00, 5_00]


def test_a_credit_that_moves_takes_its_split_along_and_back(cast: Cast) -> None:
    contract("power:100", fee="0")
    contract("water:100", provider="water", fee="0")
    cast.pay(("chen", "2021-05-04", "30.00", "c-1"))
    split_payments(now=NOW)
    power, water = (
        Place(account_id=cast.accounts["chen"], provider_id=cast.parties[party], service=service)
        for party, service in (("power", "electricity"), ("water", "cold_water"))
    )
    credit = {one.service: one.credit_minor for one in list_supplies(account_id=cast.accounts["chen"])}
    here, there = (power, water) if credit["electricity"] else (water, power)
    actor, _other = people()
    told = {"reason": "Other service", "document": "Letter 1", "now": NOW, "actor_id": actor}
    moved = propose_transfer(place=here, to=there, amount_minor=10_00, **told)
    approve(moved)
    split_payments(now=NOW)
    assert -balance("payable", here.provider_id) == 20_00
    assert -balance("payable", there.provider_id) == 10_00
    assert invariants.find_breaches() == []
    undo_movement(movement_id=moved.pk, reason="Mistake", now=NOW, actor_id=actor)
    split_payments(now=NOW)
    assert -balance("payable", here.provider_id) == 30_00
    assert balance("payable", there.provider_id) == 0
    assert invariants.find_breaches() == []
    assert split_payments(now=NOW, is_everything=True).rows == 0


def test_a_debt_that_is_moved_or_given_up_splits_nothing(cast: Cast) -> None:
    contract("power:100", fee="0")
    item = cast.bill("boris", 50_00, on=date(2021, 3, 31))
    actor, _other = people()
    told = {"reason": "Heir", "document": "Court 1", "now": NOW, "actor_id": actor}
    boris, dilek = (
        Place(account_id=cast.accounts[name], provider_id=cast.parties["power"], service="electricity")
        for name in ("boris", "dilek")
    )
    approve(propose_transfer(place=boris, to=dilek, amount_minor=20_00, item_id=item, **told))
    approve(propose_write_off(item_id=item, account_id=cast.accounts["boris"], amount_minor=30_00, **told))
    assert split_payments(now=NOW).rows == 0
    cast.pay(("dilek", "2021-05-04", "20.00", "d-1"))
    split_payments(now=NOW)
    assert -balance("payable", cast.parties["power"]) == 20_00
    assert invariants.find_breaches() == []


names = st.sampled_from(["anna", "boris", "chen", "dilek"])
days = st.integers(0, 90)
contracts = st.tuples(
    st.just("contract"),
    st.sampled_from(["power", "water"]),
    st.sampled_from(["", "care"]),
    st.sampled_from(["power:100", "power:60; grid:40", "water:33.3333; grid:66.6667", CHAIN]),
    st.integers(0, 1_000_000),
    st.sampled_from(["half_up", "half_even", "down", "up"]),
    st.booleans(),
    days,
)
steps = st.one_of(
    contracts,
    st.tuples(st.just("bill"), names, st.integers(-3_000, 20_000).filter(bool), days,
              st.sampled_from(["electricity", "cold_water"])),
    st.tuples(st.just("pay"), names, st.integers(1, 30_000), days),
    st.tuples(st.just("back"), st.integers(0, 5)),
    st.tuples(st.just("split")),
    st.tuples(st.just("allocate")),
)  # fmt: skip


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=st.lists(steps, min_size=3, max_size=14))
def test_in_any_story_steps_make_what_a_computation_from_scratch_makes(
    cast: Cast, story: list[tuple]
) -> None:
    with transaction.atomic():
        contract("power:60; grid:40", fee="1.2345")
        for number, (verb, *what) in enumerate(story):
            tell(cast, number, verb, what)
        split_payments(now=NOW + timedelta(days=1))
        assert held() == expected()
        for found in (ledger_invariants, payment_invariants, invariants):
            assert found.find_breaches() == []
        assert split_payments(now=NOW + timedelta(days=1), is_everything=True).rows == 0
        transaction.set_rollback(True)


def tell(cast: Cast, number: int, verb: str, what: list) -> None:
    now = NOW + timedelta(minutes=number)
    if verb == "contract":
        provider, manager, shares, fee, rounding, through, day = what
        contract(shares, provider=provider, manager=manager, fee=f"{fee / 10_000:.4f}", rounding=rounding,
                 through=through and bool(manager), since=START + timedelta(day), now=now)  # fmt: skip
    elif verb == "bill":
        name, minor, day, service = what
        cast.bill(name, minor, on=START + timedelta(day), service=service, correction_minor=min(minor, 0))
    elif verb == "pay":
        name, minor, day = what
        cast.pay(
            (name, str(START + timedelta(day)), f"{minor // 100}.{minor % 100:02d}", f"p-{number}"), now=now
        )
    elif verb == "back":
        receipts = list(Receipt.objects.filter(reversal__isnull=True).order_by("pk"))
        if what[0] < len(receipts):
            one = receipts[what[0]]
            reverse_receipt(
                receipt_id=one.pk, reason="Bounced", business_date=one.paid_on + timedelta(9), now=now
            )
    elif verb == "split":
        split_payments(now=now)
    else:
        allocate_credits(now=now)
        reallocate(account_ids=list(cast.accounts.values()), now=now)
