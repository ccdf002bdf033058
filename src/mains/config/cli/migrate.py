"""`mains migrate`."""

import typer

from mains.config.start import apply_migrations, start_django


def migrate() -> None:
    """Bring the tables up to date and say what was done."""
    start_django(need_tables=False)
    applied = apply_migrations()
    for name in applied:
        typer.echo(name)
    typer.echo(f"{len(applied)} migrations applied." if applied else "The tables are up to date.")
