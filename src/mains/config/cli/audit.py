"""`mains audit`: who changed what, and the proof that nobody altered the log."""

from typing import Annotated

import typer

from mains.config.cli.tables import Column, print_table
from mains.config.start import start_django

app = typer.Typer(no_args_is_help=True)


@app.command()
def check() -> None:
    """Walk the chain of hashes. Exit code 1 when an entry or what it changed was altered, added or lost."""
    start_django()
    from mains.staff.queries.audit import check_audit, last_hash

    count, faults = check_audit()
    for fault in faults:
        typer.echo(f"Entry {fault.entry_id}: {fault.what}.", err=True)
    number, digest = last_hash()
    if faults:
        raise typer.Exit(1)
    typer.echo(f"{count:,} entries, each chained to the one before. Last: {number} {digest}")
    typer.echo("Keep number and hash elsewhere: a log that was cut at its end is told by them.")


@app.command(name="list")
def list_all(
    person: Annotated[str, typer.Option(help="Only of this user name.")] = "",
    path: Annotated[str, typer.Option(help="Only addresses that begin so, as /accounts/0012.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 50,
) -> None:
    """The latest entries with what each changed."""
    start_django()
    from mains.staff.queries.audit import AuditFilter, list_entries

    found = list_entries(chosen=AuditFilter(person=person, path=path), limit=limit)
    rows = [
        (
            str(entry.id),
            f"{entry.at:%Y-%m-%d %H:%M:%S}",
            entry.person,
            entry.operation,
            entry.path,
            str(entry.status),
            entry.reason,
            "; ".join(f"{row.table} {row.row_id}" for row in entry.rows[:5]),
        )
        for entry in found
    ]
    columns = ["No", "When", "Person", "Operation", "Address", "Status", "Reason", "Changed"]
    print_table([Column(each) for each in columns], rows, empty="No entry.")
