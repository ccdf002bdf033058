"""Reads of the context."""
