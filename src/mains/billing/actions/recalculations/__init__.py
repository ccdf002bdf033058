"""Recalculate billed months between two monthly runs: what the facts now say less what was posted, in the open month.

A recalculation of all touched accounts is planned, cut into slices and posted as a monthly run is. That of one account
is a single transaction: all of it is kept, or nothing.
"""

from mains.billing.actions.recalculations.all_accounts import (
    list_cycles,
    plan_recalculation,
    posted_by,
    preview_recalculation,
    recalculate,
)
from mains.billing.actions.recalculations.one_account import (
    UnableToRecalculate,
    preview_account,
    recalculate_account,
)
from mains.billing.actions.recalculations.stages import Recalculation

__all__ = [
    "Recalculation",
    "UnableToRecalculate",
    "list_cycles",
    "plan_recalculation",
    "posted_by",
    "preview_account",
    "preview_recalculation",
    "recalculate",
    "recalculate_account",
]
