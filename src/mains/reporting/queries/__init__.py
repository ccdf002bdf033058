"""Reads of the reporting context, one module per purpose."""
