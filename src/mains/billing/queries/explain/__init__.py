"""Why an amount is what it is: bills computed again, exactly, from the facts their run knew."""

from mains.billing.queries.explain.bills import (
    BillExplanation,
    LineExplanation,
    UnableToExplain,
    explain_bill,
    explain_bill_line,
    explain_line,
)

__all__ = [
    "BillExplanation",
    "LineExplanation",
    "UnableToExplain",
    "explain_bill",
    "explain_bill_line",
    "explain_line",
]
