"""VAT that falls due with advances: rates by provider and service, and what is due on what is left of each advance."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import polars as pl

from mains.base.columns import fetch_frame
from mains.base.rows import fetch_rows
from mains.invoicing.models import AdvanceVat
from mains.invoicing.values import vat_inside
from mains.kernel.invoice_numbers import invoice_number


@dataclass(frozen=True)
class VatRecord:
    """The rate of VAT of advances for a provider's service since a day."""

    provider_name: str
    service: str
    rate_ppm: int
    valid_from: date
    valid_to: date | None
    proof: str

    @property
    def percent(self) -> Decimal:
        return Decimal(self.rate_ppm).scaleb(-4)


@dataclass(frozen=True, kw_only=True)
class UsedAdvance:
    """What a bill used of one advance, of which VAT; minor units."""

    number: str
    issued_on: date
    used_minor: int
    vat_minor: int


def list_advance_vat() -> list[VatRecord]:
    """What is stated, by provider, service and date."""
    return fetch_rows(
        VatRecord,
        """
        SELECT p.name, v.service, v.rate_ppm, lower(v.valid), upper(v.valid), v.proof
        FROM invoicing_advancevat v JOIN customers_party p ON p.id = v.provider_id
        WHERE v.superseded_at IS NULL ORDER BY 1, 2, 4
        """,
        {},
    )


def list_providers() -> list[tuple[int, str]]:
    """The parties that supply anybody: id and name, by name."""
    found = fetch_frame(
        "SELECT id, name FROM customers_party p WHERE EXISTS"
        " (SELECT FROM customers_agreement g WHERE g.provider_id = p.id) ORDER BY 2, 1",
        schema={"id": pl.Int64, "name": pl.String},
    )
    return list(found.iter_rows())


def vat_of_advance(*, provider_id: int, service: str, on_date: date) -> int | None:
    """The rate that holds on the day, in millionths; None where advances bear no VAT."""
    found = AdvanceVat.objects.filter(
        provider_id=provider_id, service=service, superseded_at=None, valid__contains=on_date
    )
    return found.values_list("rate_ppm", flat=True).first()


def list_due_vat() -> pl.DataFrame:
    """Advances whose VAT stands otherwise in the ledger than what is left of them asks for.

    Columns advance_id, organisation_id, provider_id, service, last_on (of the last movement), due_minor, posted_minor,
    parts (posted so far).
    """
    found = fetch_frame(
        """
        WITH left_over AS (
            SELECT m.advance_id, m.organisation_id, m.provider_id, m.service, max(m.business_date) AS last_on,
                   sum(m.amount_minor)::bigint AS minor
            FROM ledger_advancemovement m GROUP BY 1, 2, 3, 4
        ), posted AS (
            SELECT t.source_id, count(DISTINCT t.id) AS parts, sum(p.amount_minor)::bigint AS minor
            FROM ledger_transaction t JOIN ledger_posting p ON p.transaction_id = t.id
            WHERE t.kind = 'advance_tax' AND p.control = 'advance_tax' GROUP BY 1
        )
        SELECT l.advance_id, l.organisation_id, l.provider_id, l.service, l.last_on, l.minor, i.vat_ppm,
               coalesce(p.minor, 0), coalesce(p.parts, 0)
        FROM left_over l JOIN invoicing_invoicepart i ON i.invoice_id = l.advance_id AND i.vat_ppm > 0
        LEFT JOIN posted p ON p.source_id = l.advance_id
        WHERE l.minor <> 0 OR coalesce(p.minor, 0) <> 0 ORDER BY 1
        """,
        schema={
            "advance_id": pl.Int64,
            "organisation_id": pl.Int64,
            "provider_id": pl.Int64,
            "service": pl.String,
            "last_on": pl.Date,
            "left_minor": pl.Int64,
            "vat_ppm": pl.Int64,
            "posted_minor": pl.Int64,
            "parts": pl.Int64,
        },
    )
    due = [
        vat_inside(gross_minor=left, rate_ppm=rate)
        for left, rate in found.select("left_minor", "vat_ppm").iter_rows()
    ]
    return (
        found.with_columns(due_minor=pl.Series(due, dtype=pl.Int64))
        .filter(pl.col("due_minor") != pl.col("posted_minor"))
        .drop("left_minor", "vat_ppm")
    )


def list_used_advances(*, account_id: int, bill_id: int) -> list[UsedAdvance]:
    """The advances that a bill used, in the order of their numbers."""
    found = fetch_frame(
        """
        SELECT m.advance_id, i.issued_on, (-sum(m.amount_minor))::bigint, coalesce(max(p.vat_ppm), 0)::bigint
        FROM ledger_advancemovement m
        JOIN ledger_entry e ON e.account_id = m.account_id AND e.id = m.item_id AND e.kind = 'bill'
        JOIN invoicing_invoice i ON i.id = m.advance_id JOIN invoicing_invoicepart p ON p.invoice_id = i.id
        WHERE m.account_id = %(account)s AND e.document_id = %(bill)s AND m.kind = 'drawn'
        GROUP BY 1, 2 ORDER BY 1
        """,
        {"account": account_id, "bill": bill_id},
        schema={"advance_id": pl.Int64, "issued_on": pl.Date, "used": pl.Int64, "ppm": pl.Int64},
    )
    return [
        UsedAdvance(
            number=invoice_number("advance", advance_id),
            issued_on=issued_on,
            used_minor=used,
            vat_minor=vat_inside(gross_minor=used, rate_ppm=ppm),
        )
        for advance_id, issued_on, used, ppm in found.iter_rows()
    ]
