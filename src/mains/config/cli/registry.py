"""`mains registry`: files of customers, premises and meters; accounts without an officer; the two trees."""

from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mains.config.cli.actors import find_actor
from mains.config.cli.days import command_time, read_day
from mains.config.cli.files import print_faults, read_content
from mains.config.cli.tables import Column, print_table
from mains.config.start import start_django

if TYPE_CHECKING:
    from mains.base.staged_rows import StagedRows

app = typer.Typer(no_args_is_help=True)


class Kind(StrEnum):
    """What a file holds, in the order in which a new utility imports them."""

    UNITS = "units"
    NODES = "nodes"
    CUSTOMERS = "customers"
    ACCOUNTS = "accounts"
    PREMISES = "premises"
    POINTS = "points"
    NODE_POINTS = "node-points"
    NODE_FIGURES = "node-figures"
    CONDITIONS = "conditions"
    BALANCE_RULES = "balance-rules"
    AGREEMENTS = "agreements"
    OPENING_BALANCES = "opening-balances"
    METERS = "meters"
    OFFICERS = "officers"
    METER_ERRORS = "meter-errors"
    UNMETERED_USE = "unmetered-use"
    ABSENCES = "absences"


class Tree(StrEnum):
    """The trees of the registry."""

    ORGANISATION = "organisation"
    NETWORK = "network"


On = Annotated[str, typer.Option("--on", help="Day, as 2024-02-29; today when left out.")]


@app.command(name="import")
def import_file(
    kind: Annotated[Kind, typer.Argument(help="What the file holds.")],
    file: Annotated[Path, typer.Argument(help="CSV with a header; the columns are in docs/registry.md.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check the file and write nothing.")] = False,
    by: Annotated[str, typer.Option("--by", help="User name of the person who answers for it.")] = "",
) -> None:
    """Check a file whole and write it. Any fault keeps all of it out: listed by line and field, exit code 1."""
    start_django()
    written = {"actor": find_actor(by), "now": command_time(), "proof": f"file {file.name}"[:200]}
    done = _importer(kind, written=written)(content=read_content(file), is_trial=dry_run)
    print_faults(done.faults, file_name=file.name)
    if done.faults:
        faulty = len({fault.line for fault in done.faults})
        typer.echo(f"Nothing is written: {faulty:,} of {done.lines:,} lines are faulty.", err=True)
        raise typer.Exit(1)
    said = "are written" if done.is_stored else "are right; nothing is written"
    typer.echo(f"{done.lines:,} {kind.value} {said}.")


@app.command()
def unmapped(on: On = "", limit: Annotated[int, typer.Option(min=1, help="How many to list.")] = 50) -> None:
    """Open accounts that no field officer answers for."""
    start_django()
    from mains.customers.queries.records import AccountFilter, count_unmapped, list_accounts
    from mains.staff.values import EVERYTHING

    on_date = read_day(on)
    found = list_accounts(
        scope=EVERYTHING, chosen=AccountFilter(is_unmapped=True), on_date=on_date, limit=limit
    )
    columns = [Column("account"), Column("customer"), Column("unit"), Column("address")]
    print_table(
        columns,
        [(line.number, line.customer_name, line.organisation_name, line.address) for line in found],
        empty="Every open account has its officer.",
    )
    count = count_unmapped(scope=EVERYTHING, on_date=on_date)
    if count:
        typer.echo(f"{count:,} accounts have no officer on {on_date}.")


@app.command()
def tree(
    which: Annotated[Tree, typer.Argument(help="Which tree.")],
    on: On = "",
    service: Annotated[str, typer.Option(help="Of the network: one service only.")] = "",
    depth: Annotated[int, typer.Option(min=0, help="Of the network: how deep.")] = 20,
) -> None:
    """A tree as it stands on a day."""
    start_django()
    if which is Tree.ORGANISATION:
        _print_organisation(read_day(on))
    else:
        _print_network(read_day(on), service=service, depth=depth)


@app.command()
def roles() -> None:
    """The roles and what they may do. Exit code 1 when there is something that no role may do."""
    start_django()
    from mains.staff.queries.roles import list_roles, list_unheld_permissions

    rows = [(role.code, role.name, ", ".join(role.permissions)) for role in list_roles()]
    print_table([Column("Role"), Column("Name"), Column("May")], rows)
    unheld = list_unheld_permissions()
    if unheld:
        typer.echo(f"No role may: {', '.join(unheld)}.")
        typer.echo("Give it to one: mains registry grant ROLE PERMISSION")
        raise typer.Exit(1)


@app.command()
def grant(
    role: Annotated[str, typer.Argument(help="Code of the role.")],
    permission: Annotated[str, typer.Argument(help="What its people may do besides.")],
) -> None:
    """Let everybody of a role do one thing more."""
    start_django()
    from mains.staff.actions.registry import grant_permission

    grant_permission(role_code=role, permission=permission)
    typer.echo(f"{role} may {permission}.")


def _importer(kind: Kind, *, written: Mapping[str, Any]) -> "Callable[..., StagedRows]":
    """The import of a kind. `written` (actor, now, proof) goes with the kinds that record dated facts."""
    from mains.balance.actions import rules as of_balances
    from mains.billing.actions import conditions as of_supply
    from mains.billing.actions import openings as of_bills
    from mains.customers.actions import registry_files as of_customers
    from mains.metering.actions import finding_files as of_findings
    from mains.metering.actions import registry_files as of_meters
    from mains.network.actions import registry_files as of_network
    from mains.staff.actions import registry_files as of_staff

    proved = {name: written[name] for name in ("actor", "now")}  # each line names its own proof
    importers: dict[Kind, Callable[..., StagedRows]] = {
        Kind.UNITS: partial(of_staff.import_units, **written),
        Kind.NODES: partial(of_network.import_nodes, **written),
        Kind.CUSTOMERS: of_customers.import_customers,
        Kind.ACCOUNTS: of_customers.import_accounts,
        Kind.PREMISES: partial(of_network.import_premises, **written),
        Kind.POINTS: of_network.import_points,
        Kind.NODE_POINTS: of_network.import_node_points,
        Kind.NODE_FIGURES: partial(of_network.import_node_figures, **proved),
        Kind.CONDITIONS: partial(of_supply.import_conditions, **proved),
        Kind.BALANCE_RULES: partial(of_balances.import_rules, **written),
        Kind.AGREEMENTS: partial(of_customers.import_agreements, **written),
        Kind.OPENING_BALANCES: partial(of_bills.import_openings, **written),
        Kind.METERS: partial(of_meters.import_meters, **written),
        Kind.OFFICERS: partial(of_customers.import_officers, **written),
        Kind.METER_ERRORS: partial(of_findings.import_meter_errors, **proved),
        Kind.UNMETERED_USE: partial(of_findings.import_unmetered_use, **proved),
        Kind.ABSENCES: partial(of_network.import_absences, **proved),
    }
    return importers[kind]


def _print_organisation(on_date: date) -> None:
    from mains.staff.queries.organisations import list_units
    from mains.staff.values import EVERYTHING

    for unit in list_units(scope=EVERYTHING, on_date=on_date):
        typer.echo(f"{'  ' * unit.depth}{unit.name}  [{unit.kind} {unit.code}]")


def _print_network(on_date: date, *, service: str, depth: int) -> None:
    from mains.network.queries.trees import list_tree

    for node in list_tree(service=service, on_date=on_date, depth_max=depth):
        band = f", band {node.band}" if node.band else ""
        points = f", {node.points:,} service points" if node.points else ""
        typer.echo(f"{'  ' * node.depth}{node.name}  [{node.service} {node.kind} {node.code}{band}{points}]")
