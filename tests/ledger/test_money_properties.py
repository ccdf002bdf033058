"""Whatever is billed and paid, in whatever order: nothing is given away twice, and every level agrees."""

from datetime import date, timedelta

from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mains.ledger.actions.allocation import allocate_credits
from mains.ledger.models import Allocation, Entry
from mains.ledger.queries import invariants as ledger_invariants
from mains.ledger.queries.current_account import balances_of
from mains.ledger.queries.open_items import open_credits, open_items
from mains.payments.queries import invariants as payment_invariants
from mains.reporting.actions.ageing import rebuild_ageing
from mains.reporting.queries.collection import find_ageing
from mains.reporting.queries.turnover import Figures, RowKind, TurnoverLevel, turnover
from mains.staff.values import EVERYTHING
from money_cast import NOW, Cast

START = date(2021, 3, 1)
PERIOD = {"month_from": date(2021, 4, 1), "month_to": date(2021, 6, 1)}
bills = st.tuples(
    st.just("bill"),
    st.sampled_from(["anna", "boris", "chen", "dilek"]),
    st.integers(-5_000, 20_000).filter(bool),
    st.integers(0, 90),
    st.sampled_from(["electricity", "cold_water"]),
)
registers = st.tuples(
    st.just("pay"),
    st.lists(
        st.tuples(
            st.sampled_from(["anna", "boris", "chen", "dilek", "emre", "999999"]),
            st.integers(1, 30_000),
            st.integers(0, 90),
        ),
        min_size=1,
        max_size=5,
    ),
)
stories = st.lists(st.one_of(bills, registers, st.just(("allocate",))), min_size=1, max_size=8)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=stories)
def test_any_story_leaves_sound_books(cast: Cast, story: list[tuple]) -> None:
    with transaction.atomic():
        tell(cast, story)
        assert ledger_invariants.find_breaches() == []
        assert payment_invariants.find_breaches() == []
        nothing_open_on_both_sides(cast)
        levels_sum()
        # Each example starts from the bare cast.
        transaction.set_rollback(True)


def tell(cast: Cast, story: list[tuple]) -> None:
    for step, (verb, *what) in enumerate(story):
        if verb == "bill":
            name, amount_minor, days, service = what
            correction_minor = min(amount_minor, 0)
            cast.bill(
                name,
                amount_minor,
                on=START + timedelta(days),
                service=service,
                correction_minor=correction_minor,
            )
        elif verb == "pay":
            cast.pay(
                *(
                    (
                        name,
                        str(START + timedelta(days)),
                        f"{minor // 100}.{minor % 100:02d}",
                        f"{step}-{number}",
                    )
                    for number, (name, minor, days) in enumerate(what[0])
                )
            )
        else:
            allocate_credits(now=NOW)
    allocate_credits(now=NOW)


def nothing_open_on_both_sides(cast: Cast) -> None:
    """No supply of an account has both debt and credit, and what is open makes the balance."""
    accounts = list(cast.accounts.values())
    items, funds = open_items(account_ids=accounts), open_credits(account_ids=accounts)
    supply = ["account_id", "provider_id", "service"]
    assert items.join(funds, on=supply, how="semi").is_empty()
    open_minor = items["outstanding_minor"].sum() - funds["available_minor"].sum()
    assert open_minor == sum(balances_of(account_ids=accounts).values())
    amounts = dict(Entry.objects.values_list("id", "amount_minor"))
    assert all(amounts[item] > 0 for item in Allocation.objects.values_list("item_id", flat=True))


def levels_sum() -> None:
    def walk(level: TurnoverLevel) -> None:
        assert sum((row.figures for row in level.rows), start=Figures()) == level.total
        for row in level.rows:
            if row.kind == RowKind.UNIT:
                below = turnover(scope=EVERYTHING, organisation_id=row.id, **PERIOD)
                assert below.total == row.figures
                walk(below)

    top = turnover(scope=EVERYTHING, **PERIOD)
    walk(top)
    rebuild_ageing(on_date=date(2021, 5, 31), now=NOW)
    aged = find_ageing(scope=EVERYTHING)
    assert (aged.total_minor if aged else 0) == top.total.closing_minor
