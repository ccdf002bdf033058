"""Everything that is held about a customer, and how long the law keeps it."""

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from mains.base.rows import fetch_rows
from mains.reporting.queries.bill_paper.typeset import set_statement

# Made from the rest at any time, so that they hold nothing of their own.
_DERIVED = {"reporting_searchtoken", "socialaccount_socialtoken"}
# What belongs to a point of supply is the customer's only while they paid there; documents, by what they prove. Their
# files are handed out from the archive.
_BY_SUPPLY = {
    "network_premise": """
        SELECT DISTINCT p.id, b.city, b.street, b.house, p.flat, s.code AS service_point, s.service,
            lower(g.valid) AS valid_from, upper(g.valid) AS valid_to
        FROM customers_agreement g JOIN network_servicepoint s ON s.id = g.service_point_id
        JOIN network_premise p ON p.id = s.premise_id JOIN network_building b ON b.id = p.building_id
        WHERE g.account_id = ANY(%(accounts)s) AND g.superseded_at IS NULL""",
    "network_premisestate": """
        SELECT DISTINCT t.* FROM customers_agreement g JOIN network_servicepoint s ON s.id = g.service_point_id
        JOIN network_premisestate t ON t.premise_id = s.premise_id AND t.valid && g.valid
        WHERE g.account_id = ANY(%(accounts)s) AND g.superseded_at IS NULL""",
    "network_absence": """
        SELECT DISTINCT t.* FROM customers_agreement g JOIN network_servicepoint s ON s.id = g.service_point_id
        JOIN network_absence t ON t.premise_id = s.premise_id AND t.valid && g.valid
        WHERE g.account_id = ANY(%(accounts)s) AND g.superseded_at IS NULL""",
    "documents_document": """
        SELECT DISTINCT d.id, t.title, t.kind_code, t.document_date, f.kind, f.size_bytes, f.sha256, d.recorded_at
        FROM documents_documentlink l
        JOIN documents_document d ON d.id = l.document_id AND d.superseded_at IS NULL
        JOIN documents_documentdescription t ON t.document_id = d.id AND t.superseded_at IS NULL
        JOIN documents_storedfile f ON f.id = d.file_id
        WHERE l.superseded_at IS NULL AND (
            l.subject_kind = 'customer' AND l.subject_id = %(customer)s
            OR l.subject_kind = 'account' AND l.subject_id = ANY(%(accounts)s)
            OR l.subject_kind = 'agreement' AND l.subject_id IN (
                SELECT id FROM customers_agreement WHERE account_id = ANY(%(accounts)s))
            OR l.subject_kind = 'payment' AND l.subject_id IN (
                SELECT id FROM payments_receipt WHERE account_id = ANY(%(accounts)s)))""",
    "metering_installation": """
        SELECT DISTINCT i.*, m.serial FROM customers_agreement g
        JOIN metering_installation i ON i.service_point_id = g.service_point_id AND i.valid && g.valid
        JOIN metering_meter m ON m.id = i.meter_id
        WHERE g.account_id = ANY(%(accounts)s) AND g.superseded_at IS NULL""",
    "metering_reading": """
        SELECT DISTINCT r.* FROM customers_agreement g
        JOIN metering_installation i ON i.service_point_id = g.service_point_id AND i.valid && g.valid
        JOIN metering_register e ON e.meter_id = i.meter_id
        JOIN metering_reading r ON r.register_id = e.id AND g.valid @> r.reading_date AND i.valid @> r.reading_date
        WHERE g.account_id = ANY(%(accounts)s) AND g.superseded_at IS NULL""",
}
_TABLES = """
SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema()
WHERE a.attname IN ('account_id', 'customer_id') AND NOT a.attisdropped AND c.relkind IN ('r', 'p')
    AND NOT c.relispartition ORDER BY 1, 2
"""
# Who looked is told without naming the people of the utility.
_COLUMNS = {"staff_look": "at, page"}


@dataclass(frozen=True)
class HeldTable:
    """Rows of one table about a customer."""

    table: str
    rows: list[dict[str, Any]]


@dataclass(frozen=True)
class Kept:
    """What is not erased, why, and until when at the earliest; None while an account is open."""

    what: str
    why: str
    until: date | None


@dataclass(frozen=True)
class Erasable:
    """What may be erased of a customer now, and what is kept."""

    contacts: bool
    identity: bool
    kept: tuple[Kept, ...]


def list_held(*, customer_id: int) -> list[HeldTable]:
    """All rows about the customer and their accounts, by table; tables without any are left out."""
    accounts = fetch_rows(
        int, "SELECT id FROM customers_account WHERE customer_id = %(id)s ORDER BY id", {"id": customer_id}
    )
    params = {"accounts": accounts, "customer": customer_id}
    found = [
        HeldTable(
            "customers_customer", _rows("SELECT * FROM customers_customer WHERE id = %(customer)s", params)
        )
    ]
    for table, column in fetch_rows(_row, _TABLES, {}):
        if table in _DERIVED:
            continue
        condition = (
            "account_id = ANY(%(accounts)s)" if column == "account_id" else "customer_id = %(customer)s"
        )
        columns = _COLUMNS.get(table, "*")
        found.append(HeldTable(table, _rows(f'SELECT {columns} FROM "{table}" WHERE {condition}', params)))
    found += [HeldTable(table, _rows(statement, params)) for table, statement in _BY_SUPPLY.items()]
    return [held for held in found if held.rows]


def personal_data_zip(*, customer_id: int, now: datetime) -> bytes:
    """One ZIP: a PDF that a customer can read, and every row as JSON, a file for each table.

    Raises UnableToPrintBill when no font prints a letter of the PDF.
    """
    held = list_held(customer_id=customer_id)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("personal-data.pdf", _pdf(held, customer_id=customer_id, now=now))
        for table in held:
            told = json.dumps(table.rows, ensure_ascii=False, indent=1, default=_plain)
            archive.writestr(f"{table.table}.json", told)
    return out.getvalue()


def find_erasable(*, customer_id: int, on_date: date) -> Erasable:
    """What may be erased on the day.

    Contacts may go at any time: they are held for the customer's convenience. Identity stays while an account is open
    or money is owed either way, and then for as many years as the law keeps books and invoices (MAINS_KEEP_YEARS,
    counted from the end of the year of the latest entry).
    """
    (state,) = fetch_rows(
        _row,
        """
        SELECT count(*) FILTER (WHERE a.closed_on IS NULL OR a.closed_on > %(day)s),
            (SELECT count(*) FROM (
                SELECT FROM ledger_entry e WHERE e.account_id = ANY(array_agg(a.id))
                GROUP BY e.account_id HAVING sum(e.amount_minor) <> 0) owed),
            greatest(max(a.closed_on), (SELECT max(e.business_date) FROM ledger_entry e
                WHERE e.account_id = ANY(array_agg(a.id)))),
            bool_or(c.phone <> '' OR c.email <> ''), bool_or(c.name <> '—' OR c.tax_number <> '')
        FROM customers_account a JOIN customers_customer c ON c.id = a.customer_id WHERE c.id = %(id)s
        """,
        {"id": customer_id, "day": on_date},
    )
    open_accounts, owed, last, has_contacts, has_identity = state
    is_over = not open_accounts and not owed and last is not None
    until = date(last.year + 1 + settings.KEEP_YEARS, 1, 1) if is_over and last else None
    may_identity = until is not None and on_date >= until
    kept = [
        Kept(_("Bills, entries of the ledger, receipts, invoices"), _("Law of accounting and taxes"), until),
        Kept(_("Lines of the bank's statements with payers"), _("Law of accounting and taxes"), until),
        Kept(_("Agreements, readings and acts that bills rest on"), _("Limitation of claims"), until),
        Kept(_("Documents of the archive"), _("Years for which their kind is kept"), until),
        Kept(_("Who looked, and the audit log without values"), _("Proof of data protection"), until),
    ]
    if has_identity and not may_identity:
        why = (
            _("Law of accounting and taxes") if until else _("The contract of supply runs, or money is owed")
        )
        kept.insert(0, Kept(_("Name and identity number"), why, until))
    return Erasable(bool(has_contacts), bool(has_identity) and may_identity, tuple(kept))


def _pdf(held: list[HeldTable], *, customer_id: int, now: datetime) -> bytes:
    customer: Mapping[str, Any] = held[0].rows[0]
    told = [
        (_("Name"), customer["name"]),
        (_("Identity number"), customer["tax_number"]),
        (_("Phone"), customer["phone"]),
        (_("E-mail"), customer["email"]),
        (_("Made on"), now.date().isoformat()),
    ]
    kept = find_erasable(customer_id=customer_id, on_date=now.date()).kept
    rows = [[f"{table.table}.json", _("data"), str(len(table.rows))] for table in held]
    rows += [[one.what, one.why, one.until.isoformat() if one.until else "—"] for one in kept]
    return set_statement(
        {
            "language": (get_language() or "en").split("-")[0],
            "title": _("Everything that is held about you"),
            "number": str(customer_id),
            "page": _("Page"),
            "texts": 2,
            "head": [[label, str(value) or "—"] for label, value in told],
            "columns": [_("What"), _("Why it is kept"), _("Rows, or kept until")],
            "rows": rows,
            "sums": [],
        }
    )


def _rows(statement: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, dict(params))
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _plain(value: object) -> object:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, memoryview | bytes):
        return bytes(value).hex()
    lower, upper = getattr(value, "lower", None), getattr(value, "upper", None)
    if hasattr(value, "isempty"):
        return [lower and lower.isoformat(), upper and upper.isoformat()]
    return str(value)


def _row(*values: Any) -> tuple[Any, ...]:
    return values
