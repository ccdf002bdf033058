"""Reads of the tariffs context, one module per purpose."""
