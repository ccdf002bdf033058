"""Faults planted behind the program's back: each must be found by the nightly checks or by the seals."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from django.db import connection, transaction

from mains.config.drill.counts import DrillCounts
from mains.debt.queries import invariants as of_debts
from mains.directdebit.queries import invariants as of_debits
from mains.ledger.actions.seals import seal_transactions
from mains.ledger.queries import invariants as of_ledger
from mains.ledger.queries.seals import check_seals
from mains.payments.queries import invariants as of_payments

_NOW = datetime(2022, 1, 11, 9, tzinfo=UTC)
_BILL = "(SELECT min(id) FROM ledger_entry WHERE kind = 'bill' AND amount_minor > 0)"
_OF_BILL = f"(SELECT transaction_id FROM ledger_entry WHERE id = {_BILL} LIMIT 1)"
_GUARDED = (
    "ledger_transaction", "ledger_posting", "ledger_entry", "ledger_allocation", "ledger_seal", "payments_receipt",
)  # fmt: skip
BROKEN: dict[str, str] = {
    "a posting altered": f"""
        UPDATE ledger_posting SET amount_minor = amount_minor + 1 WHERE id = (
            SELECT min(id) FROM ledger_posting WHERE transaction_id = {_OF_BILL})""",
    "an entry altered": f"UPDATE ledger_entry SET amount_minor = amount_minor + 1 WHERE id = {_BILL}",
    "an entry on another day than its transaction": f"""
        UPDATE ledger_entry SET business_date = business_date - 1 WHERE id = {_BILL}""",
    "a debt covered beyond its amount": f"""
        INSERT INTO ledger_allocation (account_id, item_id, credit_id, amount_minor, business_date, recorded_at)
        SELECT account_id, id, (SELECT min(id) FROM ledger_entry WHERE kind = 'payment'), amount_minor + 1,
               business_date, recorded_at FROM ledger_entry WHERE id = {_BILL}""",
    "a receipt lost": "DELETE FROM payments_receipt WHERE id = (SELECT min(id) FROM payments_receipt)",
    "a receipt changed": """
        UPDATE payments_receipt SET amount_minor = amount_minor + 100 WHERE id = (SELECT min(id) FROM payments_receipt)
        """,
}
"""What the sums of `mains ledger check` must find."""
SEALED: dict[str, str] = {
    "a narrative altered": f"UPDATE ledger_transaction SET narrative = 'x' WHERE id = {_OF_BILL}",
    "two amounts altered that balance": f"""
        UPDATE ledger_posting SET amount_minor = amount_minor + sign(amount_minor) WHERE transaction_id = {_OF_BILL}""",
    "a due date altered": f"UPDATE ledger_entry SET due_date = due_date + 30 WHERE id = {_BILL}",
    "a transaction taken away": f"""
        DELETE FROM ledger_posting WHERE transaction_id = {_OF_BILL};
        DELETE FROM ledger_entry WHERE transaction_id = {_OF_BILL};
        DELETE FROM ledger_transaction WHERE id = {_OF_BILL}""",
    "a seal taken away": "DELETE FROM ledger_seal WHERE id = (SELECT min(id) + 1 FROM ledger_seal)",
}
"""What no sum shows, and the seals must."""


def find_broken_rows(*, seed: int) -> DrillCounts:
    """Break one row after the other, as somebody with the database's own rights may, and ask the nightly checks."""
    return _plant("invariants", BROKEN, _sums, seed=seed)


def find_altered_rows(*, seed: int) -> DrillCounts:
    """Alter sealed rows so that all sums agree, and compute the seals again."""
    seal_transactions(now=_NOW)
    return _plant("seals", SEALED, check_seals, seed=seed)


def _sums() -> Sequence[object]:
    return [one for checks in (of_ledger, of_payments, of_debts, of_debits) for one in checks.find_breaches()]


def _plant(
    name: str, faults: dict[str, str], ask: Callable[[], Sequence[object]], *, seed: int
) -> DrillCounts:
    before = len(ask())
    found, missed = 0, []
    for what, statement in faults.items():
        with transaction.atomic():
            _as_owner(statement)
            if ask():
                found += 1
            else:
                missed.append(what)
            transaction.set_rollback(True)
    return DrillCounts(
        name=name,
        seed=seed,
        counts={
            "faults planted": len(faults),
            "found": found,
            **({"missed": ", ".join(missed)} if missed else {}),
        },
        losses={
            "breaches before": before,
            "faults not found": len(missed),
            "breaches left behind": len(ask()),
        },
    )


def _as_owner(statement: str) -> None:
    """Past the guards, as only the owner of the tables can; the rollback puts them back."""
    with connection.cursor() as cursor:
        for table in _GUARDED:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(statement)
