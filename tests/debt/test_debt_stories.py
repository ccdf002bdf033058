"""Bills, payments, take-backs, interest, write-offs, refunds and transfers in any order: the books stay sound, and what
was posted as interest is what the facts give from scratch."""

from datetime import date, timedelta
from itertools import count

from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from debt_cast import approve, people, run_interest, state_rules
from mains.debt.actions.movements import (
    Payee,
    Place,
    UnableToMove,
    propose_refund,
    propose_transfer,
    propose_write_off,
    undo_movement,
)
from mains.debt.models import Movement
from mains.debt.queries import invariants as debt_invariants
from mains.debt.queries.interest import interest_until, posted_by_item
from mains.debt.queries.replay import replay_interest
from mains.debt.values import RefundWay
from mains.ledger.actions.allocation import allocate_credits
from mains.ledger.actions.policies import state_policy
from mains.ledger.actions.reallocation import reallocate
from mains.ledger.queries import invariants as ledger_invariants
from mains.ledger.queries.open_items import open_credits, open_items
from mains.payments.actions.reversals import reverse_receipt
from mains.payments.models import Receipt
from mains.payments.queries import invariants as payment_invariants
from money_cast import NOW, Cast

START, END = date(2021, 1, 1), date(2021, 6, 30)
names = st.sampled_from(["anna", "boris"])
amounts = st.integers(1, 900_000)
days = st.integers(0, 120)
steps = st.one_of(
    st.tuples(st.just("bill"), names, amounts, days),
    st.tuples(st.just("pay"), names, amounts, days),
    st.tuples(st.just("take_back"), st.integers(0, 3)),
    st.tuples(st.just("interest"), st.integers(1, 5)),
    st.tuples(st.just("write_off"), names, amounts),
    st.tuples(st.just("refund"), names, amounts),
    st.tuples(st.just("transfer"), names, amounts, st.booleans()),
    st.tuples(st.just("undo"), st.integers(0, 3)),
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    story=st.lists(steps, min_size=3, max_size=9),
    penalty=st.sampled_from(["by_date", "principal_first", "penalty_first"]),
)
def test_any_story_leaves_sound_books_and_interest_as_from_scratch(
    cast: Cast, story: list[tuple], penalty: str
) -> None:
    with transaction.atomic():
        state_rules()
        state_policy(
            rule="oldest_first", penalty=penalty, valid_from=START, proof="Order", actor=None, now=NOW
        )
        Teller(cast).tell(story)
        accounts = list(cast.accounts.values())
        for checks in (ledger_invariants, payment_invariants, debt_invariants):
            assert checks.find_breaches() == []
        posted = posted_by_item(account_ids=accounts)
        fresh = interest_until(account_ids=accounts, until=END).lines
        assert {i: m for i, m in posted.select("item_id", "posted_minor").iter_rows() if m} == {
            i: m for i, m in fresh.select("item_id", "total_minor").iter_rows() if m
        }
        assert replay_interest(account_ids=accounts) == []
        items, funds = open_items(account_ids=accounts), open_credits(account_ids=accounts)
        assert items.join(funds, on=["account_id", "provider_id", "service"], how="semi").is_empty()
        reallocate(account_ids=accounts, now=NOW)
        assert open_items(account_ids=accounts)["outstanding_minor"].sum() == items["outstanding_minor"].sum()
        assert reallocate(account_ids=accounts, now=NOW).count == 0
        # Each example starts from the bare cast.
        transaction.set_rollback(True)


class Teller:
    def __init__(self, cast: Cast) -> None:
        self._cast = cast
        self._ticks = count(1)
        self._until = date(2020, 12, 31)

    def tell(self, story: list[tuple]) -> None:
        for verb, *what in story:
            self._at = NOW + timedelta(minutes=next(self._ticks))
            try:
                with transaction.atomic():
                    getattr(self, f"_{verb}")(*what)
            except UnableToMove:
                continue  # no such debt or credit at this point of the story
        self._at = NOW + timedelta(days=30)
        allocate_credits(now=self._at)
        run_interest(self._cast, END, now=self._at)
        again = run_interest(self._cast, END, now=self._at + timedelta(minutes=1))
        assert again.lines == 0

    def _bill(self, name: str, minor: int, day: int) -> None:
        on = START + timedelta(days=day)
        self._cast.bill(name, minor, on=on, due=on + timedelta(days=10), now=self._at)
        allocate_credits(now=self._at)

    def _pay(self, name: str, minor: int, day: int) -> None:
        paid = str(START + timedelta(days=day))
        reference = f"R-{next(self._ticks)}"
        self._cast.pay((name, paid, f"{minor // 100}.{minor % 100:02d}", reference), now=self._at)

    def _take_back(self, place: int) -> None:
        found = list(Receipt.objects.filter(reversal__isnull=True).order_by("id"))
        if place < len(found):
            reverse_receipt(
                receipt_id=found[place].pk, reason="Bounced", business_date=date(2021, 6, 1), now=self._at
            )

    def _interest(self, month: int) -> None:
        until = max(self._until, date(2021, month, 28))
        run_interest(self._cast, until, now=self._at)
        self._until = until

    def _told(self) -> dict[str, object]:
        return {"reason": "Story", "document": "Act 1", "now": self._at, "actor_id": people()[0]}

    def _place(self, name: str) -> Place:
        return Place(
            account_id=self._cast.accounts[name],
            provider_id=self._cast.parties["power"],
            service="electricity",
        )

    def _first_debt(self, name: str, minor: int) -> tuple[int, int]:
        items = open_items(account_ids=[self._cast.accounts[name]])
        if items.is_empty():
            return 0, minor
        return items["item_id"][0], min(minor, items["outstanding_minor"][0])

    def _write_off(self, name: str, minor: int) -> None:
        item, minor = self._first_debt(name, minor)
        account = self._cast.accounts[name]
        approve(
            propose_write_off(item_id=item, account_id=account, amount_minor=minor, **self._told()),
            now=self._at,
        )

    def _refund(self, name: str, minor: int) -> None:
        approve(
            propose_refund(
                place=self._place(name),
                amount_minor=min(minor, self._credit(name)),
                payee=Payee(way=RefundWay.CASH),
                **self._told(),
            ),
            now=self._at,
        )

    def _transfer(self, name: str, minor: int, is_debt: bool) -> None:
        other = {"anna": "boris", "boris": "anna"}[name]
        item, minor = self._first_debt(name, minor) if is_debt else (None, min(minor, self._credit(name)))
        approve(
            propose_transfer(
                place=self._place(name),
                to=self._place(other),
                amount_minor=minor,
                item_id=item,
                **self._told(),
            ),
            now=self._at,
        )

    def _credit(self, name: str) -> int:
        return int(open_credits(account_ids=[self._cast.accounts[name]])["available_minor"].sum())

    def _undo(self, place: int) -> None:
        found = list(Movement.objects.order_by("id"))
        if place < len(found):
            undo_movement(movement_id=found[place].pk, reason="Undone", now=self._at, actor_id=people()[1])
