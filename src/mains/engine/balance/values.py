"""Words of balances, shared by the column computation and its exact twin: names only, no arithmetic."""

from enum import StrEnum

from mains.kernel.errors import MainsError


class AllocationKey(StrEnum):
    """By what a node's remainder is shared among the service points below it; NONE: it stays a loss."""

    AREA = "area"
    USE = "use"
    RESIDENTS = "residents"
    EQUAL = "equal"
    NONE = "none"


class NegativeRule(StrEnum):
    """What becomes of a month in which the members used more than their node: given back by the key, carried into
    the next month of the same year, or left out."""

    GIVE_BACK = "give_back"
    CARRY = "carry"
    ZERO = "zero"


class UnableToBalance(MainsError):
    """The figures of a node exceed what 64 bits can hold."""
