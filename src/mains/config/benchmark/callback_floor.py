"""The least that booking call-backs can take: the rows that they left, inserted again at the same rate by the database
alone, a transaction each, into tables with the same indexes and no rules."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import quantiles
from typing import Any

import psycopg
from django.db import connection

from mains.base.db import connection_url

_HANDS = 8
_TABLES = ("payments_receipt", "ledger_transaction", "ledger_posting", "ledger_entry", "ledger_allocation")
_AGAIN = """
    WITH receipt AS (
        INSERT INTO floor_payments_receipt
        SELECT r.* FROM payments_receipt r JOIN payments_paymentorder o ON o.receipt_id = r.id
        WHERE o.number = %(number)s::text
        RETURNING id, account_id
    ), posted AS (
        INSERT INTO floor_ledger_transaction
        SELECT t.* FROM ledger_transaction t, receipt
        WHERE t.kind = 'online_payment' AND t.source_id = receipt.id AND t.part = 0
        RETURNING id
    ), posting AS (
        INSERT INTO floor_ledger_posting
        SELECT p.* FROM ledger_posting p, posted WHERE p.transaction_id = posted.id
    ), entry AS (
        INSERT INTO floor_ledger_entry
        SELECT e.* FROM ledger_entry e, receipt, posted
        WHERE e.account_id = receipt.account_id AND e.transaction_id = posted.id
        RETURNING id
    )
    INSERT INTO floor_ledger_allocation
    SELECT a.* FROM ledger_allocation a, receipt
    WHERE a.account_id = receipt.account_id AND a.credit_id IN (SELECT id FROM entry)
"""


def floor_p95_ms(*, numbers: Sequence[str], rate: int) -> float:
    """Milliseconds from the moment at which the rows of an order were due to be inserted until they were committed, at
    the 95th of a hundred; open loop, `rate` orders a second."""
    with connection.cursor() as cursor:
        for table in _TABLES:
            cursor.execute(f"CREATE TABLE floor_{table} (LIKE {table} INCLUDING INDEXES)")
    with ThreadPoolExecutor(_HANDS) as hands:
        connections = [psycopg.connect(connection_url(), autocommit=True) for _ in range(_HANDS)]
        idle = list(connections)

        def insert(number: str, due: float) -> float:
            server: psycopg.Connection[Any] = idle.pop()
            server.execute(_AGAIN, {"number": number}, prepare=True)
            idle.append(server)
            return time.perf_counter() - due

        began = time.perf_counter()
        waiting = []
        for place, number in enumerate(numbers):
            due = began + place / rate
            time.sleep(max(due - time.perf_counter(), 0))
            waiting.append(hands.submit(insert, number, due))
        times = [one.result() * 1000 for one in waiting]
        for server in connections:
            server.close()
    return round(quantiles(times, n=100, method="inclusive")[94], 1)
