"""Random plans × payments × payments known late × restructures: what is kept is what the facts give anew, however and
whenever somebody looked."""

from contextlib import suppress
from datetime import date, timedelta
from random import Random

import pytest
from django.db.models import Sum

from mains.debt.models import Instalment, InstalmentPlan, PlanItem
from mains.debt.queries.plan_courses import plan_courses
from mains.debt.queries.plan_drafts import UnableToPlan
from mains.debt.values import PlanState
from mains.ledger.actions.reallocation import reallocate
from mains.ledger.queries.open_items import held_allocations, open_items
from money_cast import Cast
from plan_cast import PLAN_RULE, at, is_sound, look, make_plan, state_terms, stored

BEGIN = date(2021, 3, 1)


@pytest.mark.parametrize("seed", range(6))
def test_what_is_kept_is_what_the_facts_give(cast: Cast, seed: int) -> None:
    random = Random(seed)
    state_terms(interest=PLAN_RULE if seed % 2 else "", grace_days=random.choice([0, 5]), above=10**9)
    for month in range(1, 3):
        for name in ("anna", "chen"):
            service = random.choice(["electricity", "cold_water"]) if name == "chen" else "electricity"
            on = date(2021, month, 28)
            cast.bill(name, random.randint(5_000, 40_000), on=on, due=on, service=service, now=at(on))
    plans = {
        name: make_plan(
            cast, name, start=BEGIN, first=BEGIN + timedelta(days=15), count=random.randint(2, 4),
            down=random.choice([0, 1_000]),
        )
        for name in ("anna", "chen")
    }  # fmt: skip
    late: list[tuple[str, date, int]] = []
    day = BEGIN
    for turn in range(5):
        day += timedelta(days=random.randint(6, 18))
        name = random.choice(["anna", "chen"])
        minor = random.choice([2_000, 9_000, 20_000, 35_000])
        act = random.choice(["pay", "pay", "forget", "bill", "restructure"])
        if act == "pay":
            cast.pay((name, day.isoformat(), f"{minor / 100:.2f}", f"{seed}-{turn}"), now=at(day))
        elif act == "forget":
            late.append((name, day, minor))
        elif act == "bill":
            cast.bill(name, minor, on=day, due=day + timedelta(days=20), now=at(day))
        else:
            _restructure(cast, plans, name, day)
        look(day)
        _check(cast, day)
    for at_last, (name, paid, minor) in enumerate(late):
        cast.pay((name, paid.isoformat(), f"{minor / 100:.2f}", f"{seed}-late-{at_last}"), now=at(day, 14))
    look(day)
    _check(cast, day)
    assert (look(day).changed, look(day).interest_minor) == (0, 0)


def _restructure(cast: Cast, plans: dict[str, InstalmentPlan], name: str, day: date) -> None:
    with suppress(UnableToPlan):
        plans[name] = make_plan(
            cast, name, start=day, first=day + timedelta(days=10), count=3, replaces=plans[name],
            items=tuple(open_items(account_ids=[cast.accounts[name]])["item_id"].to_list()),
        )  # fmt: skip


def _check(cast: Cast, day: date) -> None:
    assert is_sound()
    accounts = [cast.accounts["anna"], cast.accounts["chen"]]
    for plan_id, found in plan_courses(account_ids=accounts, today=day).items():
        plan = InstalmentPlan.objects.get(pk=plan_id)
        assert stored(plan) == found.state
        covered = PlanItem.objects.filter(plan=plan).aggregate(Sum("amount_minor"))["amount_minor__sum"]
        principal = Instalment.objects.filter(plan=plan).aggregate(Sum("principal_minor"))
        assert principal["principal_minor__sum"] == covered == found.paid_minor + found.left_minor
        assert sum(row.paid_minor for row in found.rows) == found.paid_minor
        if found.state in (PlanState.RUNNING, PlanState.PAID):
            assert not any(row.is_late for row in found.rows)
    held = held_allocations(account_ids=accounts).sort("item_id", "credit_id")
    reallocate(account_ids=accounts, now=at(day, 20))
    assert held_allocations(account_ids=accounts).sort("item_id", "credit_id").equals(held)
