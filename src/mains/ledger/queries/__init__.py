"""Reads of the ledger context, one module per purpose."""
