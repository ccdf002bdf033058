"""`mains reading`: record readings, import files of them, and decide on the ones that wait."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mains.config.cli.actors import find_actor
from mains.config.cli.days import command_time, read_day
from mains.config.cli.files import print_faults, read_content
from mains.config.cli.tables import Column, print_table
from mains.config.start import start_django
from mains.kernel.errors import MainsError

if TYPE_CHECKING:
    from mains.metering.actions.readings import ReadingOutcome

app = typer.Typer(no_args_is_help=True)

By = Annotated[str, typer.Option("--by", help="User name of the person who answers for it.")]
Number = Annotated[int, typer.Argument(help="Number in the work list, from `mains reading queue`.")]


class UnableToUnderstandReading(MainsError):
    """A zone or source that does not exist."""


@app.command()
def record(
    serial: Annotated[str, typer.Argument(help="Serial number of the meter.")],
    value: Annotated[str, typer.Argument(help="What the register shows.")],
    on: Annotated[str, typer.Option("--on", help="Last day that the reading includes, as 2024-02-29.")] = "",
    zone: Annotated[str, typer.Option(help="total, day, night, peak or half_peak.")] = "total",
    source: Annotated[str, typer.Option(help="Where it comes from, operator for example.")] = "operator",
    model: Annotated[str, typer.Option(help="Model, when several meters have the serial.")] = "",
    evidence: Annotated[str, typer.Option(help="Act, who said it.")] = "",
    photo: Annotated[
        Path | None, typer.Option(help="Picture (JPEG, PNG, WebP) or scan (PDF) that shows the reading.")
    ] = None,
    by: By = "",
) -> None:
    """Judge a reading and take it, or list it with the reason. Exit code 1 when it was not taken."""
    start_django()
    from mains.metering.actions.reading_files import SOURCES, ZONES
    from mains.metering.actions.readings import find_register, record_reading

    now = command_time()
    reading_date = read_day(on)
    zone_code = _code(zone, ZONES, place="zone")
    register_id = find_register(serial=serial, zone=zone_code, model=model, reading_date=reading_date)
    outcome = record_reading(
        register_id=register_id,
        reading_date=reading_date,
        text_value=value,
        source=_code(source, SOURCES, place="source"),
        evidence={"note": evidence} if evidence else None,
        photo=[read_content(photo)] if photo else None,
        actor=find_actor(by),
        now=now,
        named=f"meter {serial}, zone {zone}",
    )
    _print_outcome(outcome)


@app.command(name="import")
def import_file(
    file: Annotated[
        Path, typer.Argument(help="CSV with serial or service_point, reading_date, value; see docs.")
    ],
    partial: Annotated[
        bool, typer.Option("--partial", help="Take the good lines although others are faulty.")
    ] = False,
    by: By = "",
) -> None:
    """Check a file of readings whole and take it. Faults are listed with line and field: exit code 1."""
    start_django()
    from mains.metering.actions.reading_files import import_readings

    done = import_readings(
        content=read_content(file),
        file_name=file.name,
        is_partial=partial,
        actor=find_actor(by),
        now=command_time(),
    )
    print_faults(done.faults, file_name=file.name)
    if done.is_stored:
        typer.echo(
            f"{done.lines:,} readings: {done.accepted:,} taken, {done.queued:,} wait for a decision,"
            f" {done.known:,} were known already, {done.refused:,} are refused."
        )
    else:
        typer.echo(f"Nothing is stored: {done.refused:,} of {done.lines:,} lines are faulty.", err=True)
    if done.faults:
        raise typer.Exit(1)


@app.command(name="import-intervals")
def import_intervals_file(
    file: Annotated[
        Path, typer.Argument(help="CSV with meter, start, length, value; quantity, unit, quality; see docs.")
    ],
    clock: Annotated[
        str, typer.Option("--clock", help="Time zone by which days begin, Europe/Berlin for example.")
    ],
    by: By = "",
) -> None:
    """Check a file of interval data whole and store it. Faults are listed with line and field: exit code 1."""
    start_django()
    from mains.metering.actions.interval_files import import_intervals

    done = import_intervals(
        content=read_content(file), file_name=file.name, clock=clock, actor=find_actor(by), now=command_time()
    )
    print_faults(done.faults, file_name=file.name)
    if not done.is_stored:
        typer.echo(f"Nothing is stored: {len(done.faults):,} faults.", err=True)
        raise typer.Exit(1)
    typer.echo(
        f"{done.intervals:,} intervals: {done.days:,} days written, {done.corrected:,} of them anew,"
        f" {done.known:,} intervals were known already, {done.gaps:,} are missing in between."
    )


@app.command()
def queue(limit: Annotated[int, typer.Option(min=1, help="How many to list.")] = 50) -> None:
    """Readings that were not taken, with the reason."""
    start_django()
    from mains.metering.queries.readings import list_queue
    from mains.metering.values import ReadingSource, Zone

    columns = [
        Column("number", is_number=True),
        Column("meter"),
        Column("zone"),
        Column("day"),
        Column("value", is_number=True),
        Column("source"),
        Column("decision"),
        Column("reason"),
    ]
    print_table(
        columns,
        [
            (
                item.id,
                item.serial,
                "" if item.zone is None else Zone(item.zone).name.lower(),
                item.reading_date or "",
                item.text_value,
                ReadingSource(item.source).name.lower(),
                "waits" if item.decision == "queue" else "refused",
                item.message,
            )
            for item in list_queue(limit=limit)
        ],
        empty="No reading waits.",
    )


@app.command()
def accept(number: Number, by: By = "") -> None:
    """Take a reading that waits; what it contradicts is withdrawn."""
    _decide(number, is_accepted=True, by=by)


@app.command()
def refuse(number: Number, by: By = "") -> None:
    """Put a reading away for good."""
    _decide(number, is_accepted=False, by=by)


@app.command()
def correct(
    reading_id: Annotated[int, typer.Argument(help="Number of the reading.")],
    value: Annotated[str, typer.Argument(help="What the register showed.")],
    proof: Annotated[str, typer.Option(help="Act or letter that proves it.")],
    by: By = "",
) -> None:
    """Replace what a reading says. The old one stays readable."""
    start_django()
    from mains.metering.actions.readings import correct_reading

    _print_outcome(
        correct_reading(
            reading_id=reading_id, text_value=value, proof=proof, actor=find_actor(by), now=command_time()
        )
    )


@app.command()
def withdraw(
    reading_id: Annotated[int, typer.Argument(help="Number of the reading.")],
    proof: Annotated[str, typer.Option(help="Why it is wrong.")],
    by: By = "",
) -> None:
    """Stop believing a reading. It stays readable."""
    start_django()
    from mains.metering.actions.readings import withdraw_reading

    withdraw_reading(reading_id=reading_id, proof=proof, actor=find_actor(by), now=command_time())
    typer.echo("The reading is withdrawn.")


def _decide(number: int, *, is_accepted: bool, by: str) -> None:
    start_django()
    from mains.metering.actions.readings import decide_exception

    now: datetime = command_time()
    outcome = decide_exception(exception_id=number, is_accepted=is_accepted, actor=find_actor(by), now=now)
    typer.echo(f"Taken as reading {outcome.reading_id}." if is_accepted else "Put away.")


def _print_outcome(outcome: "ReadingOutcome") -> None:
    if outcome.decision == "accept":
        typer.echo(f"Taken as reading {outcome.reading_id}.")
        return
    if outcome.known_reading_id:
        typer.echo(f"It is known already as reading {outcome.known_reading_id}.", err=True)
        raise typer.Exit(1)
    said = "It waits for a decision" if outcome.decision == "queue" else "It is refused"
    listed = f" (number {outcome.exception_id} of `mains reading queue`)" if outcome.exception_id else ""
    typer.echo(f"{said}{listed}: {outcome.message} {outcome.remedy}", err=True)
    raise typer.Exit(1)


def _code(name: str, codes: dict[str, int], *, place: str) -> int:
    if name.lower() not in codes:
        raise UnableToUnderstandReading(
            code=f"{place}-unknown",
            message=f"There is no {place} {name}.",
            place=f"option --{place}",
            remedy=f"It is one of: {', '.join(codes)}.",
        )
    return codes[name.lower()]
