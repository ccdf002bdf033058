"""Book payment orders that a bank statement shows as paid."""

from datetime import datetime

import polars as pl
from django.db import transaction

from mains.base.columns import fetch_frame
from mains.payments.actions.bank_booking import book_ordered_line
from mains.settlement.models import OrderEvent
from mains.settlement.values import OrderState

# A line belongs to an order by its end-to-end reference, in its own field or in the words. A bank that drops the
# reference still names the other account: that counts where one order and one line fit each other.
_FOUND = """
    WITH sent AS (
        SELECT o.id, o.end_to_end_id, o.account, o.amount_minor
        FROM settlement_paymentorder o
        WHERE EXISTS (SELECT FROM settlement_orderevent e WHERE e.order_id = o.id AND e.state = 'approved')
          AND NOT EXISTS (SELECT FROM settlement_orderevent e WHERE e.order_id = o.id
                          AND e.state IN ('booked', 'returned'))
    ),
    lines AS (
        SELECT t.id, t.amount_minor, t.end_to_end_id, t.remittance, replace(t.payer_account, ' ', '') AS account
        FROM payments_banktransaction t JOIN payments_bankstatement s ON s.id = t.statement_id
        JOIN payments_bankfile f ON f.id = s.file_id
        WHERE f.status = 'accepted' AND t.state = 'waiting' AND t.amount_minor < 0
          AND NOT EXISTS (SELECT FROM payments_bankbooking b WHERE b.transaction_id = t.id)
    ),
    pairs AS (
        SELECT o.id AS order_id, l.id AS line_id, o.end_to_end_id = l.end_to_end_id
               OR l.remittance ~ ('(^|[^0-9A-Za-z])' || o.end_to_end_id || '($|[^0-9A-Za-z])') AS is_named,
               o.account = l.account AS is_account
        FROM sent o JOIN lines l ON l.amount_minor = -o.amount_minor
    ),
    counted AS (
        SELECT *, count(*) OVER (PARTITION BY order_id, is_named) AS lines_of_order,
               count(*) OVER (PARTITION BY line_id, is_named) AS orders_of_line
        FROM pairs WHERE is_named OR is_account
    )
    SELECT order_id, line_id FROM counted WHERE lines_of_order = 1 AND orders_of_line = 1
    ORDER BY is_named DESC, order_id
"""


def book_paid_orders(*, now: datetime) -> int:
    """Book the orders that lines of accepted bank files name, once each; how many.

    A line of another amount than its order, or one of several that fit without a reference, waits for the accountant.
    """
    with transaction.atomic():
        found = fetch_frame(_FOUND, schema={"order_id": pl.Int64, "line_id": pl.Int64})
        orders: set[int] = set()
        lines: set[int] = set()
        for order_id, line_id in found.iter_rows():
            if order_id in orders or line_id in lines:
                continue
            orders.add(order_id)
            lines.add(line_id)
            OrderEvent.objects.create(
                order_id=order_id, state=OrderState.BOOKED, bank_transaction_id=line_id, recorded_at=now
            )
            payee_id = OrderEvent.objects.values_list("order__party_id", flat=True).filter(order_id=order_id)[
                0
            ]
            book_ordered_line(transaction_id=line_id, payee_id=payee_id, now=now)
        return len(orders)
