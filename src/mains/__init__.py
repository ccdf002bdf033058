"""Mains: the operating system of a utility."""

__version__ = "0.1.0"
