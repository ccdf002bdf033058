"""Invoices above the bills on paper and as tables: a summary and a row for every account."""

from mains.reporting.queries.invoice_paper.paper import bills_of_invoice_pdf, invoice_pdf
from mains.reporting.queries.invoice_paper.tables import invoice_csv, invoice_xlsx

__all__ = ["bills_of_invoice_pdf", "invoice_csv", "invoice_pdf", "invoice_xlsx"]
