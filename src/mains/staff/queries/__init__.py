"""Reads of the staff context, one module per purpose."""
