"""Whoever alters, adds or takes away a row of a sealed transaction is found."""

from datetime import date

import pytest
from django.db import connection

from mains.ledger.actions.periods import close_through
from mains.ledger.actions.seals import seal_transactions
from mains.ledger.models import Seal
from mains.ledger.queries.seals import FIRST_LINK, check_seals, linked
from mains.ledger.values import Book
from money_cast import NOW, Cast

MARCH = date(2021, 3, 31)


@pytest.fixture
def sealed(cast: Cast) -> Cast:
    for amount in (125_040, 300, 7):
        cast.bill("anna", amount, on=MARCH)
    cast.pay(("anna", "2021-04-12", "1300.00", "R-1"), ("999", "2021-04-13", "7.50", "R-2"))
    assert seal_transactions(now=NOW).count == 5
    return cast


def test_the_chain_goes_through_every_transaction_once(sealed: Cast) -> None:
    link = FIRST_LINK
    for seal in Seal.objects.order_by("id"):
        link = linked(link, bytes(seal.content))
        assert bytes(seal.chain) == link
    assert seal_transactions(now=NOW).count == 0
    sealed.bill("boris", 1, on=MARCH)
    again = seal_transactions(now=NOW)
    assert again.count == 1
    assert again.head == bytes(Seal.objects.latest("id").chain).hex()
    assert check_seals() == []


@pytest.mark.parametrize(
    "alteration",
    [
        "UPDATE ledger_posting SET amount_minor = amount_minor + sign(amount_minor) WHERE transaction_id = {id}",
        "UPDATE ledger_entry SET account_id = account_id + 1 WHERE transaction_id = {id}",
        "UPDATE ledger_entry SET due_date = due_date + 1 WHERE transaction_id = {id}",
        "UPDATE ledger_transaction SET narrative = 'x' WHERE id = {id}",
        "DELETE FROM ledger_entry WHERE transaction_id = {id}",
        """
        INSERT INTO ledger_posting (transaction_id, control, organisation_id, provider_id, service, amount_minor)
        VALUES ({id}, 'bank', 1, 1, '', 0)
        """,
    ],
)
def test_an_altered_row_is_found(sealed: Cast, alteration: str) -> None:
    victim = Seal.objects.order_by("id")[1].transaction_id
    _as_owner(alteration.format(id=victim))
    assert [(breach.check, breach.place) for breach in check_seals()] == [
        ("transactions-as-sealed", f"transaction {victim}")
    ]


def test_a_seal_made_anew_breaks_the_chain(sealed: Cast) -> None:
    victim = Seal.objects.order_by("id")[1]
    _as_owner(
        f"UPDATE ledger_transaction SET narrative = 'x' WHERE id = {victim.transaction_id};"
        f"DELETE FROM ledger_seal WHERE id = {victim.pk}"
    )
    seal_transactions(now=NOW)
    assert {breach.check for breach in check_seals()} == {"seals-chained"}


def test_a_closing_holds_the_head_against_a_chain_made_anew(sealed: Cast) -> None:
    close_through(book=Book.MONEY, day=date(2021, 5, 31), now=NOW)
    _as_owner(
        "UPDATE ledger_transaction SET narrative = 'x' WHERE kind = 'bill_run'; DELETE FROM ledger_seal"
    )
    seal_transactions(now=NOW)
    assert [breach.check for breach in check_seals()] == ["closings-in-chain"]


def _as_owner(statements: str) -> None:
    """What only the owner of the tables can do: the guards are off meanwhile."""
    tables = ("ledger_transaction", "ledger_posting", "ledger_entry", "ledger_seal")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(statements)
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
