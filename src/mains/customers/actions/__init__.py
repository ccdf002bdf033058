"""Writes of the customers context, one module per purpose."""
