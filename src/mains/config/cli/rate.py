"""`mains rate CASE.yaml`: rates a self-contained case with no database, and explains every figure."""

import json
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from mains.config.cli.trees import step_tree, tree_console
from mains.engine.case import CaseResult, UnableToReadCase, read_case, run_case
from mains.engine.exact import Protocol, show_short
from mains.engine.facts import MICRO
from mains.engine.tariff import Problem
from mains.kernel.errors import MainsError

app = typer.Typer()


@app.command()
def rate(
    case: Annotated[
        Path, typer.Argument(help="A case: tariff, facts and expected bill (docs/tariff-language.md).")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print the machine form.")] = False,
    brief: Annotated[bool, typer.Option("--brief", help="Print the bill without the explanation.")] = False,
) -> None:
    """Rate a case by both interpreters, print and explain the bill, and compare it with what is expected.

    Exit code 0: as expected. 1: it differs from what is expected. 2: the case or its tariff cannot be read or
    rated.
    """
    try:
        result = run_case(
            read_case(_read(case), name=str(case), open_tariff=lambda file: _read(case.parent / file))
        )
    except MainsError as error:
        if not as_json:
            raise
        _print_error(error)
        raise typer.Exit(2) from error
    if as_json:
        typer.echo(json.dumps(result.to_data(), ensure_ascii=False, indent=2))
    else:
        _print_result(result, brief=brief)
    if result.mismatches:
        raise typer.Exit(1)


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise _unreadable(path, "There is no such file.", "Check the name.") from error
    except IsADirectoryError as error:
        raise _unreadable(path, "This is a directory.", "Name a file in it.") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise _unreadable(path, "The file is not UTF-8 text.", "Save it as UTF-8.", line) from error
    except OSError as error:
        raise _unreadable(path, f"The file cannot be read: {error.strerror}.", "Check its rights.") from error


def _unreadable(path: Path, message: str, remedy: str, line: int = 1) -> UnableToReadCase:
    return UnableToReadCase(name=str(path), problems=(Problem("file", "file", message, remedy, line=line),))


def _print_error(error: MainsError) -> None:
    data = {"code": error.code, "message": error.message, "place": error.place, "remedy": error.remedy}
    typer.echo(json.dumps({"error": data}, ensure_ascii=False, indent=2))


def _print_result(result: CaseResult, *, brief: bool) -> None:
    console = tree_console()
    kind = f" ({result.case.kind})" if result.case.kind else ""
    console.print(f"{result.case.name}{kind}")
    if result.case.source:
        console.print(f"Source: {result.case.source}")
    for protocol in result.protocols:
        console.print(_bill(protocol))
        if not brief:
            console.print(step_tree(protocol.explanation))
    if len(result.protocols) > 1:
        what = "bills" if result.case.is_chain else "services"
        console.print(f"Total of all {what}: {show_short(result.total)}")
    for remark in result.remarks:
        console.print(f"Note: {remark}")
    for mismatch in result.mismatches:
        console.print(f"DIFFERS  {mismatch}")
    if not result.mismatches:
        outcome = "As expected" if result.case.expects_something else "Nothing is expected of this case"
        console.print(f"{outcome}; both interpreters agree.")


def _bill(protocol: Protocol) -> Table:
    last_day = protocol.period_to - timedelta(days=1)
    days = (protocol.period_to - protocol.period_from).days
    period = f"{protocol.period_from} to {last_day} ({days} {'day' if days == 1 else 'days'})"
    table = Table(
        title=f"{protocol.tariff}, {period}, {protocol.currency}",
        title_justify="left",
    )
    for name in ("component", "kind", "days", "quantity", "amount"):
        table.add_column(name, justify="right" if name in ("quantity", "amount") else "left")
    for line in protocol.lines:
        line_days = f"{line.from_date} to {line.to_date - timedelta(days=1)}"
        quantity = "" if line.quantity_micro is None else show_short(Fraction(line.quantity_micro, MICRO))
        amount = "" if line.amount_minor is None else _money(line.amount_minor, protocol.posting_scale)
        table.add_row(line.component, line.kind, line_days, quantity, amount)
    table.add_section()
    table.add_row("total", "", "", "", _money(protocol.total_minor, protocol.posting_scale))
    return table


def _money(minor: int, scale: int) -> str:
    whole, rest = divmod(abs(minor), scale)
    return f"{'-' if minor < 0 else ''}{whole:,}.{str(rest).zfill(len(str(scale)) - 1)}"
