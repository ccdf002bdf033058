"""`mains einvoice`: bills as electronic invoices, and documents held against the official rules."""

import json
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from mains.config.start import start_database, start_django
from mains.kernel.errors import MainsError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

app = typer.Typer(no_args_is_help=True)
Data = TypeVar("Data", bound="DataclassInstance")


class UnableToFindParty(MainsError):
    """There is no such supplier or account, or no such field."""


@app.command()
def write(
    bill: Annotated[str, typer.Argument(help="The bill's number, such as 2405-101.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Write to this file instead of the screen.")
    ] = None,
    profile: Annotated[
        str, typer.Option("--profile", help="peppol, en16931, cii, ubl-tr; see docs/e-invoices.md.")
    ] = "peppol",
    pdf: Annotated[
        bool, typer.Option("--pdf", help="The bill's PDF with the invoice in it (Factur-X); needs --out.")
    ] = False,
) -> None:
    """Write a posted bill as an electronic invoice, or as a credit note where it gives money back."""
    start_database()
    start_django()
    from mains.billing.values import parse_bill_number
    from mains.config.cli.files import write_content
    from mains.integrations.einvoice.queries.factur_x import factur_x_pdf
    from mains.integrations.einvoice.queries.invoices import make_invoice
    from mains.integrations.einvoice.queries.profiles import get_profile, write_document

    month, bill_id = parse_bill_number(bill)
    if pdf and out is None:
        raise typer.BadParameter("A PDF is not for the screen: name a file with --out.")
    chosen = get_profile(profile)
    invoice = make_invoice(month=month, bill_id=bill_id)
    if pdf:
        content = factur_x_pdf(invoice=invoice, month=month, bill_id=bill_id)
    else:
        content = write_document(invoice, profile=chosen)
    if out is None:
        typer.echo(content.decode(), nl=False)
    else:
        write_content(out, content)


@app.command()
def validate(
    file: Annotated[Path, typer.Argument(help="An invoice as XML, or a PDF that has one in it.")],
    rules: Annotated[Path, typer.Option("--rules", help="Folder with the published schemas and rule sets.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Hold a document against XML schema and the official rules; exit code 1 where a rule is broken."""
    from mains.config.cli.files import read_content
    from mains.integrations.einvoice.queries.validation import validate_document

    found = validate_document(read_content(file), rules=rules, name=str(file))
    if as_json:
        typer.echo(json.dumps(asdict(found) | {"valid": found.is_valid}, ensure_ascii=False, indent=2))
    else:
        for finding in found.findings:
            typer.echo(f"{finding.severity} {finding.rule}: {finding.text}\n  {finding.place}")
        used = ", ".join((*found.schemas, *found.rule_sets))
        typer.echo(f"{len(found.findings)} findings by {used}")
    if not found.is_valid:
        raise typer.Exit(1)


@app.command()
def seller(
    code: Annotated[str, typer.Argument(help="Code of the supplier in the registry.")],
    settings: Annotated[list[str] | None, typer.Option("--set", help="FIELD=VALUE; may be repeated.")] = None,
    since: Annotated[str, typer.Option("--from", help="First day, as 2024-02-29; today if left out.")] = "",
    by: Annotated[str, typer.Option("--by", help="User name of the person who answers for it.")] = "",
) -> None:
    """Show or change what a supplier states of itself on invoices."""
    start_database()
    start_django()
    from mains.config.cli.actors import find_actor
    from mains.config.cli.days import command_time, read_day
    from mains.customers.queries.records import find_party_id
    from mains.integrations.einvoice.actions.legal_data import record_seller_data
    from mains.integrations.einvoice.queries.legal_data import find_seller_data
    from mains.integrations.einvoice.values.legal import SellerData

    party_id = find_party_id(code=code)
    if party_id is None:
        raise _no_party(f"There is no supplier {code}.")
    day = read_day(since)
    data = _changed(find_seller_data(party_id=party_id, on_date=day) or SellerData(), settings or [])
    if settings:
        record_seller_data(
            party_id=party_id, data=data, valid_from=day, now=command_time(), actor=find_actor(by)
        )
    _show(data)


@app.command()
def buyer(
    account: Annotated[str, typer.Argument(help="Number of an account of the customer.")],
    settings: Annotated[list[str] | None, typer.Option("--set", help="FIELD=VALUE; may be repeated.")] = None,
    since: Annotated[str, typer.Option("--from", help="First day, as 2024-02-29; today if left out.")] = "",
    by: Annotated[str, typer.Option("--by", help="User name of the person who answers for it.")] = "",
) -> None:
    """Show or change what a customer states of itself on invoices."""
    start_database()
    start_django()
    from mains.config.cli.actors import find_actor
    from mains.config.cli.days import command_time, read_day
    from mains.customers.queries.records import find_account
    from mains.integrations.einvoice.actions.legal_data import record_buyer_data
    from mains.integrations.einvoice.queries.legal_data import find_buyer_data
    from mains.integrations.einvoice.values.legal import BuyerData
    from mains.staff.values import EVERYTHING

    day = read_day(since)
    found = find_account(number=account, scope=EVERYTHING, on_date=day)
    if found is None:
        raise _no_party(f"There is no account {account}.")
    data = _changed(
        find_buyer_data(customer_id=found.customer_id, on_date=day) or BuyerData(), settings or []
    )
    if settings:
        record_buyer_data(
            customer_id=found.customer_id, data=data, valid_from=day, now=command_time(), actor=find_actor(by)
        )
    _show(data)


def _changed(data: Data, settings: list[str]) -> Data:
    names = {field.name for field in fields(data)}
    values: dict[str, Any] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or name not in names:
            raise _no_party(f"{setting} sets nothing: a field is one of {', '.join(sorted(names))}.")
        is_flag = isinstance(getattr(data, name), bool)
        values[name] = value.lower() in ("yes", "true", "1") if is_flag else value
    return replace(data, **values)


def _show(data: "DataclassInstance") -> None:
    for name, value in asdict(data).items():
        typer.echo(f"{name}={value}")


def _no_party(message: str) -> UnableToFindParty:
    return UnableToFindParty(
        code="party-unknown",
        message=message,
        place="command line",
        remedy="Look at the registry, or at `mains einvoice seller --help`.",
    )
