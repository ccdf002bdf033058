"""`mains explain BILL`: every amount of a bill from its formula down to readings, facts and tariff clauses."""

import json
from pathlib import Path
from typing import Annotated

import typer

from mains.config.start import start_database, start_django

app = typer.Typer()


@app.command()
def explain(
    bill: Annotated[str, typer.Argument(help="The bill's number, such as 2405-101.")],
    line: Annotated[int | None, typer.Option(help="Only this line.")] = None,
    change: Annotated[
        bool, typer.Option("--change", help="Why it is more or less than the last bill, cause by cause.")
    ] = False,
    pdf: Annotated[
        Path | None, typer.Option("--pdf", help="Write the calculation protocol to this file.")
    ] = None,
    language: Annotated[
        str | None, typer.Option("--language", help="Of the protocol: en, ru, tr, zh-hans, de, fr.")
    ] = None,
    neighbours: Annotated[
        bool,
        typer.Option(
            "--neighbours",
            help="Name the use of every neighbour behind a share of the house's use: not for the customer.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the machine form.")] = False,
) -> None:
    """Show how every amount of a bill came about, computed again from the facts its run knew."""
    start_database()
    start_django()
    if change:
        _print_change(bill, as_json=as_json)
        return
    if pdf is not None:
        _write_protocol(bill, pdf, language)
        return
    from mains.billing.queries.explain import BillExplanation, explain_bill, explain_line
    from mains.billing.values import parse_bill_number
    from mains.config.cli.trees import step_tree, tree_console
    from mains.reporting.queries.bill_paper.cause_wording import tell_causes
    from mains.staff.values import EVERYTHING

    month, bill_id = parse_bill_number(bill)
    reader = EVERYTHING if neighbours else None
    if line is None:
        explained = explain_bill(month=month, bill_id=bill_id, reader=reader)
    else:
        one = explain_line(month=month, bill_id=bill_id, line=line, reader=reader)
        explained = BillExplanation(bill, one.amount_minor, one.tree.unit, (one,))
    if as_json:
        typer.echo(json.dumps(explained.to_data(), ensure_ascii=False, indent=2))
        return
    console = tree_console()
    for each in explained.lines:
        console.print(f"Line {each.line}")
        for sentence in tell_causes(each.causes, language="en"):
            console.print(f"  {sentence}")
        console.print(step_tree(each.tree))
    for balance in explained.balances:
        console.print(f"Carried to the next bill: {balance.name}")
        console.print(step_tree(balance.tree))


def _print_change(bill: str, *, as_json: bool) -> None:
    from mains.billing.queries.explain import explain_change, explain_corrections
    from mains.billing.queries.explain.changes import change_data
    from mains.billing.values import parse_bill_number
    from mains.config.cli.trees import tree_console
    from mains.reporting.queries.bill_paper.change_wording import change_rows, step_rows

    month, bill_id = parse_bill_number(bill)
    change = explain_change(month=month, bill_id=bill_id)
    corrections = explain_corrections(month=month, bill_id=bill_id)
    if as_json:
        typer.echo(json.dumps(change_data(bill, change, corrections), ensure_ascii=False, indent=2))
        return
    console = tree_console()
    if change is None:
        console.print("This is the account's first bill.")
    for label, amount in change_rows(change, unit="", language="en"):
        console.print(f"{amount:>16}  {label}")
    for correction in corrections:
        console.print(f"Recalculation of {correction.service_month:%Y-%m}")
        for label, amount in step_rows(correction.steps, unit="", language="en"):
            console.print(f"{amount:>16}  {label}")


def _write_protocol(bill: str, path: Path, language: str | None) -> None:
    from mains.billing.values import parse_bill_number
    from mains.config.cli.files import write_content
    from mains.reporting.queries.bill_paper import protocol_pdf

    month, bill_id = parse_bill_number(bill)
    write_content(path, protocol_pdf(month=month, bill_id=bill_id, language=language))
    typer.echo(f"Written: {path}")
