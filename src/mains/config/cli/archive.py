"""`mains archive`: check the files, take e-mail in, state kinds of documents, dispose of what is past its time."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mains.config.cli.actors import UnableToFindActor, find_actor
from mains.config.cli.days import command_time
from mains.config.cli.files import read_content
from mains.config.cli.tables import Column, print_table
from mains.config.start import start_django

if TYPE_CHECKING:
    from mains.staff.models import User

app = typer.Typer(no_args_is_help=True)
_SHOWN_MAX = 100
By = Annotated[str, typer.Option("--by", help="User name of who does it.")]


@app.command()
def check(
    *,
    sweep: Annotated[
        bool,
        typer.Option(
            help="Remove what killed uploads left and bytes that nothing points to, older than a day."
        ),
    ] = False,
) -> None:
    """Hold every file against its hash, and the folder against the tables. Ends with 1 when something is lost."""
    start_django()
    from mains.documents.actions.disposal import remove_left_behind, remove_unreferenced
    from mains.documents.queries.integrity import check_files

    found = check_files()
    typer.echo(f"{found.checked:,} files, {found.checked_bytes:,} bytes read and compared.")
    for label, places in (
        ("damaged", found.damaged),
        ("missing", found.missing),
        ("not of the archive", found.strange),
        ("unreferenced", found.unreferenced),
        ("left by killed uploads", found.left_behind),
    ):
        typer.echo(f"{len(places):,} {label}")
        for place in places[:_SHOWN_MAX]:
            typer.echo(f"  {place}")
    if sweep:
        removed = sum(remove_unreferenced(sha256=sha256) for sha256 in found.unreferenced)
        removed += remove_left_behind(places=found.left_behind)
        typer.echo(f"{removed:,} removed.")
    if not found.is_sound:
        typer.echo("Bring damaged and missing files back from a backup of MAINS_HOME/files.", err=True)
        raise typer.Exit(1)


@app.command(name="import")
def take_in(
    files: Annotated[list[Path], typer.Argument(help="Message files (.eml).")],
    unit: Annotated[
        str,
        typer.Option(
            help="Code of the unit whose inbox takes what names no account; the whole utility's without it."
        ),
    ] = "",
    by: By = "",
) -> None:
    """File the attachments of messages to the accounts that they name, else into the inbox."""
    start_django()
    from mains.reporting.actions.archive_mail import take_message
    from mains.staff.queries.names import find_unit_id

    actor, unit_id = find_actor(by), find_unit_id(code=unit) if unit else None
    if unit and unit_id is None:
        raise typer.BadParameter(f"There is no unit {unit}; `mains registry tree` shows them.")
    refused = 0
    for file in files:
        taken = take_message(content=read_content(file), unit_id=unit_id, actor=actor, now=command_time())
        place = f"account {taken.account_number}" if taken.account_number else "the inbox"
        typer.echo(f"{file}: {len(taken.attachments)} attachments, to {place}.")
        for one in taken.attachments:
            if one.refusal is not None:
                refused += 1
                typer.echo(f"  {one.name}: {one.refusal.message} {one.refusal.remedy}", err=True)
            else:
                typer.echo(
                    f"  {one.name}: document {one.document_id}{'' if one.is_new else ', kept already'}"
                )
    if refused:
        raise typer.Exit(1)


@app.command()
def kinds(
    file: Annotated[
        Path | None, typer.Argument(help="YAML of kinds; those that come with Mains without it.")
    ] = None,
    by: By = "",
) -> None:
    """State kinds of documents, and list those that there are."""
    start_django()
    from mains.documents.actions.kinds import state_kinds
    from mains.documents.queries.records import list_kinds
    from mains.packs.document_kinds import standard_kinds

    document = read_content(file).decode("utf-8", errors="replace") if file else standard_kinds()
    changed = state_kinds(document=document, actor=find_actor(by), now=command_time())
    typer.echo(f"{changed} kinds stated.")
    print_table(
        [
            Column("kind"),
            Column("name"),
            Column("years kept", is_number=True),
            Column("after closing"),
            Column("demanded of"),
        ],
        [
            (
                one.code,
                one.names["en"],
                "for ever" if one.keep_years is None else str(one.keep_years),
                "yes" if one.keeps_while_open else "no",
                one.demanded_of,
            )
            for one in list_kinds()
        ],
        empty="There are no kinds.",
    )


@app.command()
def read() -> None:
    """Read texts that still wait for the search: for when no worker runs."""
    start_django()
    from mains.documents.actions.words import read_waiting_texts

    count = 0
    while some := read_waiting_texts():
        count += some
    typer.echo(f"{count:,} texts read.")


@app.command()
def propose(by: By) -> None:
    """List the documents that are past their time and on no hold, for another person to confirm their disposal."""
    start_django()
    from mains.documents.actions.disposal import propose_disposal
    from mains.reporting.queries.archive.retention import list_past

    now = command_time()
    past = list_past(today=now.date())
    print_table(
        [
            Column("document", is_number=True),
            Column("title"),
            Column("kind"),
            Column("of"),
            Column("kept until"),
        ],
        [
            (str(one.id), one.title, one.kind_code, one.document_date.isoformat(), one.keep_until.isoformat())
            for one in past
        ],
        empty="No document is past its time.",
    )
    made = propose_disposal(document_ids=[one.id for one in past], actor=_actor(by), now=now)
    typer.echo(
        f"List {made.pk} is made. Another person confirms it: mains archive confirm {made.pk} --by NAME"
    )


@app.command()
def confirm(
    number: Annotated[int, typer.Argument(help="Number of the list.")],
    by: By,
) -> None:
    """Dispose of the documents of a list that another person made, as far as they are past their time still."""
    start_django()
    from mains.documents.actions.disposal import confirm_disposal
    from mains.reporting.queries.archive.retention import list_past

    now = command_time()
    due_ids = [one.id for one in list_past(today=now.date())]
    gone = confirm_disposal(disposal_id=number, due_ids=due_ids, actor=_actor(by), now=now)
    typer.echo(f"{len(gone):,} documents are disposed of. What they were stays in the tables.")


def _actor(user_name: str) -> "User":
    actor = find_actor(user_name)
    if actor is None:
        raise UnableToFindActor(
            code="user-needed",
            message="Two people dispose of documents; each is named.",
            place="option --by",
            remedy="Give the user name with which the person signs in.",
        )
    return actor
