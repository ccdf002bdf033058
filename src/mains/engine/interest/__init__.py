"""Interest on late payment: dated rules on open items, by two implementations that share no code."""

from mains.engine.interest.columns import interest_columns
from mains.engine.interest.exact import interest_exact
from mains.engine.interest.model import InterestRule, OpenItem, Payment
from mains.engine.interest.read import UnableToReadInterest, read_interest

__all__ = [
    "InterestRule",
    "OpenItem",
    "Payment",
    "UnableToReadInterest",
    "interest_columns",
    "interest_exact",
    "read_interest",
]
