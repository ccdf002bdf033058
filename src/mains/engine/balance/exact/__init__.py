"""The balance of one node in one month, day by day in plain Python: the exact twin of `columns.py` and `reach.py`.

It shares no code with them. What it finds on the way is kept, for the explanation of a share.
"""

from mains.engine.balance.exact.facts import (
    Absence,
    Days,
    ExactBalance,
    MemberFacts,
    Placement,
    RestPoint,
    Rule,
    State,
)
from mains.engine.balance.exact.node import balance_node
from mains.engine.balance.exact.tree import Tree

__all__ = [
    "Absence",
    "Days",
    "ExactBalance",
    "MemberFacts",
    "Placement",
    "RestPoint",
    "Rule",
    "State",
    "Tree",
    "balance_node",
]
