"""Writes: what sellers and buyers state of themselves."""
