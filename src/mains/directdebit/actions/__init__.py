"""Writes of direct debits."""
