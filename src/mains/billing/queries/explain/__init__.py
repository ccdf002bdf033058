"""Why an amount is what it is: bills computed again, exactly, from the facts their run knew."""

from mains.billing.queries.explain.bills import (
    UnableToExplain,
    explain_bill,
    explain_bill_line,
    explain_causes,
    explain_line,
)
from mains.billing.queries.explain.cause_kinds import Cause
from mains.billing.queries.explain.changes import (
    BillChange,
    ChangeStep,
    CorrectionChange,
    explain_change,
    explain_corrections,
)
from mains.billing.queries.explain.results import BillExplanation, LineExplanation

__all__ = [
    "BillChange",
    "BillExplanation",
    "Cause",
    "ChangeStep",
    "CorrectionChange",
    "LineExplanation",
    "UnableToExplain",
    "explain_bill",
    "explain_bill_line",
    "explain_causes",
    "explain_change",
    "explain_corrections",
    "explain_line",
]
