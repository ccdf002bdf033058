"""`mains demo`: a demo utility from nothing to paid bills, and the office to look at it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mains.base.progress import ProgressReport
    from mains.packs.definition import Pack
    from mains.packs.demo import JobFigures
    from mains.packs.shelf import DemoKey
    from mains.staff.actions.logins import Login

app = typer.Typer(help="Build a demo utility, bill it, and open the office.")

_HOST = "127.0.0.1"
_PORT = 8000


@app.command()
def demo(
    pack: Annotated[str, typer.Option(help="The pack; docs/packs.md lists them.")] = "ng_electricity",
    accounts: Annotated[int, typer.Option(min=100, max=1_000_000, help="How many accounts.")] = 2_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same utility.")] = 1,
    serve: Annotated[
        bool, typer.Option("--serve/--no-serve", help="Serve the office web at the end.")
    ] = True,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the office web; 0 for 8000 or the next free one.")
    ] = 0,
    reset: Annotated[
        bool, typer.Option("--reset", help="Drop everything in the database first, demo or not.")
    ] = False,
) -> None:
    """Build a demo utility, bill three months, take in payments, print a summary, and serve the office.

    Again with the same options it uses what is there. With others it puts the present demo aside, where it
    stays until it is asked for again.
    """
    from mains.base.places import home_folder, private_folder
    from mains.base.progress import progress_report
    from mains.config.start import apply_migrations, start_database, start_django
    from mains.packs.definition import read_pack
    from mains.packs.shelf import DemoKey, choose_demo, demo_turn

    chosen = read_pack(pack)
    key = DemoKey(pack=pack, accounts=accounts, seed=seed)
    with progress_report() as progress:
        with progress.step("Start the database"):
            address = start_database()
        with demo_turn(address=address, on_wait=_say_waiting):
            with progress.step("Create tables"):
                is_loaded = choose_demo(wanted=key, address=address, reset=reset)
                start_django(need_tables=False)
                apply_migrations()
            folder = private_folder(home_folder()) / "demo"
            figures, logins, bill = _build(
                chosen, key=key, is_loaded=is_loaded, folder=folder, progress=progress
            )
    _print_summary(chosen, key=key, figures=figures, progress=progress)
    if bill is not None:
        number, paper = bill
        typer.echo(f"A bill as PDF: {paper}" if isinstance(paper, Path) else f"No bill as PDF: {paper}")
        typer.echo(f"Where its amounts come from: mains explain {number}")
    _print_logins(logins, file=home_folder() / "demo-logins.txt")
    if serve:
        from mains.config.cli.serve import find_free_port, run_server

        run_server(host=_HOST, port=port or find_free_port(host=_HOST, first=_PORT))
    else:
        option = f" --port {port}" if port else ""
        typer.echo(f"The office: run `mains serve{option}`, then open http://localhost:{port or _PORT}/")


def _say_waiting() -> None:
    typer.echo("Another `mains demo` is at work on this database. Waiting for it to end.", err=True)


def _build(
    pack: "Pack", *, key: "DemoKey", is_loaded: bool, folder: Path, progress: "ProgressReport"
) -> "tuple[JobFigures, list[Login], tuple[str, Path | str] | None]":
    """Load, bill, collect; the figures, the logins and one bill."""
    from mains.base.address import database_address
    from mains.base.places import home_folder
    from mains.packs.demo import run_main_job
    from mains.packs.loading import load_pack
    from mains.packs.shelf import mark_demo
    from mains.staff.actions.logins import ensure_demo_logins

    if not is_loaded:
        load_pack(pack=pack, accounts=key.accounts, seed=key.seed, progress=progress)
    mark_demo(loaded=key, address=database_address(), today=pack.billing.today)
    figures = run_main_job(pack=pack, seed=key.seed, folder=folder / key.shelf_name, progress=progress)
    with progress.step("Write a bill as PDF"):
        bill = _write_bill(pack, folder=folder / key.shelf_name)
    with progress.step("Set demo passwords"):
        logins = ensure_demo_logins(file=home_folder() / "demo-logins.txt")
    return figures, logins, bill


def _write_bill(pack: "Pack", *, folder: Path) -> tuple[str, Path | str] | None:
    """Write a bill of the last month that corrects an earlier one; its number, and its path or why it cannot be
    printed. None when no bill asks for money."""
    from mains.billing.models import Bill
    from mains.billing.values import bill_number
    from mains.kernel.errors import MainsError
    from mains.reporting.queries.bill_paper import bill_pdf

    bills = Bill.objects.filter(month=pack.billing.months[-1], amount_minor__gt=0)
    bill = (
        bills.exclude(correction_minor=0).order_by("account_id").first()
        or bills.order_by("account_id").first()
    )
    if bill is None:
        return None
    number = bill_number(bill.month, bill.id)
    path = folder / f"bill-{number}.pdf"
    try:
        path.write_bytes(bill_pdf(month=bill.month, bill_id=bill.id))
    except MainsError as error:  # no font for the language; the utility is billed all the same
        return number, f"{error.message} {error.remedy}"
    return number, path


def _print_summary(
    pack: "Pack", *, key: "DemoKey", figures: "JobFigures", progress: "ProgressReport"
) -> None:
    from mains.base.units import UNIT_OF_SERVICE
    from mains.config.cli.tables import Column, amount_text, print_table

    numbers = [
        Column(title, is_number=True)
        for title in ("bills", UNIT_OF_SERVICE[pack.service], "billed", "corrections", "paid", "owed")
    ]
    rows: list[list[object]] = []
    for month in figures.months:
        money = month.turnover
        rows.append(
            [
                f"{month.month:%Y-%m}",
                f"{month.bills:,}",
                f"{month.quantity_micro // 1_000_000:,}",
                amount_text(money.accrued_minor),
                amount_text(money.recalculated_minor),
                amount_text(money.paid_minor),
                amount_text(money.closing_minor),
            ]
        )
    total = figures.total
    rows.append(
        [
            f"to {pack.billing.today:%Y-%m-%d}",
            f"{sum(month.bills for month in figures.months):,}",
            f"{sum(month.quantity_micro for month in figures.months) // 1_000_000:,}",
            amount_text(total.accrued_minor),
            amount_text(total.recalculated_minor),
            amount_text(total.paid_minor),
            amount_text(total.closing_minor),
        ]
    )
    typer.echo("")
    typer.echo(f"{pack.name}, {key.accounts:,} accounts, amounts in {pack.currency}")
    print_table([Column("month"), *numbers], rows)
    typer.echo("")
    steps = [[step.title, f"{step.seconds:.1f}"] for step in progress.finished]
    steps.append(["In all", f"{sum(step.seconds for step in progress.finished):.1f}"])
    print_table([Column("step"), Column("seconds", is_number=True)], steps)
    typer.echo("")


def _print_logins(logins: "list[Login]", *, file: Path) -> None:
    for login in logins:
        if login.role == "administrator":
            typer.echo(f"Sign in as {login.username} with the password {login.password}")
    typer.echo(f"Logins of the other roles: {file}")
