"""Reads: a posted bill as an invoice of EN 16931, the documents made of it, and their checks."""
