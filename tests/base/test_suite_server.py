"""The suite itself: tests that commit leave empty tables behind, guarded ones too."""

import pytest
from django.core.management.color import no_style
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext


@pytest.mark.django_db(transaction=True)
def test_tables_are_emptied_and_guarded_again() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE IF NOT EXISTS guarded (n int);"
            " CREATE TRIGGER no_truncate BEFORE TRUNCATE ON guarded EXECUTE FUNCTION mains_append_only();"
        )
    try:
        statements = connection.ops.sql_flush(no_style(), ["guarded"])
        with CaptureQueriesContext(connection) as queries:
            connection.ops.execute_sql_flush(statements)
        assert any("TRUNCATE" in query["sql"] for query in queries)
        with pytest.raises(DatabaseError, match="append-only"), connection.cursor() as cursor:
            cursor.execute("TRUNCATE guarded")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE guarded")
