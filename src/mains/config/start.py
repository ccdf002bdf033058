"""What a command does before its work: database up, Django set up, tables current."""

import os

from mains.base import embedded
from mains.base.address import DatabaseAddress, database_address
from mains.kernel.errors import MainsError


class UnableToUseDatabase(MainsError):
    """The database cannot be reached, or its tables are not those of this version."""


def start_database() -> DatabaseAddress:
    """Start the embedded server unless DATABASE_URL names another one; the address of the database."""
    address = database_address()
    if not address.is_embedded:
        return address
    return embedded.ensure_running(database=address.database)


def can_start_database() -> bool:
    """Whether DATABASE_URL names a database, or this home has an embedded one; nothing is made or started."""
    return not database_address().is_embedded or embedded.is_made()


def start_django(*, need_tables: bool = True) -> None:
    """Start the database and set up Django. With `need_tables`, refuse a database with pending migrations."""
    start_database()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mains.config.settings")
    import django

    django.setup()
    if need_tables:
        pending = list_pending_migrations()
        if pending:
            raise UnableToUseDatabase(
                code="pending-migrations",
                message=f"The database lacks {len(pending)} migrations of this version, {pending[0]} first.",
                place=f"database {database_address().database}",
                remedy="Run `mains migrate`.",
                params={"pending": pending},
            )


def list_pending_migrations() -> list[str]:
    """Names (`billing.0001_initial`) of migrations that the database has not had.

    Raises UnableToUseDatabase.
    """
    from django.db import DEFAULT_DB_ALIAS, OperationalError, connections
    from django.db.migrations.executor import MigrationExecutor

    try:
        executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    except OperationalError as error:
        raise UnableToUseDatabase(
            code="no-connection",
            message=f"The database does not answer: {str(error).strip()}",
            place=os.environ.get("DATABASE_URL", "").rpartition("@")[2] or "embedded server",
            remedy="Run `mains doctor`, and check DATABASE_URL.",
        ) from error
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _backwards in plan]


def apply_migrations() -> list[str]:
    """Apply pending migrations; their names. Django is set up."""
    from django.core.management import call_command

    pending = list_pending_migrations()
    if pending:
        call_command("migrate", interactive=False, verbosity=0)
    return pending
