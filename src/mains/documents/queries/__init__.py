"""Reads of the documents context, one module per purpose."""
