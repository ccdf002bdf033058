"""Bank files and their lines as pages and commands show them."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from mains.payments.models import BankAccount, BankFile
from mains.payments.values import Fault
from mains.payments.values.states import CONFIDENCE_PERCENT
from mains.staff.values import Permission, Scope

_TOTALS = """
    SELECT s.file_id, count(*), coalesce(sum(t.amount_minor) FILTER (WHERE t.amount_minor > 0), 0)::bigint,
           coalesce(sum(t.amount_minor) FILTER (WHERE t.amount_minor < 0), 0)::bigint
    FROM payments_banktransaction t JOIN payments_bankstatement s ON s.id = t.statement_id
    WHERE s.file_id = ANY(%(files)s) GROUP BY s.file_id
"""
_STATES = """
    SELECT t.state, count(*), sum(t.amount_minor)::bigint
    FROM payments_banktransaction t JOIN payments_bankstatement s ON s.id = t.statement_id
    WHERE s.file_id = %(file)s GROUP BY t.state ORDER BY t.state
"""
_LINES = """
    SELECT t.id, s.number, t.line, t.booked_on, t.amount_minor, mains_name(t.payer_name),
           mains_contact(t.payer_account), t.remittance,
           coalesce(nullif(t.structured_reference, ''), nullif(t.end_to_end_id, ''), t.bank_reference),
           t.state, t.rule, a.number, k.control
    FROM payments_banktransaction t
    JOIN payments_bankstatement s ON s.id = t.statement_id
    LEFT JOIN customers_account a ON a.id = t.account_id
         AND (%(everything)s OR a.organisation_id = ANY(%(reached)s))
    LEFT JOIN payments_bankbooking k ON k.transaction_id = t.id
    WHERE s.file_id = %(file)s AND t.id > %(after)s AND (%(state)s = '' OR t.state = %(state)s)
    ORDER BY t.id LIMIT %(limit)s
"""


@dataclass(frozen=True, kw_only=True)
class BankFileRecord:
    """A bank's file; amounts in minor units. `faults` are empty unless it was refused."""

    id: int
    file_name: str
    form: str
    status: str
    line_count: int
    in_minor: int
    out_minor: int
    faults: tuple[Fault, ...]
    staged_at: datetime
    staged_by: str
    accepted_at: datetime | None
    accepted_by: str


@dataclass(frozen=True)
class BankLineRecord:
    """A line of a file; `account` is the number of the account that it is for, `control` what it was booked as."""

    id: int
    statement: str
    line: int
    booked_on: date
    amount_minor: int
    payer_name: str
    payer_account: str
    remittance: str
    reference: str
    state: str
    rule: str
    account: str | None
    control: str | None

    @property
    def percent(self) -> int:
        return CONFIDENCE_PERCENT.get(self.rule, 0)


@dataclass(frozen=True)
class StatementRecord:
    """A statement of a file, with the utility's account and its balances."""

    number: str
    account: str
    currency: str
    is_advice: bool
    closed_on: date | None
    opening_minor: int | None
    closing_minor: int | None


def may_see_banks(scope: Scope) -> bool:
    """Statements are of the whole utility: a person of one branch sees none."""
    return scope.may(Permission.IMPORT_PAYMENTS) and scope.organisation_ids is None


def list_bank_accounts(*, scope: Scope) -> list[BankAccount]:
    """The utility's bank accounts."""
    return list(BankAccount.objects.order_by("pk")) if may_see_banks(scope) else []


def list_bank_files(*, scope: Scope, before_id: int | None = None, limit: int = 50) -> list[BankFileRecord]:
    """Bank files, latest first, keyset-paged by `before_id`."""
    if not may_see_banks(scope):
        return []
    files = BankFile.objects.select_related("staged_by", "accepted_by").order_by("-pk")
    if before_id is not None:
        files = files.filter(pk__lt=before_id)
    return _records(list(files[:limit]))


def find_bank_file(*, file_id: int, scope: Scope) -> BankFileRecord | None:
    """One bank file, or None when there is none or the person may not see it."""
    if not may_see_banks(scope):
        return None
    found = _records(list(BankFile.objects.select_related("staged_by", "accepted_by").filter(pk=file_id)))
    return found[0] if found else None


def list_statements(*, file_id: int, scope: Scope) -> list[StatementRecord]:
    """The statements of a file in its order."""
    if not may_see_banks(scope):
        return []
    return [
        StatementRecord(*row)
        for row in _rows(
            """
            SELECT s.number, b.number, b.currency, s.is_advice, s.closed_on, s.opening_minor, s.closing_minor
            FROM payments_bankstatement s JOIN payments_bankaccount b ON b.id = s.bank_account_id
            WHERE s.file_id = %(file)s ORDER BY s.position
            """,
            {"file": file_id},
        )
    ]


def sum_states(*, file_id: int) -> list[tuple[str, int, int]]:
    """What becomes of the file's lines: state, number, sum in minor units."""
    return [(row[0], int(row[1]), int(row[2])) for row in _rows(_STATES, {"file": file_id})]


def list_bank_lines(
    *, file_id: int, scope: Scope, state: str = "", after_id: int = 0, limit: int = 100
) -> list[BankLineRecord]:
    """Lines of a file in its order, keyset-paged by `after_id`."""
    if not may_see_banks(scope):
        return []
    params = {
        "file": file_id,
        "state": state,
        "after": after_id,
        "limit": limit,
        "everything": scope.organisation_ids is None,
        "reached": sorted(scope.organisation_ids or ()),
    }
    return [BankLineRecord(*row) for row in _rows(_LINES, params)]


def _records(files: list[BankFile]) -> list[BankFileRecord]:
    totals = {row[0]: row[1:] for row in _rows(_TOTALS, {"files": [file.pk for file in files]})}
    return [
        BankFileRecord(
            id=file.pk,
            file_name=file.file_name,
            form=file.form,
            status=file.status,
            line_count=totals.get(file.pk, (0, 0, 0))[0],
            in_minor=totals.get(file.pk, (0, 0, 0))[1],
            out_minor=totals.get(file.pk, (0, 0, 0))[2],
            faults=tuple(Fault(**fault) for fault in file.faults),
            staged_at=file.staged_at,
            staged_by=file.staged_by.get_username() if file.staged_by else "",
            accepted_at=file.accepted_at,
            accepted_by=file.accepted_by.get_username() if file.accepted_by else "",
        )
        for file in files
    ]


def _rows(statement: str, params: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return list(cursor.fetchall())
