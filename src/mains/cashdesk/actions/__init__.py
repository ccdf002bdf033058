"""Writes of cash desks."""
