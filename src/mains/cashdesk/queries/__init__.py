"""Reads of cash desks."""
