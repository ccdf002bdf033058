"""Order approved refunds at the bank: one pain.001 for those that wait, kept with what it ordered."""

from datetime import date, datetime

from mains.debt.actions.refunds import OrderedRefunds, keep_orders
from mains.debt.queries.movements import list_refunds_to_pay
from mains.debt.values import RefundWay
from mains.integrations.payment_orders.credit_transfers import write_credit_transfers
from mains.integrations.payment_orders.values import (
    BankParty,
    CreditTransfer,
    FileHead,
    TransferBatch,
    UnableToWritePaymentOrders,
)
from mains.staff.values import EVERYTHING, Scope
from mains.tariffs.queries.records import currency_of_utility


def order_refunds(
    *,
    debtor: BankParty,
    execute_on: date,
    now: datetime,
    actor_id: int | None,
    scope: Scope = EVERYTHING,
) -> OrderedRefunds:
    """A file of payment orders for every approved refund by bank that waits, each ordered once.

    The statement shows each payment by itself, so that its line finds its refund. Raises UnableToWritePaymentOrders:
    nothing waits, or a bank would refuse an account.
    """
    waiting = [one for one in list_refunds_to_pay(scope=scope) if one.way == RefundWay.BANK]
    if not waiting:
        raise UnableToWritePaymentOrders(
            code="refunds-none",
            message="No approved refund waits to be ordered.",
            place="refunds",
            remedy="Approve one first.",
        )
    identifier = f"REFUND-{now:%Y%m%d%H%M%S}-{waiting[0].id}"
    ids = {one.id: f"REFUND-{one.id}" for one in waiting}
    content = write_credit_transfers(
        head=FileHead(identifier=identifier, created_at=now, initiator=debtor.name),
        batches=[
            TransferBatch(
                identifier=f"{identifier}-1"[:35],
                debtor=debtor,
                execute_on=execute_on,
                currency=currency_of_utility(),
                is_one_booking=False,
                transfers=tuple(
                    CreditTransfer(
                        end_to_end_id=ids[one.id],
                        amount_minor=one.amount_minor,
                        creditor=BankParty(name=one.payee, iban=one.payee_account),
                        reference=f"{one.number} {one.document}"[:140],
                    )
                    for one in waiting
                ),
            )
        ],
    )
    return keep_orders(identifier=identifier, content=content, orders=ids, now=now, actor_id=actor_id)
