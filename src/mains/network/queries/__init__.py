"""Reads of the network context, one module per purpose."""
