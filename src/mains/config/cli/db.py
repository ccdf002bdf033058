"""`mains db`: the embedded database server."""

import os

import typer

from mains.base import embedded
from mains.base.address import database_address
from mains.config.start import start_database
from mains.kernel.errors import MainsError

app = typer.Typer(no_args_is_help=True)


class UnableToRunPsql(MainsError):
    """No psql program on this machine."""


@app.command()
def start() -> None:
    """Start the server and create the database; nothing happens when it runs."""
    _refuse_outside_server()
    typer.echo(f"Running: {start_database().url()}")


@app.command()
def stop() -> None:
    """Stop the server. Open sessions end; committed data stays."""
    _refuse_outside_server()
    typer.echo("Stopped." if embedded.stop() else "It was not running.")


@app.command()
def status() -> None:
    """Say whether the server runs; the exit code is 0 when it does and 1 when not."""
    _refuse_outside_server()
    running = embedded.is_running()
    typer.echo("Running." if running else "Not running.")
    raise typer.Exit(0 if running else 1)


@app.command()
def url() -> None:
    """Print the database's address for other programs."""
    typer.echo(database_address().url())


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def psql(context: typer.Context) -> None:
    """Open psql on the database; further arguments go to psql."""
    address = start_database()
    program = embedded.client_program("psql")
    if program is None:
        raise UnableToRunPsql(
            code="no-psql",
            message="The program psql is not on this machine.",
            remedy="Install it (Debian: apt-get install postgresql-client).",
        )
    os.execv(program, ["psql", address.url(), *context.args])  # noqa: S606 -- replaces this process on purpose


def _refuse_outside_server() -> None:
    if not database_address().is_embedded:
        raise MainsError(
            code="outside-server",
            message="DATABASE_URL names an outside server, which Mains neither starts nor stops.",
            place="environment variable DATABASE_URL",
            remedy="Unset DATABASE_URL to use the embedded server.",
        )
