"""Registration of the context with Django."""

from typing import Any

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate

# The log itself, and what is computed anew at will: their requests are in the log, their rows are not.
NOT_WATCHED = {
    "staff_auditchange",
    "staff_auditentry",
    "staff_signindelay",
}
_NOT_WATCHED_APPS = {"reporting", "balance"}


class StaffConfig(AppConfig):
    name = "mains.staff"
    label = "staff"

    def ready(self) -> None:
        """Watch the tables of all contexts, once they are there."""
        post_migrate.connect(_watch_tables, sender=self)


def _watch_tables(using: str, **_kept: Any) -> None:
    """Attach the trigger that notes what a request writes to every table of ours that people write row by row.

    It costs bulk writers one look at a setting per row, which is not set for them.
    """
    from django.db import connections

    tables = sorted(
        model._meta.db_table
        for config in apps.get_app_configs()
        if config.name.startswith("mains.") and config.label not in _NOT_WATCHED_APPS
        for model in config.get_models()
        if model._meta.managed and model._meta.db_table not in NOT_WATCHED
    )
    with connections[using].cursor() as cursor:
        cursor.execute(
            """
            SELECT c.relname FROM pg_class c
            WHERE c.relname = ANY(%s) AND c.relkind = 'r' AND NOT EXISTS (
                SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'audit_change')
            """,
            [tables],
        )
        for (table,) in cursor.fetchall():
            cursor.execute(
                f"CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW"
                " WHEN (coalesce(current_setting('mains.request', true), '') <> '')"
                " EXECUTE FUNCTION mains_audit_change()"
            )
