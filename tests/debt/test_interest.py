"""Late interest follows from facts: posted as the difference, corrected with its cause, explained, replayed."""

from datetime import date, timedelta

import pytest

from debt_cast import RULE, START, run_interest, state_rules
from mains.debt.actions.interest import UnableToPostInterest, post_interest
from mains.debt.actions.terms import UnableToStateTerms, state_interest, state_key_rate
from mains.debt.queries.interest import accrued_by_item, explain_items, list_posted
from mains.debt.queries.invariants import find_breaches
from mains.debt.queries.replay import replay_interest
from mains.ledger.models import Entry, Posting
from mains.ledger.queries import invariants as ledger_invariants
from mains.ledger.queries.current_account import balance_of
from mains.payments.actions.reversals import reverse_receipt
from mains.payments.models import Receipt
from money_cast import NOW, Cast

DUE = date(2021, 1, 10)
APRIL, MAY = date(2021, 4, 30), date(2021, 5, 31)
LATER = timedelta(hours=1)


def sound() -> bool:
    return ledger_invariants.find_breaches() == [] and find_breaches() == []


def test_interest_is_posted_once_and_goes_on_from_there(cast: Cast) -> None:
    state_rules()
    item = cast.bill("anna", 1_000_000, on=date(2020, 12, 31), due=DUE)
    first = run_interest(cast, APRIL)
    # 30 free days, then 60 days of 1/300 and 20 of 1/130 of 6 %: 10,000 × 6 % × (60/300 + 20/130).
    assert first.amount_minor == 21_231
    assert run_interest(cast, APRIL).lines == 0
    second = run_interest(cast, MAY, now=NOW + LATER)
    assert (second.amount_minor, second.correction_minor) == (14_307, 0)
    assert balance_of(account_id=cast.accounts["anna"]) == 1_000_000 + 21_231 + 14_307
    assert sum(Posting.objects.filter(control="penalty").values_list("amount_minor", flat=True)) == -35_538
    protocol = explain_items(account_id=cast.accounts["anna"], until=MAY)[item]
    assert protocol.total_minor == 35_538
    tree = protocol.lines[0].explanation
    assert tree.source == "Housing Code, art. 155(14)"
    assert any("30 days" in child.formula or child.value == 0 for child in tree.children)
    assert replay_interest(account_ids=[cast.accounts["anna"]]) == []
    assert sound()


def test_a_payment_entered_late_corrects_what_was_posted(cast: Cast) -> None:
    state_rules()
    cast.bill("anna", 1_000_000, on=date(2020, 12, 31), due=DUE)
    posted = run_interest(cast, APRIL).amount_minor
    cast.pay(("anna", "2021-02-01", "10000.00", "LATE-FILE"), now=NOW + LATER)
    run = run_interest(cast, MAY, now=NOW + 2 * LATER)
    assert (run.amount_minor, run.correction_minor) == (-posted, -posted)
    assert [line.cause for line in list_posted(account_id=cast.accounts["anna"])] == ["money", "days"]
    assert balance_of(account_id=cast.accounts["anna"]) == 0
    assert replay_interest(account_ids=[cast.accounts["anna"]]) == []
    reverse_receipt(
        receipt_id=Receipt.objects.get().pk, reason="Bounced", business_date=MAY, now=NOW + 3 * LATER
    )
    again = run_interest(cast, MAY, now=NOW + 4 * LATER)
    assert again.amount_minor == 35_538, "as if it had never been paid"
    assert sound()


def test_a_changed_rate_corrects_what_was_posted(cast: Cast) -> None:
    state_rules()
    cast.bill("anna", 1_000_000, on=date(2020, 12, 31), due=DUE)
    run_interest(cast, APRIL)
    state_rules(percent="3", now=NOW + LATER)
    run = run_interest(cast, APRIL, now=NOW + 2 * LATER)
    assert run.amount_minor == 10_615 - 21_231
    assert list_posted(account_id=cast.accounts["anna"])[0].cause == "terms"
    assert sound()


def test_interest_bears_no_interest(cast: Cast) -> None:
    state_rules()
    cast.bill("anna", 1_000_000, on=date(2020, 12, 31), due=DUE)
    run_interest(cast, APRIL)
    run_interest(cast, date(2021, 6, 6), now=NOW + LATER)
    assert set(Entry.objects.filter(kind="interest").values_list("account_id", flat=True)) == {
        cast.accounts["anna"]
    }
    assert len({line.item_id for line in list_posted(account_id=cast.accounts["anna"])}) == 1
    assert replay_interest(account_ids=[cast.accounts["anna"]]) == []


def test_a_service_has_its_own_rule_and_the_due_date_decides(cast: Cast) -> None:
    state_rules()
    state_interest(
        document="interest: water\ncurrency: RUB\nrates: 36.5 %\nsteps: [{factor: 1/365}]",
        service="cold_water", valid_from=date(2021, 1, 1), proof="Order 2", actor=None, now=NOW,
    )  # fmt: skip
    cast.bill("chen", 100_000, on=date(2020, 11, 30), due=date(2020, 12, 31), service="cold_water")
    new = cast.bill("chen", 100_000, on=date(2020, 12, 31), due=DUE, service="cold_water")
    accrued = accrued_by_item(account_id=cast.accounts["chen"], until=DUE + timedelta(days=10))
    assert accrued == {new: 1_000}


def test_what_is_open_today_is_shown_before_it_is_posted(cast: Cast) -> None:
    state_rules()
    item = cast.bill("anna", 1_000_000, on=date(2020, 12, 31), due=DUE)
    run_interest(cast, APRIL)
    assert accrued_by_item(account_id=cast.accounts["anna"], until=MAY) == {item: 14_307}


@pytest.mark.parametrize(
    ("until", "code"), [(date(2021, 6, 7), "interest-day"), (date(2021, 3, 1), "interest-posted-further")]
)
def test_days_for_which_nothing_is_posted(cast: Cast, until: date, code: str) -> None:
    state_rules()
    run_interest(cast, APRIL)
    with pytest.raises(UnableToPostInterest) as refusal:
        run_interest(cast, until)
    assert refusal.value.code == code


def test_rules_that_cannot_be_followed(cast: Cast) -> None:
    with pytest.raises(UnableToPostInterest) as none:
        post_interest(until=APRIL, now=NOW)
    assert none.value.code == "interest-no-terms"
    told = {"valid_from": START, "proof": "Order", "actor": None, "now": NOW}
    with pytest.raises(UnableToStateTerms) as unknown:
        state_interest(document=RULE, key_rate="cbr", **told)
    assert unknown.value.code == "key-rate-unknown"
    with pytest.raises(UnableToStateTerms) as proof:
        state_key_rate(code="cbr", percent=5, **(told | {"proof": " "}))
    assert proof.value.code == "policy-proof"
    foreign = "interest: x\ncurrency: EUR\nrates: 5 %\nsteps: [{factor: 1/365}]"
    with pytest.raises(UnableToStateTerms) as currency:
        state_interest(document=foreign, **told)
    assert currency.value.code == "interest-currency"
