"""Writes of the payments context, one module per purpose."""
