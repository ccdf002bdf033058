"""What a bank says is on an account, what the ledger says, and which transactions make the difference."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from mains.payments.models import BankAccount
from mains.payments.values import LineState
from mains.payments.values.states import TAKEN_BACK
from mains.staff.values import Permission, Scope

# What the ledger has on one bank account: its opening balance, its statements' receipts, lines that the
# accountant booked, and registers whose sender pays there.
_LEDGER = """
    SELECT coalesce(sum(p.amount_minor), 0)::bigint
    FROM ledger_posting p JOIN ledger_transaction t ON t.id = p.transaction_id
    WHERE p.control = 'bank' AND t.business_date < %(before)s AND (
        (t.kind = 'bank_opening' AND t.source_id = %(account)s)
        OR (t.kind = 'bank_statement' AND t.source_id IN (
            SELECT id FROM payments_bankstatement WHERE bank_account_id = %(account)s))
        OR (t.kind = 'deposit_arrived' AND t.source_id IN (
            SELECT a.deposit_id FROM payments_depositarrival a
            JOIN payments_banktransaction o ON o.id = a.transaction_id WHERE o.bank_account_id = %(account)s))
        OR (t.kind = 'bank_line' AND t.source_id IN (
            SELECT id FROM payments_banktransaction WHERE bank_account_id = %(account)s))
        OR (t.kind = 'receipt_reversed' AND t.source_id IN (
            SELECT c.id FROM payments_receipt c JOIN payments_receiptreversal v ON v.receipt_id = c.id
            LEFT JOIN payments_banktransaction o ON o.id = c.bank_transaction_id
            LEFT JOIN payments_paymentregister r ON r.id = c.register_id
            LEFT JOIN payments_bankaccount b ON b.register_senders ? r.sender_code
            WHERE o.bank_account_id = %(account)s OR b.id = %(account)s))
        OR (t.kind = 'payment_register' AND t.source_id IN (
            SELECT r.id FROM payments_paymentregister r
            JOIN payments_bankaccount b ON b.register_senders ? r.sender_code WHERE b.id = %(account)s)))
"""
_MOVED = """
    SELECT coalesce(sum(t.amount_minor), 0)::bigint
    FROM payments_banktransaction t
    JOIN payments_bankentry e ON e.bank_account_id = t.bank_account_id AND e.entry_key = t.entry_key
                             AND e.statement_id = t.statement_id
    WHERE t.bank_account_id = %(account)s AND t.state <> 'booked_before' AND t.state <> 'pending'
      AND t.booked_on > %(after)s AND t.booked_on <= %(on_date)s
"""
_LAST_STATEMENT = """
    SELECT s.closed_on, s.closing_minor, s.opened_on, s.opening_minor, s.number
    FROM payments_bankstatement s JOIN payments_bankfile f ON f.id = s.file_id
    WHERE s.bank_account_id = %(account)s AND f.status = 'accepted' AND s.closing_minor IS NOT NULL
      AND s.closed_on <= %(on_date)s
    ORDER BY s.closed_on DESC, s.id DESC LIMIT 1
"""
# Lines of the bank that the ledger does not have.
_NOT_IN_LEDGER = """
    SELECT t.id, t.booked_on, t.amount_minor, t.state, mains_name(t.payer_name), t.remittance,
           t.bank_reference, f.file_name
    FROM payments_banktransaction t
    JOIN payments_bankstatement s ON s.id = t.statement_id
    JOIN payments_bankfile f ON f.id = s.file_id
    WHERE t.bank_account_id = %(account)s AND f.status = 'accepted' AND t.state = 'waiting'
      AND t.booked_on <= %(on_date)s
      AND NOT EXISTS (
          SELECT FROM payments_bankbooking k
          LEFT JOIN payments_receiptreversal v ON v.receipt_id = k.receipt_id AND k.control = 'taken_back'
          WHERE k.transaction_id = t.id AND coalesce(v.business_date, t.booked_on) <= %(on_date)s)
    ORDER BY t.booked_on, t.id LIMIT %(limit)s
"""
# Receipts that were taken back: the ledger has the money out of the bank, the bank's own line waits above, unless it is
# known to be the one.
_TAKEN_BACK = """
    SELECT c.id, v.reason, v.business_date, c.amount_minor
    FROM payments_receiptreversal v JOIN payments_receipt c ON c.id = v.receipt_id
    LEFT JOIN payments_banktransaction o ON o.id = c.bank_transaction_id
    LEFT JOIN payments_paymentregister r ON r.id = c.register_id
    LEFT JOIN payments_bankaccount b ON b.register_senders ? r.sender_code
    WHERE (o.bank_account_id = %(account)s OR b.id = %(account)s) AND v.business_date <= %(on_date)s
      AND NOT EXISTS (
          SELECT FROM payments_bankbooking k JOIN payments_banktransaction l ON l.id = k.transaction_id
          WHERE k.receipt_id = c.id AND k.control IN ('taken_back', 'register') AND l.booked_on <= %(on_date)s)
    ORDER BY v.id LIMIT %(limit)s
"""
# Registers in the ledger whose sum has not come to the account, and sums that came on another day than booked.
_NOT_AT_BANK = """
    SELECT r.id, r.file_name, (r.accepted_at AT TIME ZONE 'UTC')::date, sum(w.amount_minor)::bigint
    FROM payments_paymentregister r
    JOIN payments_bankaccount b ON b.register_senders ? r.sender_code
    JOIN payments_paymentregisterrow w ON w.register_id = r.id
    WHERE b.id = %(account)s AND r.status = 'accepted' AND w.paid_on <= %(on_date)s
      AND (b.opened_on IS NULL OR w.paid_on >= b.opened_on)
      AND NOT EXISTS (
          SELECT FROM payments_banktransaction t JOIN payments_bankstatement s ON s.id = t.statement_id
          JOIN payments_bankfile f ON f.id = s.file_id
          WHERE t.register_id = r.id AND t.state = 'register' AND f.status = 'accepted'
            AND t.booked_on <= %(on_date)s)
      AND NOT EXISTS (
          SELECT FROM payments_bankbooking k JOIN payments_receiptreversal v ON v.receipt_id = k.receipt_id
          WHERE k.control = 'register' AND k.note = r.id::text AND v.business_date <= %(on_date)s)
    GROUP BY r.id ORDER BY r.id LIMIT %(limit)s
"""
_SETTLED_EARLIER = """
    SELECT r.id, r.file_name, t.booked_on, t.amount_minor - coalesce((
        SELECT sum(w.amount_minor) FROM payments_paymentregisterrow w
        WHERE w.register_id = r.id AND w.paid_on <= %(on_date)s
          AND (b.opened_on IS NULL OR w.paid_on >= b.opened_on)), 0)::bigint
    FROM payments_banktransaction t
    JOIN payments_bankaccount b ON b.id = t.bank_account_id
    JOIN payments_bankstatement s ON s.id = t.statement_id JOIN payments_bankfile f ON f.id = s.file_id
    JOIN payments_paymentregister r ON r.id = t.register_id
    WHERE t.bank_account_id = %(account)s AND t.state = 'register' AND f.status = 'accepted'
      AND t.booked_on <= %(on_date)s
"""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One thing that the bank and the ledger do not both have; `amount_minor` is bank less ledger."""

    kind: str
    id: int
    day: date
    amount_minor: int
    text: str
    file_name: str


@dataclass(frozen=True, kw_only=True)
class BankBalance:
    """One account at the end of a day, in minor units. None where no statement tells.

    `opening_minor` + `moved_minor` is the bank's balance; `bank_minor` is what the last statement closes with
    plus later entries. `ledger_minor` + differences = bank when everything is explained.
    """

    account_id: int
    number: str
    title: str
    currency: str
    on_date: date
    opened_on: date | None
    opening_minor: int | None
    moved_minor: int
    stated_minor: int | None
    stated_on: date | None
    bank_minor: int | None
    ledger_minor: int
    differences: tuple[Difference, ...]

    @property
    def difference_minor(self) -> int | None:
        """Bank less ledger."""
        return None if self.bank_minor is None else self.bank_minor - self.ledger_minor

    @property
    def unexplained_minor(self) -> int | None:
        """What the listed differences do not explain: lost or doubled money, or a missing statement."""
        if self.difference_minor is None:
            return None
        return self.difference_minor - sum(one.amount_minor for one in self.differences)

    @property
    def missing_minor(self) -> int | None:
        """What the statements between do not tell: the closing balance less opening balance and entries."""
        if self.opening_minor is None or self.bank_minor is None:
            return None
        return self.bank_minor - self.opening_minor - self.moved_minor


def list_bank_balances(*, scope: Scope, on_date: date, limit: int = 1_000) -> list[BankBalance]:
    """The balance of each bank account at the end of `on_date`; none for a person who may not see it."""
    if not (scope.may(Permission.IMPORT_PAYMENTS) and scope.organisation_ids is None):
        return []
    return [_balance(account, on_date, limit) for account in BankAccount.objects.order_by("pk")]


def ledger_balance(*, bank_account_id: int, before: date) -> int:
    """What the ledger has on a bank account before a day, in minor units."""
    return int(_one(_LEDGER, {"account": bank_account_id, "before": before})[0])


def _balance(account: BankAccount, on_date: date, limit: int) -> BankBalance:
    params: dict[str, Any] = {"account": account.pk, "on_date": on_date, "limit": limit}
    is_open = account.opened_on is not None and account.opened_on <= on_date
    last = _rows(_LAST_STATEMENT, params)
    stated_on, stated_minor = (last[0][0], last[0][1]) if last else (None, None)
    moved = _moved(params, account.opened_on) if is_open else 0
    bank_minor = None
    if stated_minor is not None and stated_on is not None:
        bank_minor = int(stated_minor) + int(_one(_MOVED, {**params, "after": stated_on})[0])
    elif is_open and account.opening_minor is not None:
        bank_minor = account.opening_minor + moved
    after = date.fromordinal(on_date.toordinal() + 1)
    return BankBalance(
        account_id=account.pk,
        number=account.number,
        title=account.title,
        currency=account.currency,
        on_date=on_date,
        opened_on=account.opened_on,
        opening_minor=account.opening_minor if is_open else None,
        moved_minor=moved,
        stated_minor=stated_minor,
        stated_on=stated_on,
        bank_minor=bank_minor,
        ledger_minor=ledger_balance(bank_account_id=account.pk, before=after),
        differences=tuple(_differences(params)),
    )


def _moved(params: dict[str, Any], opened_on: date | None) -> int:
    """Entries of the bank since the account was opened here, its first day included."""
    assert opened_on is not None
    return int(_one(_MOVED, {**params, "after": date.fromordinal(opened_on.toordinal() - 1)})[0])


def _differences(params: dict[str, Any]) -> list[Difference]:
    found = [
        Difference(
            kind=LineState.WAITING.value,
            id=row[0],
            day=row[1],
            amount_minor=row[2],
            text=" ".join(part for part in (row[4], row[5] or row[6]) if part),
            file_name=row[7],
        )
        for row in _rows(_NOT_IN_LEDGER, params)
    ]
    for sign, kind, statement in (
        (-1, LineState.REGISTER.value, _NOT_AT_BANK),
        (1, LineState.REGISTER.value, _SETTLED_EARLIER),
        (1, TAKEN_BACK, _TAKEN_BACK),
    ):
        found += [
            Difference(
                kind=kind,
                id=row[0],
                day=row[2],
                amount_minor=sign * int(row[3]),
                text=row[1],
                file_name=row[1],
            )
            for row in _rows(statement, params)
            if row[3]
        ]
    return found


def _rows(statement: str, params: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return list(cursor.fetchall())


def _one(statement: str, params: dict[str, Any]) -> tuple[Any, ...]:
    return _rows(statement, params)[0]
