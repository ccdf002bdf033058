"""Accept a staged bank file: receipts, postings and allocations, in one transaction or not at all."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl
from django.db import connection, transaction

from mains.base.columns import fetch_frame
from mains.kernel.errors import MainsError
from mains.ledger.actions.allocation import lock_allocation
from mains.ledger.actions.days import hold_open_days
from mains.ledger.actions.posting import ENTRY_SCHEMA, POSTING_SCHEMA, post_transaction
from mains.ledger.values import Control, TransactionKind
from mains.payments.actions.deposits import book_arrivals
from mains.payments.actions.payouts import match_transfers
from mains.payments.actions.receipts import (
    RECEIPT_SCHEMA,
    BookedReceipts,
    book_receipts,
    suspense_place,
    suspense_postings,
)
from mains.payments.events import bank_file_accepted, money_moved
from mains.payments.models import BankAccount, BankFile, BankStatement
from mains.payments.queries.bank_balance import ledger_balance
from mains.payments.queries.supply import utility_id
from mains.payments.values import RegisterStatus

# Of the entries that this file brings, those that another accepted file booked since it was staged.
_BOOKED_MEANWHILE = """
    UPDATE payments_banktransaction t SET state = 'booked_before', register_id = NULL, deposit_id = NULL
    FROM payments_bankentry e
    WHERE t.statement_id = ANY(%(statements)s) AND e.bank_account_id = t.bank_account_id
      AND e.entry_key = t.entry_key AND t.state NOT IN ('booked_before', 'pending')
"""
# A direct debit that another entry brought: of a batch booked as one sum and its details without a common reference.
_COLLECTED_MEANWHILE = """
    UPDATE payments_banktransaction t SET state = 'booked_before'
    WHERE t.statement_id = ANY(%(statements)s) AND t.state = 'receipt' AND t.rule = 'collection' AND EXISTS (
        SELECT FROM payments_banktransaction o JOIN payments_receipt c ON c.bank_transaction_id = o.id
        WHERE o.end_to_end_id = t.end_to_end_id AND o.end_to_end_id LIKE 'DD-%%' AND o.rule = 'collection')
"""
# A register that another line settled since this file was staged: the money is somebody's that nobody knows.
_SETTLED_MEANWHILE = """
    UPDATE payments_banktransaction t SET state = 'suspense', register_id = NULL
    WHERE t.statement_id = ANY(%(statements)s) AND t.state = 'register' AND EXISTS (
        SELECT FROM payments_banktransaction o JOIN payments_bankstatement s ON s.id = o.statement_id
        JOIN payments_bankfile f ON f.id = s.file_id
        WHERE o.register_id = t.register_id AND o.state = 'register' AND f.status = 'accepted')
"""
# Two files that name one deposit are accepted one after the other.
_HOLD_DEPOSITS = """
    SELECT FROM payments_deposit WHERE id IN (
        SELECT deposit_id FROM payments_banktransaction WHERE statement_id = ANY(%(statements)s)
    ) ORDER BY id FOR UPDATE
"""
# So is a deposit that another line brought.
_ARRIVED_MEANWHILE = """
    UPDATE payments_banktransaction t SET state = 'suspense', deposit_id = NULL
    WHERE t.statement_id = ANY(%(statements)s) AND t.state = 'deposit' AND EXISTS (
        SELECT FROM payments_depositarrival a WHERE a.deposit_id = t.deposit_id)
"""
_TAKE_ENTRIES = """
    INSERT INTO payments_bankentry (bank_account_id, entry_key, statement_id)
    SELECT DISTINCT ON (bank_account_id, entry_key) bank_account_id, entry_key, statement_id
    FROM payments_banktransaction
    WHERE statement_id = ANY(%(statements)s) AND state NOT IN ('booked_before', 'pending')
    ORDER BY bank_account_id, entry_key, id
"""
_RECEIVE = """
    INSERT INTO payments_receipt (idempotency_key, bank_transaction_id, account_id, account_number, payer,
                                  reference, paid_on, amount_minor, recorded_at)
    SELECT 'bank:' || t.bank_account_id || ':' || t.entry_key || ':' || t.part, t.id,
           CASE WHEN t.state = 'receipt' THEN t.account_id END, coalesce(a.number, ''), t.payer_name,
           left(coalesce(nullif(t.structured_reference, ''), nullif(t.end_to_end_id, ''), t.bank_reference), 60),
           t.booked_on, t.amount_minor, %(now)s
    FROM payments_banktransaction t
    LEFT JOIN customers_account a ON a.id = t.account_id AND t.state = 'receipt'
    WHERE t.statement_id = %(statement_id)s AND t.state IN ('receipt', 'suspense') ORDER BY t.position
"""
_RECEIVED = """
    SELECT c.id, c.account_id, c.paid_on, c.amount_minor
    FROM payments_receipt c JOIN payments_banktransaction t ON t.id = c.bank_transaction_id
    WHERE t.statement_id = %(statement_id)s ORDER BY c.id
"""


class UnableToAcceptBankFile(MainsError):
    """The file is not waiting for acceptance."""


@dataclass(frozen=True, kw_only=True)
class AcceptedBankFile:
    """What an acceptance did; amounts in minor units. Received = allocated + advance + suspense."""

    file_id: int
    receipt_count: int
    received_minor: int
    allocated_minor: int
    advance_minor: int
    suspense_count: int
    suspense_minor: int


def accept_bank_file(*, file_id: int, now: datetime, actor_id: int | None = None) -> AcceptedBankFile:
    """Book a staged bank file: money of known accounts covers their oldest debts, other money waits in
    suspense, what went out and charges wait for the accountant. Entries that another file booked are left out.

    Of two simultaneous acceptances one wins and the other raises UnableToAcceptBankFile; so it does for a
    file that is refused, accepted or unknown.
    """
    with transaction.atomic():
        file = BankFile.objects.select_for_update().filter(pk=file_id).first()
        if file is None or file.status != RegisterStatus.STAGED:
            raise _not_waiting(file_id, file)
        statements = list(file.statements.select_related("bank_account").order_by("position"))
        _lock_accounts({statement.bank_account_id for statement in statements})
        _take_entries([statement.pk for statement in statements])
        lock_allocation()  # of all accounts at once: what follows books and splits in several steps
        parts = []
        for statement in statements:
            _open_account(statement, now=now)
            parts.append(_book(statement, file=file, now=now))
        file.status = RegisterStatus.ACCEPTED
        file.accepted_at = now
        file.accepted_by_id = actor_id
        file.save(update_fields=["status", "accepted_at", "accepted_by"])
        money_moved(now=now)
        match_transfers(now=now)
        bank_file_accepted(now=now)
    received = (
        pl.concat([receipts for receipts, _ in parts]) if parts else pl.DataFrame(schema=RECEIPT_SCHEMA)
    )
    unknown = received.filter(pl.col("account_id").is_null())
    return AcceptedBankFile(
        file_id=file_id,
        receipt_count=received.height,
        received_minor=_sum(received),
        allocated_minor=sum(booked.allocated_minor for _, booked in parts),
        advance_minor=sum(booked.advance_minor for _, booked in parts),
        suspense_count=unknown.height,
        suspense_minor=_sum(unknown),
    )


def _not_waiting(file_id: int, file: BankFile | None) -> UnableToAcceptBankFile:
    if file is None:
        return UnableToAcceptBankFile(
            code="bank-file-unknown",
            message="There is no such bank file.",
            place=f"bank file {file_id}",
            remedy="See `mains bank list`.",
        )
    is_refused = file.status == RegisterStatus.REFUSED
    return UnableToAcceptBankFile(
        code="bank-file-refused" if is_refused else "bank-file-accepted",
        message="The bank file was refused." if is_refused else "The bank file is accepted already.",
        place=f"bank file {file_id}, {file.file_name}",
        remedy="Correct the file and import it again." if is_refused else "Nothing was changed.",
    )


def _lock_accounts(account_ids: set[int]) -> None:
    """Two files of one account are accepted one after the other, in the order of ids against deadlocks."""
    list(BankAccount.objects.select_for_update().filter(pk__in=account_ids).order_by("pk"))


def _take_entries(statement_ids: list[int]) -> None:
    with connection.cursor() as cursor:
        for statement in (
            _HOLD_DEPOSITS,
            _BOOKED_MEANWHILE,
            _COLLECTED_MEANWHILE,
            _SETTLED_MEANWHILE,
            _ARRIVED_MEANWHILE,
            _TAKE_ENTRIES,
        ):
            cursor.execute(statement, {"statements": statement_ids})


def _open_account(statement: BankStatement, *, now: datetime) -> None:
    """The first statement says what was on the account before; the ledger takes it over.

    Registers that came before it have money there already, as far as the ledger knows.
    """
    account = BankAccount.objects.get(pk=statement.bank_account_id)
    if account.opened_on is not None or statement.opening_minor is None:
        return
    opened_on = statement.opened_on or _first_day(statement)
    account.opened_on, account.opening_minor = opened_on, statement.opening_minor
    account.save(update_fields=["opened_on", "opening_minor"])
    missing = statement.opening_minor - ledger_balance(bank_account_id=account.pk, before=opened_on)
    if not missing:
        return
    opened = hold_open_days(kind=TransactionKind.BANK_OPENING)
    sides = pl.DataFrame(
        {"control": [Control.BANK.value, Control.OPENING.value], "amount_minor": [missing, -missing]}
    )
    post_transaction(
        kind=TransactionKind.BANK_OPENING,
        source_id=account.pk,
        business_date=max(opened_on, opened or opened_on),
        entries=pl.DataFrame(schema=ENTRY_SCHEMA),
        counterparts=sides.with_columns(suspense_place(utility_id())).select(*POSTING_SCHEMA),
        now=now,
        narrative=f"Opening balance of {account.number}",
    )


def _first_day(statement: BankStatement) -> date:
    first = statement.transactions.order_by("booked_on").values_list("booked_on", flat=True).first()
    day = first or statement.closed_on
    assert day is not None, "A statement without any date has no balance."
    return day


def _book(statement: BankStatement, *, file: BankFile, now: datetime) -> tuple[pl.DataFrame, BookedReceipts]:
    params: dict[str, Any] = {"statement_id": statement.pk, "now": now}
    book_arrivals(statement_id=statement.pk, now=now)
    with connection.cursor() as cursor:
        cursor.execute(_RECEIVE, params)
    receipts = fetch_frame(_RECEIVED, {"statement_id": statement.pk}, schema=RECEIPT_SCHEMA)
    if receipts.is_empty():
        return receipts, BookedReceipts(allocated_minor=0, advance_minor=0)
    booked = book_receipts(
        receipts=receipts.filter(pl.col("account_id").is_not_null()),
        kind=TransactionKind.BANK_STATEMENT,
        source_id=statement.pk,
        other_side=suspense_postings(receipts.filter(pl.col("account_id").is_null())),
        now=now,
        narrative=f"{statement.bank_account.number}: {file.file_name}"[:200],
    )
    return receipts, booked


def _sum(receipts: pl.DataFrame) -> int:
    return int(receipts["amount_minor"].cast(pl.Int128).sum())
