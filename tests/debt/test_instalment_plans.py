"""Instalment plans: agreed by one or two people, kept or broken by dated facts, restructured, cancelled, paid early."""

from datetime import date

import polars as pl
import pytest

from debt_cast import people, run_interest, state_rules
from mains.debt.actions.plans import cancel_plan, decide_plan, propose_plan
from mains.debt.models import InterestLine, PlanInterestLine
from mains.debt.queries.open_debts import list_open_debts
from mains.debt.queries.plan_drafts import UnableToPlan, Wanted, draft_plan, months_later
from mains.debt.queries.replay import replay_interest
from mains.debt.values import PlanKind, PlanState
from mains.ledger.queries.current_account import balance_of
from mains.ledger.queries.deferrals import due_parts
from mains.ledger.queries.open_items import age_open_items, open_items
from mains.ledger.values import Age
from mains.payments.actions.reversals import reverse_receipt
from mains.payments.models import Receipt
from mains.staff.actions.approvals import UnableToDecide
from mains.staff.models import Proposal
from money_cast import Cast
from plan_cast import (
    PLAN_RULE,
    approve_plan,
    at,
    course,
    is_sound,
    look,
    make_plan,
    state_terms,
    stored,
)

JAN, FEB = date(2021, 1, 31), date(2021, 2, 28)
START = date(2021, 3, 1)
FIRST = date(2021, 3, 20)


def two_bills(cast: Cast, name: str = "anna") -> tuple[int, int]:
    return cast.bill(name, 30_000, on=JAN, due=date(2021, 2, 10)), cast.bill(
        name, 30_000, on=FEB, due=date(2021, 2, 28)
    )


def pay(cast: Cast, day: date, minor: int, *, entered: date | None = None, name: str = "anna") -> None:
    text = f"{minor // 100}.{minor % 100:02}"
    cast.pay((name, day.isoformat(), text, f"{day}-{minor}-{entered}"), now=at(entered or day, 10))


def owed(cast: Cast, day: date, name: str = "anna") -> dict[date, int]:
    parts = due_parts(open_items(account_ids=[cast.accounts[name]]), on_date=day)
    summed = parts.group_by("due_date").agg(pl.col("outstanding_minor").sum()).sort("due_date")
    return dict(summed.iter_rows())


def overdue(day: date) -> int:
    ages = age_open_items(on_date=day, as_of=at(date(2030, 1, 1)))
    late = ages.filter(~pl.col("age").is_in([Age.NOT_DUE.value, Age.CREDIT.value]))
    return int(late["amount_minor"].sum())


def test_a_plan_moves_the_due_dates_that_everybody_sees(cast: Cast) -> None:
    state_terms(step=100)
    two_bills(cast)
    assert overdue(START) == 60_000
    plan = make_plan(cast, start=START, first=FIRST, count=7, down=5_000)
    assert [row.part.principal_minor for row in course(plan, START).rows] == [5_000, *[7_800] * 6, 8_200]
    assert [row.part.due_date for row in course(plan, START).rows][:3] == [START, FIRST, date(2021, 4, 20)]
    assert list(owed(cast, START).values()) == [5_000, *[7_800] * 6, 8_200]
    assert overdue(START) == 0
    assert balance_of(account_id=cast.accounts["anna"]) == 60_000, "a plan posts no money"
    first = list_open_debts(account_id=cast.accounts["anna"], today=START)
    assert min(one.due_date for one in first) == START
    assert stored(plan) == "running"
    assert is_sound()


def test_money_pays_instalments_and_new_bills_as_they_fall_due(cast: Cast) -> None:
    state_terms()
    two_bills(cast)
    plan = make_plan(cast, start=START, first=FIRST, count=6)
    pay(cast, date(2021, 3, 19), 11_000)
    march = cast.bill("anna", 4_000, on=date(2021, 3, 31), due=date(2021, 4, 10), now=at(date(2021, 3, 31)))
    state = course(plan, date(2021, 4, 1))
    assert state.rows[0].paid_on == date(2021, 3, 19)
    assert (state.paid_minor, state.percent) == (11_000, 18)
    pay(cast, date(2021, 4, 5), 13_000)
    assert owed(cast, date(2021, 4, 5)) == {date(2021, 5 + n, 20): 10_000 for n in range(4)}
    found = open_items(account_ids=[cast.accounts["anna"]])
    assert march not in found["item_id"].to_list(), "the bill of the month is paid, not the debt of the next"
    look(date(2021, 4, 6))
    assert stored(plan) == "running"
    assert course(plan, date(2021, 4, 6)).paid_minor == 20_000
    assert is_sound()


def test_what_a_court_has_ordered_is_paid_first_and_takes_two_people(cast: Cast) -> None:
    state_terms(PlanKind.ENFORCEMENT)
    two_bills(cast)
    with pytest.raises(UnableToPlan, match="names the document"):
        make_plan(cast, start=START, first=FIRST, count=6, kind=PlanKind.ENFORCEMENT, document="")
    plan = make_plan(cast, start=START, first=FIRST, count=6, kind=PlanKind.ENFORCEMENT)
    assert owed(cast, START) == {date(2021, 2, 10): 30_000, date(2021, 2, 28): 30_000}, "not approved yet"
    with pytest.raises(UnableToDecide, match="themselves"):
        decide_plan(
            proposal_id=Proposal.objects.get().pk, agrees=True, now=at(START, 11), actor_id=people()[0]
        )
    approve_plan(plan, now=at(START, 11))
    march = cast.bill("anna", 4_000, on=date(2021, 3, 5), due=date(2021, 3, 10), now=at(date(2021, 3, 5)))
    pay(cast, date(2021, 3, 10), 25_000)
    assert course(plan, date(2021, 3, 11)).paid_minor == 25_000
    assert march in open_items(account_ids=[cast.accounts["anna"]])["item_id"].to_list()
    with pytest.raises(UnableToPlan, match="by the person who entered it"):
        cancel_plan(plan_id=plan.pk, reason="Asked", now=at(date(2021, 3, 12)), actor_id=people()[0])
    replaced = make_plan(
        cast,
        start=date(2021, 3, 12),
        first=date(2021, 4, 12),
        count=3,
        kind=PlanKind.ENFORCEMENT,
        replaces=plan,
    )
    assert not hasattr(replaced, "agreement"), "and is not restructured by one alone"
    assert is_sound()


def test_a_plan_breaks_by_itself_and_money_that_was_there_in_time_mends_it(cast: Cast) -> None:
    state_terms(grace_days=5)
    two_bills(cast)
    plan = make_plan(cast, start=START, first=FIRST, count=6)
    assert look(date(2021, 3, 21)).changed == 1
    assert stored(plan) == "late"
    assert look(date(2021, 3, 25)).changed == 0, "within its grace"
    made = look(date(2021, 3, 26))
    assert (made.changed, made.broken) == (1, 1)
    assert owed(cast, date(2021, 3, 26)) == {date(2021, 2, 10): 30_000, date(2021, 2, 28): 30_000}
    assert look(date(2021, 3, 26)).changed == 0, "the second look finds nothing"
    pay(cast, date(2021, 3, 24), 10_000, entered=date(2021, 4, 1))
    assert course(plan, date(2021, 4, 1)).state is PlanState.RUNNING
    assert look(date(2021, 4, 1)).changed == 1
    assert stored(plan) == "running"
    assert owed(cast, date(2021, 4, 1)) == {date(2021, 4 + n, 20): 10_000 for n in range(5)}
    assert is_sound()


def test_money_after_the_break_does_not_mend_it(cast: Cast) -> None:
    state_terms(grace_days=5)
    two_bills(cast)
    plan = make_plan(cast, start=START, first=FIRST, count=6)
    pay(cast, date(2021, 3, 26), 10_000)
    look(date(2021, 4, 1))
    assert stored(plan) == "broken"
    assert course(plan, date(2021, 4, 1)).since == date(2021, 3, 26)
    again = make_plan(cast, start=date(2021, 4, 2), first=date(2021, 4, 20), count=2, replaces=plan)
    assert stored(plan) == "replaced"
    assert again.replaces_id == plan.pk
    assert owed(cast, date(2021, 4, 2)) == {date(2021, 4, 20): 25_000, date(2021, 5, 20): 25_000}
    assert is_sound()


def test_a_payment_taken_back_breaks_a_plan(cast: Cast) -> None:
    state_terms(grace_days=5)
    two_bills(cast)
    plan = make_plan(cast, start=START, first=FIRST, count=6)
    pay(cast, date(2021, 3, 20), 10_000)
    look(date(2021, 4, 1))
    assert stored(plan) == "running"
    reverse_receipt(
        receipt_id=Receipt.objects.get().pk,
        reason="No cover",
        business_date=date(2021, 4, 2),
        now=at(date(2021, 4, 2)),
        actor_id=people()[0],
    )
    look(date(2021, 4, 2))
    assert stored(plan) == "broken"
    assert is_sound()


def test_a_fixed_payment_runs_until_the_debt_is_paid_with_its_interest(cast: Cast) -> None:
    state_terms(PlanKind.FIXED, interest=PLAN_RULE)
    two_bills(cast)
    plan = make_plan(cast, start=START, first=FIRST, amount=20_000, kind=PlanKind.FIXED)
    parts = [row.part for row in course(plan, START).rows]
    # 600.00 × 12 % × 19/365 = 3.75; the payment holds it.
    assert (parts[0].interest_minor, parts[0].due_minor) == (375, 20_000)
    assert [part.due_minor for part in parts[:-1]] == [20_000] * 3
    assert sum(part.principal_minor for part in parts) == 60_000
    with pytest.raises(UnableToPlan, match="not paid off"):
        draft_plan(
            Wanted(
                account_id=cast.accounts["anna"],
                kind=PlanKind.FIXED,
                start_date=START,
                first_due=date(2022, 3, 1),
                amount_minor=500,
                replaces_id=plan.pk,
            )
        )
    assert look(date(2021, 3, 19)).interest_minor == 0
    assert look(FIRST).interest_minor == 375
    assert look(FIRST).interest_minor == 0
    assert balance_of(account_id=cast.accounts["anna"]) == 60_375
    pay(cast, FIRST, 20_000)
    assert course(plan, date(2021, 3, 21)).rows[0].paid_on == FIRST
    assert is_sound()


def test_interest_of_instalments_after_a_break_is_taken_back_and_an_early_payoff_saves_it(cast: Cast) -> None:
    state_terms(interest=PLAN_RULE, grace_days=40)
    two_bills(cast)
    two_bills(cast, "boris")
    plan = make_plan(cast, start=START, first=FIRST, count=6)
    early = make_plan(cast, "boris", start=START, first=FIRST, count=6)
    pay(cast, date(2021, 3, 10), 60_000, name="boris")
    look(date(2021, 4, 20))
    assert stored(early) == "paid"
    assert not PlanInterestLine.objects.filter(instalment__plan=early).exists()
    lines = PlanInterestLine.objects.filter(instalment__plan=plan)
    assert lines.count() == 2
    look(date(2021, 5, 25))
    assert stored(plan) == "broken"
    assert lines.count() == 2, "the third fell due after the break"
    pay(cast, date(2021, 3, 15), 60_000, entered=date(2021, 5, 26))
    look(date(2021, 5, 26))
    assert stored(plan) == "paid"
    assert sum(lines.values_list("amount_minor", flat=True)) == 0
    assert balance_of(account_id=cast.accounts["anna"]) == 0
    assert is_sound()


def test_late_interest_rests_while_the_plan_is_kept(cast: Cast) -> None:
    state_rules(now=at(date(2020, 1, 1)))
    state_terms(rests=True)
    for name in ("anna", "boris"):
        cast.bill(name, 1_000_000, on=date(2020, 12, 31), due=date(2021, 1, 10), now=at(date(2020, 12, 31)))
    make_plan(cast, start=START, first=FIRST, count=4)

    def total(name: str, until: date) -> int:
        run_interest(cast, until, now=at(date(2021, 6, 1)))
        lines = InterestLine.objects.filter(account_id=cast.accounts[name])
        return sum(lines.values_list("amount_minor", flat=True))

    until_start = total("anna", START)
    assert until_start == total("boris", START) > 0
    look(date(2021, 3, 24))
    assert total("anna", date(2021, 3, 24)) == until_start < total("boris", date(2021, 3, 24))
    look(date(2021, 3, 26))
    # From the day on which the plan breaks it grows again: 10,000.00 × 6 % / 300 a day.
    assert total("anna", date(2021, 3, 30)) - until_start == 5 * 200
    assert replay_interest(account_ids=[cast.accounts["anna"]]) == []
    assert is_sound()


def test_cancelled_plans_and_debts_that_changed(cast: Cast) -> None:
    state_terms(above=10_000)
    january, _february = two_bills(cast)
    plan = make_plan(cast, start=START, first=FIRST, count=2, items=(january,))
    pay(cast, date(2021, 3, 2), 1_000)
    with pytest.raises(UnableToPlan, match="have changed"):
        approve_plan(plan, now=at(date(2021, 3, 3)))
    again = make_plan(cast, start=date(2021, 3, 3), first=FIRST, count=2, items=(january,))
    approve_plan(again, now=at(date(2021, 3, 3), 11))
    with pytest.raises(UnableToPlan, match="Another instalment plan"):
        make_plan(cast, start=date(2021, 3, 3), first=FIRST, count=2, items=(january,))
    cancel_plan(plan_id=again.pk, reason="Moved", now=at(date(2021, 3, 5)), actor_id=people()[0])
    assert owed(cast, date(2021, 3, 5)) == {date(2021, 2, 10): 29_000, date(2021, 2, 28): 30_000}
    with pytest.raises(UnableToPlan, match="does not hold"):
        cancel_plan(plan_id=again.pk, reason="Moved", now=at(date(2021, 3, 5)), actor_id=people()[0])
    assert stored(again) == "cancelled"
    assert is_sound()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"first_due": START}, "before the plan begins"),
        ({"count": 241}, "1 to 240"),
        ({"count": None, "amount_minor": None}, "number of instalments or an amount"),
        ({"down_minor": 60_000}, "not less than the debt"),
        ({"item_ids": (1,)}, "not open"),
        ({"kind": PlanKind.FIXED}, "No terms"),
    ],
)
def test_bad_plans_are_refused(cast: Cast, change: dict[str, object], message: str) -> None:
    state_terms()
    two_bills(cast)
    told = {"account_id": cast.accounts["anna"], "kind": PlanKind.ORDINARY, "start_date": START}
    wanted = Wanted(**(told | {"first_due": FIRST, "count": 3} | change))  # type: ignore[arg-type]
    with pytest.raises(UnableToPlan, match=message):
        propose_plan(wanted=wanted, reason="Asked", now=at(START), actor_id=people()[0])


def test_days_of_months() -> None:
    assert [months_later(date(2021, 10, 31), n) for n in (0, 1, 2, 4)] == [
        date(2021, 10, 31),
        date(2021, 11, 30),
        date(2021, 12, 31),
        date(2022, 2, 28),
    ]
