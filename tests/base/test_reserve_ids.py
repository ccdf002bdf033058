"""Blocks of ids are each caller's alone, also while others draw single ids."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from mains.base.columns import reserve_ids


def draw_blocks(_: int) -> list[int]:
    try:
        return [each for _ in range(20) for each in reserve_ids("ledger_transaction_id_seq", 50)]
    finally:
        connection.close()


def draw_singles(_: int) -> list[int]:
    try:
        with connection.cursor() as cursor:
            found = []
            for _ in range(2000):
                cursor.execute("SELECT nextval('ledger_transaction_id_seq')")
                found.append(cursor.fetchone()[0])
            return found
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_no_id_is_given_twice():
    with ThreadPoolExecutor(4) as pool:
        drawn = [*pool.map(draw_blocks, range(2)), *pool.map(draw_singles, range(2))]
    ids = [each for part in drawn for each in part]
    assert len(ids) == len(set(ids))


@pytest.mark.django_db
def test_a_block_is_consecutive():
    block = reserve_ids("ledger_entry_id_seq", 1000)
    assert len(block) == 1000
    assert reserve_ids("ledger_entry_id_seq", 1).start >= block.stop
