"""Transactions balance, receivables equal entries, and nothing posted can be changed."""

from datetime import date

import polars as pl
import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from mains.ledger.actions.openings import post_opening_balances
from mains.ledger.actions.posting import ENTRY_SCHEMA, POSTING_SCHEMA, UnableToPost, post_transaction
from mains.ledger.models import Entry, Posting, Transaction
from mains.ledger.queries.current_account import balance_of, balances_of, current_account
from mains.ledger.queries.invariants import find_breaches
from mains.ledger.values import TransactionKind
from money_cast import NOW, Cast

MARCH = date(2021, 3, 31)


def test_receivables_are_posted_from_the_entries(cast: Cast) -> None:
    cast.bill("anna", 125_040, on=MARCH, correction_minor=-4_000)
    receivable = Posting.objects.get(control="receivable")
    assert (receivable.amount_minor, receivable.correction_minor) == (125_040, -4_000)
    assert receivable.organisation_id == cast.units["Alder"]
    assert Posting.objects.get(control="revenue").amount_minor == -125_040
    assert find_breaches() == []


def test_a_transaction_that_does_not_balance_is_refused_with_the_difference(cast: Cast) -> None:
    posting = {"control": "bank", "organisation_id": 1, "provider_id": 1, "service": "", "amount_minor": 7}
    with pytest.raises(UnableToPost) as refusal:
        post_transaction(
            kind=TransactionKind.OPENING,
            source_id=1,
            business_date=MARCH,
            entries=pl.DataFrame(schema=ENTRY_SCHEMA),
            counterparts=pl.DataFrame([posting], schema=POSTING_SCHEMA),
            now=NOW,
        )
    assert refusal.value.code == "unbalanced"
    assert refusal.value.params == {"off_by_minor": 7}
    assert not Transaction.objects.exists()


def test_the_database_refuses_an_unbalanced_transaction_at_commit(cast: Cast) -> None:
    with pytest.raises(IntegrityError, match="does not balance: off by 1 minor"):
        _post_and_check(bank=100, opening=-99)
    assert not Transaction.objects.exists()
    _post_and_check(bank=100, opening=-100)
    assert Transaction.objects.count() == 1


def _post_and_check(**amounts: int) -> None:
    """Post on control accounts directly, and let the database check as it does at commit."""
    with transaction.atomic(), connection.cursor() as cursor:
        event = Transaction.objects.create(kind="opening", source_id=1, business_date=MARCH, recorded_at=NOW)
        for control, amount_minor in amounts.items():
            Posting.objects.create(
                transaction=event,
                control=control,
                organisation_id=1,
                provider_id=1,
                service="",
                amount_minor=amount_minor,
            )
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_a_posting_added_later_is_checked_too(cast: Cast) -> None:
    cast.bill("anna", 100, on=MARCH)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    event = Transaction.objects.get()
    with pytest.raises(IntegrityError, match="off by 5"), transaction.atomic():
        # An id before the others must not escape the check either.
        Posting.objects.create(
            id=-1,
            transaction=event,
            control="bank",
            organisation_id=1,
            provider_id=1,
            service="",
            amount_minor=5,
        )


def test_a_source_posts_once(cast: Cast) -> None:
    balances = pl.DataFrame(
        {
            "account_id": [cast.accounts["anna"]],
            "organisation_id": [cast.units["Alder"]],
            "provider_id": [cast.parties["power"]],
            "service": ["electricity"],
            "amount_minor": [5_000],
            "due_date": [MARCH],
        }
    )
    post_opening_balances(balances=balances, source_id=1, business_date=MARCH, now=NOW)
    with pytest.raises(UnableToPost) as refusal:
        post_opening_balances(balances=balances, source_id=1, business_date=MARCH, now=NOW)
    assert refusal.value.code == "already-posted"
    assert Entry.objects.count() == 1
    assert balance_of(account_id=cast.accounts["anna"]) == 5_000


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entry SET amount_minor = amount_minor + 1",
        "UPDATE ledger_entry_y2021m03 SET amount_minor = 0",
        "UPDATE ledger_posting SET control = 'bank' WHERE control = 'revenue'",
        "UPDATE ledger_transaction SET narrative = 'x'",
        "UPDATE ledger_allocation SET amount_minor = 1",
        "DELETE FROM ledger_entry",
        "DELETE FROM ledger_entry_y2021m03 WHERE account_id > 0",
        "DELETE FROM ledger_posting",
        "DELETE FROM ledger_transaction",
        "DELETE FROM ledger_allocation",
        "DELETE FROM payments_receipt",
        "UPDATE payments_receipt SET amount_minor = 1",
        "TRUNCATE ledger_entry",
        "TRUNCATE ledger_entry_y2021m03",
        "TRUNCATE ledger_posting",
        "TRUNCATE ledger_transaction CASCADE",
        "TRUNCATE ledger_allocation",
        "TRUNCATE payments_receipt CASCADE",
        """
        INSERT INTO ledger_entry SELECT * FROM ledger_entry
        ON CONFLICT (month, id) DO UPDATE SET amount_minor = 0
        """,
    ],
)
def test_posted_rows_cannot_be_changed(cast: Cast, statement: str) -> None:
    cast.bill("anna", 10_000, on=MARCH)
    cast.pay(("anna", "2021-04-01", "40.00", "R-1"))
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert balance_of(account_id=cast.accounts["anna"]) == 6_000


def test_the_current_account_runs_from_opening_to_closing(cast: Cast) -> None:
    cast.bill("anna", 10_000, on=date(2021, 3, 31))
    cast.bill("anna", 12_000, on=date(2021, 4, 30), correction_minor=500)
    cast.pay(("anna", "2021-04-12", "150.00", "R-1"))
    anna = cast.accounts["anna"]
    whole = current_account(account_id=anna)
    assert [row.balance_minor for row in whole.rows] == [10_000, -5_000, 7_000]
    assert [row.kind for row in whole.rows] == ["bill", "payment", "bill"]
    april = current_account(account_id=anna, date_from=date(2021, 4, 1), date_to=date(2021, 4, 30))
    assert (april.opening_minor, [row.amount_minor for row in april.rows], april.closing_minor) == (
        10_000,
        [-15_000],
        -5_000,
    )
    may = current_account(account_id=anna, date_from=date(2021, 5, 1))
    assert (may.opening_minor, may.rows, may.closing_minor) == (7_000, (), 7_000)
    assert balances_of(account_ids=[anna, 10**9], on_date=date(2021, 4, 11)) == {anna: 10_000, 10**9: 0}
