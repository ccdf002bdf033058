"""Writes of the billing context, one module per purpose."""
