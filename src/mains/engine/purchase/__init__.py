"""Prepayment: how much a sum of money buys, the exact inverse of a tariff, by two implementations."""

from mains.engine.purchase.columns import buy_columns
from mains.engine.purchase.exact import Purchase, buy_exact

__all__ = ["Purchase", "buy_columns", "buy_exact"]
