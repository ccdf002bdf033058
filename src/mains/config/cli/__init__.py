"""The command line. Each command lives in its own module and is loaded only when it is called."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from types import MappingProxyType

import typer

from mains.kernel.errors import MainsError


@dataclass(frozen=True)
class Entry:
    """Where a command is:

    `module:attribute` is a Typer application or a function. `help` is shown without loading it.
    """

    target: str
    help: str


_PACKAGE = "mains.config.cli"
_LOST = (
    "server closed the connection",
    "could not connect",
    "connection to server",
    "no connection to the server",
)
COMMANDS: Mapping[str, Entry] = MappingProxyType(
    {
        "demo": Entry(f"{_PACKAGE}.demo:app", "Build a demo utility, bill it, and open the office."),
        "bill": Entry(f"{_PACKAGE}.bill:app", "Run bills and look at them."),
        "recalculate": Entry(
            f"{_PACKAGE}.recalculate:app", "Correct billed months by what became known since."
        ),
        "settle": Entry(
            f"{_PACKAGE}.settle:app", "Settle with an account that moves out, and let the next one begin."
        ),
        "whatif": Entry(
            f"{_PACKAGE}.whatif:whatif", "Try a draft tariff over the whole utility; posts nothing."
        ),
        "explain": Entry(f"{_PACKAGE}.explain:app", "Show how every amount of a bill came about."),
        "replay": Entry(
            f"{_PACKAGE}.replay:app", "Compute bills again with the exact interpreter and compare."
        ),
        "rate": Entry(f"{_PACKAGE}.rate:app", "Price a self-contained case file; no database needed."),
        "registry": Entry(f"{_PACKAGE}.registry:app", "Import the registry, list its gaps, show its trees."),
        "people": Entry(f"{_PACKAGE}.people:app", "People, their roles, and how they sign in."),
        "audit": Entry(f"{_PACKAGE}.audit:app", "Who changed what, and that nobody altered the log."),
        "reading": Entry(f"{_PACKAGE}.reading:app", "Record and import meter readings."),
        "ledger": Entry(f"{_PACKAGE}.ledger:app", "Check that the books are sound."),
        "plans": Entry(f"{_PACKAGE}.plans:app", "Agree on instalment plans and watch them."),
        "payments": Entry(f"{_PACKAGE}.payments:app", "Import payment registers and allocate them."),
        "desk": Entry(
            f"{_PACKAGE}.desk:app", "Set up cash desks, list their shifts, record what safes hold."
        ),
        "bank": Entry(f"{_PACKAGE}.bank:app", "Import statements of banks and compare balances with them."),
        "agents": Entry(
            f"{_PACKAGE}.agents:app", "Agents online: tokens, the day compared, money passed on."
        ),
        "online": Entry(f"{_PACKAGE}.online:app", "Wallets and cards by redirect: channels and orders."),
        "settlement": Entry(f"{_PACKAGE}.settlement:app", "Split money collected for others and pass it on."),
        "einvoice": Entry(
            f"{_PACKAGE}.einvoice:app", "Write bills as electronic invoices and validate such."
        ),
        "invoice": Entry(
            f"{_PACKAGE}.invoice:app", "Collective, shared and advance invoices, and what follows from them."
        ),
        "archive": Entry(
            f"{_PACKAGE}.archive:app",
            "The archive: check files, take e-mail in, dispose of what is past its time.",
        ),
        "report": Entry(f"{_PACKAGE}.report:app", "Print statements and reports."),
        "tariff": Entry(f"{_PACKAGE}.tariff:app", "List, check, compare and publish tariffs."),
        "serve": Entry(f"{_PACKAGE}.serve:serve", "Serve the office web."),
        "worker": Entry(f"{_PACKAGE}.worker:worker", "Do the long work that pages ask for."),
        "migrate": Entry(f"{_PACKAGE}.migrate:migrate", "Bring the database's tables up to date."),
        "debit": Entry(
            f"{_PACKAGE}.debit:app", "Collect by direct debit: mandates, files to banks, returns."
        ),
        "drill": Entry(f"{_PACKAGE}.drill:app", "Break things on purpose, and count what is lost."),
        "db": Entry(f"{_PACKAGE}.db:app", "Start, stop and look at the embedded database server."),
        "doctor": Entry(f"{_PACKAGE}.doctor:doctor", "Say what is missing or misconfigured, and the remedy."),
        "bench": Entry(f"{_PACKAGE}.bench:app", "Measure speed at the size of a whole utility."),
        "i18n": Entry(f"{_PACKAGE}.i18n:app", "Extract, compile and check translations."),
    }
)
"""Every command by name. One whose module does not exist is not shown."""


def main() -> None:
    """Run the command line. Expected errors end with exit code 2 and no traceback."""
    called = next((argument for argument in sys.argv[1:] if not argument.startswith("-")), None)
    try:
        build_application(called=called)()
    except MainsError as error:
        print_error(error)
        sys.exit(2)
    except BrokenPipeError:
        # The reader of our output, `head` say, has seen enough.
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:
        if not is_lost_database(error):
            raise
        reason = str(error).strip().splitlines()[0]
        print_error(
            MainsError(
                code="database-lost",
                message=f"The database cannot be reached or ended the connection: {reason}",
                remedy="Nothing half-done was stored. Run the command again; `mains doctor` says what is wrong.",
            )
        )
        sys.exit(2)


def is_lost_database(error: BaseException) -> bool:
    """Whether an error, of any of the drivers, says that the server went away. Loads no driver."""
    # Classes 08 (connection) and 57P (operator intervention) of PostgreSQL's error codes.
    state = str(getattr(error, "sqlstate", None) or getattr(error.__cause__, "sqlstate", None) or "")
    if state:
        return state.startswith(("08", "57P"))
    kinds = {f"{kind.__module__.split('.')[0]}.{kind.__name__}" for kind in type(error).__mro__}
    if kinds & {"psycopg.OperationalError", "django.OperationalError", "psycopg_pool.PoolTimeout"}:
        return True
    return "adbc_driver_manager.Error" in kinds and any(sign in str(error) for sign in _LOST)


def build_application(*, called: str | None) -> typer.Typer:
    """The application with command `called` loaded;

    the others are names with a line of help, which takes no time.
    """
    application = typer.Typer(
        name="mains",
        help="Mains: the operating system of a utility.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    application.callback()(_options)
    for name, entry in COMMANDS.items():
        if not _exists(entry):
            continue
        if name == called:
            _add(application, name, entry)
        else:
            application.command(name, help=entry.help)(_not_loaded)
    return application


def print_error(error: MainsError) -> None:
    """Show message, place and remedy on the error stream."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)
    console.print(f"Error: {error.message}", style="bold red")
    if error.place:
        console.print(f"Where: {error.place}")
    if error.remedy:
        console.print(f"What to do: {error.remedy}")


def _add(application: typer.Typer, name: str, entry: Entry) -> None:
    module, attribute = entry.target.split(":")
    loaded = getattr(import_module(module), attribute)
    if not isinstance(loaded, typer.Typer):
        application.command(name, help=entry.help)(loaded)
        return
    own_command = _command_of_same_name(loaded, name)
    if own_command:
        application.command(name, help=entry.help)(own_command)
    else:
        application.add_typer(loaded, name=name, help=entry.help)


def _command_of_same_name(loaded: typer.Typer, name: str) -> Callable[..., object] | None:
    """The only command of an application when it is called like it: `mains explain BILL`, not `explain explain`."""
    if len(loaded.registered_commands) != 1 or loaded.registered_groups or loaded.registered_callback:
        return None
    only = loaded.registered_commands[0]
    return only.callback if only.callback and (only.name or only.callback.__name__) == name else None


def _exists(entry: Entry) -> bool:
    return find_spec(entry.target.split(":", 1)[0]) is not None


def _not_loaded() -> None:
    raise AssertionError("Only the called command is loaded, and this one was not called.")


def _print_version(wanted: bool) -> None:
    if wanted:
        from mains import __version__

        typer.echo(f"mains {__version__}")
        raise typer.Exit


def _options(
    _version: bool = typer.Option(
        False, "--version", help="Print the version and exit.", is_eager=True, callback=_print_version
    ),
) -> None:
    pass
