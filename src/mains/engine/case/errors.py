"""What is never the fault of a case."""

from mains.kernel.errors import MainsError


class UnableToAgree(MainsError):
    """The two interpreters gave different bills: a fault of Mains, never of the case."""
