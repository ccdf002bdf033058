"""Statements that run a hundred times a second are planned once a connection, whatever the size of their values."""

import pytest
from django.db import connection

from mains.base.prepared_rows import fetch_prepared

pytestmark = pytest.mark.django_db

_STATEMENT = "SELECT %(number)s::bigint + cardinality(%(list)s::bigint[]) AS once_a_connection"


def test_one_plan_for_values_of_any_size():
    for number in (1, 70_000, 2**40):
        assert fetch_prepared(_STATEMENT, {"number": number, "list": [number, 1]}) == [(number + 2,)]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT generic_plans + custom_plans FROM pg_prepared_statements WHERE statement LIKE '%once_a_connection%'"
        )
        assert cursor.fetchall() == [(3,)]


def test_nothing_else_is_prepared():
    fetch_prepared(_STATEMENT, {"number": 1, "list": []})
    with connection.cursor() as cursor:
        for _ in range(10):
            cursor.execute("SELECT %s AS asked_ten_times", [1])
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%asked_ten_times%'")
        assert cursor.fetchall() == [(0,)]
