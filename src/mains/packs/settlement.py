"""Money that a demo utility collects for others: its contracts, and the settlements of months that are over."""

from calendar import monthrange
from datetime import datetime

from mains.packs.definition import Pack
from mains.settlement.actions.contracts import import_contracts, import_payees
from mains.settlement.actions.orders import approve_order
from mains.settlement.actions.settling import settle
from mains.settlement.queries.parties import list_contracts
from mains.settlement.queries.statements import list_settlements
from mains.settlement.values import OrderState
from mains.staff.queries.names import find_user_id

APPROVER = "accountant"
"""A login of every demo that may settle."""


def state_settlement(*, pack: Pack, now: datetime) -> None:
    """State the pack's contracts and payees, once."""
    if list_contracts():
        return
    place = f"{pack.code}/pack.yaml, settlement"
    texts = [
        [{name: str(value) for name, value in row.items()} for row in rows]
        for rows in (pack.settlement.contracts, pack.settlement.payees)
    ]
    import_contracts(rows=texts[0], actor=None, now=now, file_name=place)
    import_payees(rows=texts[1], actor=None, now=now, file_name=place)


def settle_months(*, pack: Pack, now: datetime) -> None:
    """Settle the billed months one after the other; the accountant approves all but the last, which waits."""
    if list_settlements(limit=1):
        return
    approver = find_user_id(user_name=APPROVER)
    if approver is None:
        return
    ends = [month.replace(day=monthrange(month.year, month.month)[1]) for month in pack.billing.months]
    for through in [end for end in ends if end < now.date()]:
        for row in list_settlements():
            if row.order_id is not None and row.state == OrderState.PREPARED:
                approve_order(order_id=row.order_id, execute_on=now.date(), now=now, actor_id=approver)
        settle(through=through, now=now)
