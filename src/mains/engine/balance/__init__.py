"""Balances of network nodes that have a meter of their own: remainder, allocation, loss."""

from mains.engine.balance.columns import Balances, balance_months
from mains.engine.balance.reach import Reach, find_reach
from mains.engine.balance.values import AllocationKey, NegativeRule, UnableToBalance

__all__ = [
    "AllocationKey",
    "Balances",
    "NegativeRule",
    "Reach",
    "UnableToBalance",
    "balance_months",
    "find_reach",
]
