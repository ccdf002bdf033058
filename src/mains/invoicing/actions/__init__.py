"""Writes of the context."""
