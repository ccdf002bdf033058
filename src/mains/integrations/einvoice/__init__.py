"""Electronic invoices made from posted bills."""
