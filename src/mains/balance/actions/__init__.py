"""Writes of the balance context, one module per purpose."""
