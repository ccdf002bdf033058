"""Reads of direct debits."""
