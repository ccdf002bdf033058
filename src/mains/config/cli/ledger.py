"""`mains ledger`: whether the books are sound."""

import typer

from mains.config.cli.tables import amount_text
from mains.config.start import start_django

app = typer.Typer(no_args_is_help=True)


@app.callback()
def ledger() -> None:
    """Whether the books are sound."""


@app.command()
def check() -> None:
    """Ask the database for every breach of the ledger's invariants; exit code 1 when there is one."""
    start_django()
    from mains.ledger.queries import invariants as ledger_invariants
    from mains.payments.queries import invariants as payment_invariants

    found = [*ledger_invariants.find_breaches(), *payment_invariants.find_breaches()]
    broken = {breach.check for breach in found}
    for name in (*ledger_invariants.CHECKS, *payment_invariants.CHECKS):
        typer.echo(f"{'BROKEN' if name in broken else 'ok    '}  {name}")
    for breach in found:
        typer.echo(f"{breach.check}: {breach.place}, off by {amount_text(breach.off_by_minor)}", err=True)
    raise typer.Exit(1 if found else 0)
