"""Invoices as people read them, with what was paid by their numbers and what is still open of what they name."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from mains.base.columns import fetch_frame
from mains.base.rows import fetch_row, fetch_rows
from mains.billing.values import bill_number
from mains.invoicing.queries.groups import scope_params
from mains.invoicing.values import InvoiceKind, vat_inside
from mains.kernel.invoice_numbers import invoice_number
from mains.ledger.queries.advances import advance_totals
from mains.staff.values import EVERYTHING, Scope


@dataclass(frozen=True)
class InvoiceRecord:
    """An invoice. `account_number` is empty of a collective one, `group_code` of the others. Money in minor units.

    `paid_minor` came in by its number; `source_bill` is the bill that a share is of, by month and id.
    """

    id: int
    kind: str
    month: date
    group_id: int | None
    group_code: str
    group_name: str
    account_id: int | None
    account_number: str
    customer_id: int
    customer_name: str
    language: str
    organisation_id: int
    source_month: date | None
    source_bill_id: int | None
    amount_minor: int
    issued_on: date
    due_on: date
    note: str
    recorded_at: datetime
    cancelled_for: str
    paid_minor: int

    @property
    def number(self) -> str:
        return invoice_number(self.kind, self.id)

    @property
    def source_number(self) -> str:
        """The number of the bill that is shared."""
        if self.source_month is None or self.source_bill_id is None:
            return ""
        return bill_number(self.source_month, self.source_bill_id)

    @property
    def is_collective(self) -> bool:
        return self.kind == InvoiceKind.COLLECTIVE

    @property
    def has_whole_bills(self) -> bool:
        """Whether it adds up whole bills: of many accounts, or of several months."""
        return self.kind in (InvoiceKind.COLLECTIVE, InvoiceKind.PERIOD)

    @property
    def is_advance(self) -> bool:
        return self.kind == InvoiceKind.ADVANCE


@dataclass(frozen=True)
class PartRecord:
    """What an invoice asks for of one bill, provider and service; without a bill in advance."""

    account_id: int
    account_number: str
    address: str
    bill_month: date | None
    bill_id: int | None
    provider_id: int
    service: str
    quantity_micro: int | None
    amount_minor: int
    vat_ppm: int | None

    @property
    def vat_minor(self) -> int:
        """The VAT that an advance includes."""
        return vat_inside(gross_minor=self.amount_minor, rate_ppm=self.vat_ppm) if self.vat_ppm else 0

    @property
    def vat_percent(self) -> Decimal | None:
        return Decimal(self.vat_ppm).scaleb(-4) if self.vat_ppm else None

    @property
    def bill(self) -> str:
        """The bill's number."""
        return bill_number(self.bill_month, self.bill_id) if self.bill_month and self.bill_id else ""


@dataclass(frozen=True)
class PaymentRecord:
    """A receipt that came by the invoice's number, and where it went: account numbers and minor units."""

    receipt_id: int
    paid_on: date
    amount_minor: int
    shares: tuple[tuple[str, int], ...]


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How an invoice stands. `open_minor`: what of its bills or shares no payment covers, wherever the money came
    from; of an advance what is not paid in. `used_minor` and `left_minor` of an advance: what bills have used, and the
    rest."""

    open_minor: int
    used_minor: int = 0
    left_minor: int = 0


_INVOICE = """
SELECT i.id, i.kind, i.month, i.group_id, coalesce(g.code, ''), coalesce(g.name, ''), i.account_id,
       coalesce(a.number, ''), c.id, mains_name(c.name), c.language, i.organisation_id, i.source_month,
       i.source_bill_id,
       i.amount_minor, i.issued_on, i.due_on, i.note, i.recorded_at, coalesce(x.reason, ''),
       (SELECT coalesce(sum(p.amount_minor), 0)::bigint FROM invoicing_invoicepayment p
        WHERE p.invoice_id = i.id
          AND NOT EXISTS (SELECT FROM payments_receiptreversal v WHERE v.receipt_id = p.receipt_id))
FROM invoicing_invoice i
LEFT JOIN invoicing_invoicegroup g ON g.id = i.group_id
LEFT JOIN customers_account a ON a.id = i.account_id
JOIN customers_customer c ON c.id = coalesce(g.customer_id, a.customer_id)
LEFT JOIN invoicing_invoicecancellation x ON x.invoice_id = i.id
WHERE (%(everything)s OR i.organisation_id = ANY(%(reached)s))
"""


def list_invoices(
    *,
    scope: Scope,
    kind: str = "",
    group_id: int | None = None,
    account_id: int | None = None,
    before_id: int | None = None,
    limit: int = 100,
) -> list[InvoiceRecord]:
    """Invoices within the scope, latest first; of one kind, group or payer."""
    statement = (
        f"{_INVOICE} AND (%(kind)s = '' OR i.kind = %(kind)s)"
        " AND (%(group)s::bigint IS NULL OR i.group_id = %(group)s)"
        " AND (%(account)s::bigint IS NULL OR i.account_id = %(account)s)"
        " AND (%(before)s::bigint IS NULL OR i.id < %(before)s) ORDER BY i.id DESC LIMIT %(limit)s"
    )
    params: dict[str, Any] = {
        "kind": kind,
        "group": group_id,
        "account": account_id,
        "before": before_id,
        "limit": limit,
    }
    return fetch_rows(InvoiceRecord, statement, params | scope_params(scope))


def find_invoice(*, invoice_id: int, scope: Scope) -> InvoiceRecord | None:
    """The invoice, within the scope."""
    statement = f"{_INVOICE} AND i.id = %(id)s"
    return fetch_row(InvoiceRecord, statement, scope_params(scope) | {"id": invoice_id})


def get_invoice(*, invoice_id: int) -> InvoiceRecord:
    """An invoice that is known to be there."""
    found = find_invoice(invoice_id=invoice_id, scope=EVERYTHING)
    assert found is not None, "Invoices are never deleted."
    return found


def list_parts(*, invoice_id: int) -> list[PartRecord]:
    """What the invoice asks for, by account, month and service."""
    return fetch_rows(
        PartRecord,
        """
        SELECT p.account_id, a.number, coalesce(place.address, ''), p.bill_month, p.bill_id, p.provider_id,
               p.service, p.quantity_micro, p.amount_minor, p.vat_ppm
        FROM invoicing_invoicepart p JOIN customers_account a ON a.id = p.account_id
        LEFT JOIN LATERAL (
            SELECT concat_ws(', ', nullif(u.street, ''), nullif(u.house, ''), nullif(m.flat, '')) AS address
            FROM customers_agreement g JOIN network_servicepoint s ON s.id = g.service_point_id
            JOIN network_premise m ON m.id = s.premise_id JOIN network_building u ON u.id = m.building_id
            WHERE g.account_id = p.account_id AND g.superseded_at IS NULL
            ORDER BY upper_inf(g.valid) DESC, upper(g.valid) DESC, g.id LIMIT 1
        ) place ON true
        WHERE p.invoice_id = %(id)s ORDER BY a.number, p.bill_month, p.bill_id, p.service, p.provider_id
        """,
        {"id": invoice_id},
    )


def list_payments(*, invoice_id: int) -> list[PaymentRecord]:
    """Receipts that came by the invoice's number, with what each account got; those taken back are left out."""
    found = fetch_frame(
        """
        SELECT p.receipt_id, c.paid_on, p.amount_minor, a.number, coalesce(n.amount_minor, p.amount_minor)
        FROM invoicing_invoicepayment p JOIN payments_receipt c ON c.id = p.receipt_id
        JOIN payments_receiptidentification n ON n.receipt_id = c.id
        JOIN customers_account a ON a.id = n.account_id
        WHERE p.invoice_id = %(id)s
          AND NOT EXISTS (SELECT FROM payments_receiptreversal v WHERE v.receipt_id = c.id)
        ORDER BY c.paid_on, c.id, n.part
        """,
        {"id": invoice_id},
        schema={
            "receipt_id": pl.Int64,
            "paid_on": pl.Date,
            "amount_minor": pl.Int64,
            "number": pl.String,
            "share_minor": pl.Int64,
        },
    )
    payments = []
    for (receipt_id, paid_on, minor), rows in found.group_by(
        "receipt_id", "paid_on", "amount_minor", maintain_order=True
    ):
        shares = tuple((row[3], row[4]) for row in rows.iter_rows())
        payments.append(PaymentRecord(receipt_id, paid_on, minor, shares))
    return payments


def standing_of(*, invoice: InvoiceRecord) -> Standing:
    """How the invoice stands now."""
    if invoice.is_advance:
        paid, used, left = advance_totals(advance_ids=[invoice.id]).get(invoice.id, (0, 0, 0))
        owed = 0 if invoice.cancelled_for else max(0, invoice.amount_minor - paid)
        return Standing(open_minor=owed, used_minor=used, left_minor=left)
    kind = "bill" if invoice.has_whole_bills else "share"
    return Standing(open_minor=_open_of(invoice, kind))


def _open_of(invoice: InvoiceRecord, kind: str) -> int:
    found = fetch_frame(
        """
        WITH own AS (
            SELECT e.id, e.account_id, e.amount_minor
            FROM (SELECT DISTINCT account_id, bill_id FROM invoicing_invoicepart WHERE invoice_id = %(id)s) p
            JOIN ledger_entry e ON e.account_id = p.account_id AND e.kind = %(kind)s
             AND e.document_id = CASE WHEN %(kind)s = 'bill' THEN p.bill_id ELSE %(id)s END
        )
        SELECT coalesce(sum(o.amount_minor
               - CASE WHEN o.amount_minor > 0 THEN
                   coalesce((SELECT sum(a.amount_minor) FROM ledger_allocation a WHERE a.item_id = o.id), 0)
                 ELSE -coalesce((SELECT sum(a.amount_minor) FROM ledger_allocation a WHERE a.credit_id = o.id), 0)
                 END), 0)::bigint
        FROM own o
        """,
        {"id": invoice.id, "kind": kind},
        schema={"minor": pl.Int64},
    )
    return int(found["minor"][0])


def bills_of(parts: Sequence[PartRecord]) -> list[tuple[date, int]]:
    """The bills that the parts are of, in their order, each once."""
    return list(
        dict.fromkeys(
            (part.bill_month, part.bill_id)
            for part in parts
            if part.bill_month is not None and part.bill_id is not None
        )
    )
