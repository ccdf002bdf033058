"""`mains explain BILL`: every amount of a bill from its formula down to readings, facts and tariff clauses."""

import json
from typing import Annotated

import typer

from mains.config.start import start_database, start_django

app = typer.Typer()


@app.command()
def explain(
    bill: Annotated[str, typer.Argument(help="The bill's number, such as 2405-101.")],
    line: Annotated[int | None, typer.Option(help="Only this line.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the machine form.")] = False,
) -> None:
    """Show how every amount of a bill came about, computed again from the facts its run knew."""
    start_database()
    start_django()
    from mains.billing.queries.explain import BillExplanation, explain_bill, explain_line
    from mains.billing.values import parse_bill_number
    from mains.config.cli.trees import step_tree, tree_console

    month, bill_id = parse_bill_number(bill)
    if line is None:
        explained = explain_bill(month=month, bill_id=bill_id)
    else:
        one = explain_line(month=month, bill_id=bill_id, line=line)
        explained = BillExplanation(bill, one.amount_minor, one.tree.unit, (one,))
    if as_json:
        typer.echo(json.dumps(explained.to_data(), ensure_ascii=False, indent=2))
        return
    console = tree_console()
    for each in explained.lines:
        console.print(f"Line {each.line}")
        console.print(step_tree(each.tree))
