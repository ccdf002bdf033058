"""Balances of network nodes that have a meter of their own: remainder, allocation, loss."""

from mains.engine.balance.columns import MonthBalance, balance_month
from mains.engine.balance.reach import Reach, find_reach
from mains.engine.balance.values import AllocationKey, NegativeRule, UnableToBalance

__all__ = [
    "AllocationKey",
    "MonthBalance",
    "NegativeRule",
    "Reach",
    "UnableToBalance",
    "balance_month",
    "find_reach",
]
