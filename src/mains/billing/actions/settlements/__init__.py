"""Settle with an account that moves out: final readings, the change of payer and the final bill in one transaction.

The bill has the account's days of the open month and every correction of earlier months at once. The monthly run then
posts nothing more for these days, unless other facts become known.
"""

from mains.billing.actions.open_month import FinalReading
from mains.billing.actions.settlements.orders import MoveOrder, UnableToSettle, list_supplies
from mains.billing.actions.settlements.settling import Settlement, preview_settlement, settle

__all__ = [
    "FinalReading",
    "MoveOrder",
    "Settlement",
    "UnableToSettle",
    "list_supplies",
    "preview_settlement",
    "settle",
]
