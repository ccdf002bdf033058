"""Reads of the balance context, one module per purpose."""
