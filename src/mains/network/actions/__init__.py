"""Writes of the network context, one module per purpose."""
