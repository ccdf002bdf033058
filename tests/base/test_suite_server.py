"""The suite itself: tables emptied after tests that commit, templates made once, long modules first."""

from pathlib import Path

import pytest
from django.core.management.color import no_style
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from pytest_django.plugin import DjangoDbBlocker

from longest_modules import LONGEST, running_order
from mains.staff.models import Organisation
from template_databases import connected_copy, filled


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


def test_long_modules_begin_first_and_tests_keep_their_order(repository: Path) -> None:
    assert [name for name in LONGEST if not (repository / name).is_file()] == []
    modules = ["a.py", "b.py", "b.py", LONGEST[1], LONGEST[0]]
    assert sorted(modules, key=running_order(modules)) == [LONGEST[0], LONGEST[1], "b.py", "b.py", "a.py"]


def test_what_one_worker_makes_the_next_one_finds(django_db_blocker: DjangoDbBlocker) -> None:
    """A template is filled once, from an empty utility; a copy is written to, and the template stays as it was."""
    filled_times: list[str] = []

    def fill() -> dict[str, int]:
        filled_times.append(Organisation.objects.create(code="U", name="Utility", kind="utility").code)
        return {"organisations": Organisation.objects.count()}

    with django_db_blocker.unblock():
        usual = connection.settings_dict["NAME"]
        first, again = filled("suite_server", fill), filled("suite_server", fill)
        assert first == again == ("template_suite_server", {"organisations": 1})
        assert filled_times == ["U"]
        for _ in range(2):
            with connected_copy(first[0]) as name:
                assert connection.settings_dict["NAME"] == name != first[0]
                Organisation.objects.create(code="B", name="Branch", kind="branch")
                assert Organisation.objects.count() == 2
        assert connection.settings_dict["NAME"] == usual
