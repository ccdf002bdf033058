"""`mains tariff`: list the tariffs, check and compare documents, and publish them by two people."""

import json
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mains.config.cli.actors import find_actor
from mains.config.cli.days import command_time
from mains.config.cli.files import print_faults, read_content
from mains.config.cli.tables import Column, print_table
from mains.config.start import start_django
from mains.kernel.errors import MainsError

if TYPE_CHECKING:
    from mains.staff.models import User
    from mains.staff.values import Permission
    from mains.tariffs.queries.cases import CaseRecord
    from mains.tariffs.queries.checking import Checked

app = typer.Typer(no_args_is_help=True)

_NAMED_TARIFF = re.compile(r"^tariff:[ \t]*\S.*$", re.MULTILINE)

By = Annotated[
    str, typer.Option("--by", prompt="User name", help="User name of the person who answers for it.")
]
Document = Annotated[Path, typer.Argument(help="A tariff document (docs/tariff-language.md).")]
Json = Annotated[bool, typer.Option("--json", help="Print the machine form.")]


class UnableToUseDocument(MainsError):
    """The file is no tariff, or not one for this command."""


@app.command(name="import-prices")
def import_prices(
    file: Annotated[Path, typer.Argument(help="CSV with start and price, whole days.")],
    series: Annotated[str, typer.Option(help="Name by which tariffs read them: day_ahead, for example.")],
    unit: Annotated[str, typer.Option(help="Unit of the prices, as the tariff names it: EUR/MWh.")],
    clock: Annotated[str, typer.Option(help="Time zone by which days begin: Europe/Berlin.")],
    step: Annotated[int, typer.Option(help="Minutes for which a price holds.")] = 60,
    by: Annotated[str, typer.Option("--by", help="User name of the person who answers for it.")] = "",
) -> None:
    """Check a file of prices by the hour whole and store it. Faults are listed with line and field: exit code 1."""
    start_django()
    from mains.tariffs.actions.hourly_prices import import_hourly_prices

    done = import_hourly_prices(
        content=read_content(file),
        file_name=file.name,
        series=series,
        unit=unit,
        clock=clock,
        step_minutes=step,
        actor=find_actor(by),
        now=command_time(),
    )
    print_faults(done.faults, file_name=file.name)
    if not done.is_stored:
        typer.echo(f"Nothing is stored: {len(done.faults):,} faults.", err=True)
        raise typer.Exit(1)
    typer.echo(f"{done.prices:,} prices: {done.days:,} days written, {done.corrected:,} of them anew.")


@app.command(name="list")
def list_all(as_json: Json = False) -> None:
    """Tariffs with the version in force, the next change, and drafts that are open."""
    start_django()
    from mains.staff.values import EVERYTHING
    from mains.tariffs.queries.drafts import list_drafts
    from mains.tariffs.queries.records import list_tariffs, tariff_of_edition

    today = command_time().date()
    rows: list[tuple[object, ...]] = []
    for one in list_tariffs():
        tariff = tariff_of_edition(edition_id=one.edition_id)
        version = tariff.find_version(today)
        following = next((item.valid_from for item in tariff.versions if item.valid_from > today), None)
        since = version.valid_from if version else None
        rows.append((one.code, one.name, one.service, _day(since), _day(following), one.recorded_at.date()))
    drafts = list_drafts(scope=EVERYTHING, is_open=True)
    if as_json:
        names = ("code", "name", "service", "in_force_since", "next_change", "published")
        data = {
            "tariffs": [dict(zip(names, map(str, row), strict=True)) for row in rows],
            "drafts": [{"id": d.id, "code": d.code, "title": d.title, "state": d.state} for d in drafts],
        }
        typer.echo(json.dumps(data, ensure_ascii=False, indent=2))
        return
    print_table([Column(name) for name in ("code", "name", "service", "since", "next", "published")], rows)
    for draft in drafts:
        typer.echo(f"Draft {draft.id}: {draft.title} ({draft.code}), {draft.state}")


@app.command()
def check(
    file: Document,
    case: Annotated[
        list[Path] | None,
        typer.Option("--case", help="A file with a test case: facts and expect. May be given several times."),
    ] = None,
) -> None:
    """Check a document and run test cases on it. Exit code 1 when one fails, 2 when the document has faults.

    The cases are those of --case and, where a database of Mains is at hand, those kept with the tariff. No database
    is needed, started or made.
    """
    from mains.tariffs.queries.cases import run_cases

    text = _text(file)
    tariff = _read(file, text).tariff
    assert tariff is not None, "A document without faults is a tariff."
    typer.echo(
        f"{tariff.code}: no faults; {len(tariff.versions)} versions, {len(tariff.printed_order)} components."
    )
    named = [_case_of_file(one) for one in case or []]
    outcomes = run_cases(document=text, cases=[*named, *_kept_cases(tariff.code)])
    for outcome in outcomes:
        mismatches = outcome.result.mismatches if outcome.result else ()
        reasons = [str(mismatch) for mismatch in mismatches] or (
            [str(outcome.error)] if outcome.error else []
        )
        typer.echo(
            f"{'passes' if outcome.is_passed else 'FAILS '}  {outcome.case.name}  {'; '.join(reasons)}"
        )
    if not all(outcome.is_passed for outcome in outcomes):
        raise typer.Exit(1)


def _case_of_file(file: Path) -> "CaseRecord":
    """A case that stands in a file. A line in which it names its tariff gives way to the document checked."""
    from mains.tariffs.queries.cases import CaseRecord

    text = _NAMED_TARIFF.sub("", _text(file))
    written_at = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    return CaseRecord(0, str(file), text, True, False, written_at, "")


def _kept_cases(code: str) -> "list[CaseRecord]":
    """The cases kept with the tariff; none, with a word on why, where no database answers."""
    from mains.config.start import can_start_database

    told = "Cases kept with the tariff were not run: "
    if not can_start_database():
        typer.echo(f"{told}there is no database here.", err=True)
        return []
    try:
        start_django()
    except MainsError as error:
        typer.echo(f"{told}{error.message}", err=True)
        return []
    from mains.tariffs.queries.cases import list_cases

    return list_cases(code=code)


@app.command()
def diff(
    file: Document,
    other: Annotated[
        Path | None, typer.Argument(help="What it is compared with; without it, the edition in force.")
    ] = None,
) -> None:
    """How a document differs by meaning from the edition in force, or from another document."""
    text = _text(file)
    start_django()
    from mains.engine.exact import show_short
    from mains.tariffs.queries.checking import check_document
    from mains.tariffs.queries.records import find_tariff
    from mains.tariffs.values.differences import compare_tariffs

    new = _read(file, text)
    assert new.tariff is not None, "A document without faults is a tariff."
    if other is not None:
        old = _read(other, _text(other))
    else:
        in_force = find_tariff(code=new.tariff.code)
        old = check_document(in_force.document) if in_force else check_document("")
    changes = compare_tariffs(old.tariff, new.tariff, (old.document, new.document))
    for change in changes:
        percent = f"  ({show_short(change.percent, digits=2)} %)" if change.percent is not None else ""
        what = " ".join(filter(None, (change.kind, change.subject, change.part)))
        version = "" if change.version in (None, date.min) else f"{change.version}  "
        typer.echo(f"{version}{what}: {change.before or '–'} → {change.after or '–'}{percent}")
    if not changes:
        typer.echo("No difference by meaning.")


@app.command()
def submit(
    file: Document,
    by: By,
    note: Annotated[str, typer.Option("--note", prompt="Note", help="What changes, and by which order.")],
    past_reason: Annotated[
        str, typer.Option("--past-reason", help="Why prices of days gone by change.")
    ] = "",
) -> None:
    """Make a document a draft and give it to a second person for publication."""
    text = _text(file)
    start_django()
    from django.db import transaction

    from mains.staff.values import Permission
    from mains.tariffs.actions.decisions import submit_draft
    from mains.tariffs.actions.drafts import begin_draft

    tariff = _read(file, text).tariff
    assert tariff is not None, "A document without faults is a tariff."
    now = command_time()
    actor = _person(by, Permission.DRAFT_TARIFFS)
    with transaction.atomic():
        draft = begin_draft(code=tariff.code, title=note[:200], document=text, actor=actor, now=now)
        submit_draft(
            draft_id=draft.pk,
            revision=draft.revision,
            note=note,
            past_reason=past_reason,
            today=now.date(),
            actor=actor,
            now=now,
        )
    typer.echo(f"Draft {draft.pk} of {tariff.code} is submitted.")
    typer.echo(f"Another person publishes it: mains tariff publish {draft.pk} --by NAME")


@app.command()
def publish(
    what: Annotated[str, typer.Argument(help="Number of a submitted draft; with --initial, a document.")],
    by: By,
    reason: Annotated[str, typer.Option("--reason", help="Remark that is kept with the step.")] = "",
    initial: Annotated[
        bool,
        typer.Option("--initial", help="Publish a tariff's very first document without a second person."),
    ] = False,
) -> None:
    """Publish a submitted draft; who wrote or submitted it cannot. The next bill run uses it."""
    start_django()
    from mains.staff.values import Permission
    from mains.tariffs.actions.decisions import publish_draft

    now = command_time()
    actor = _person(by, Permission.PUBLISH_TARIFFS)
    if initial:
        _publish_initial(Path(what), by=by)
        return
    if not what.isdecimal() or len(what) > 17:
        raise UnableToUseDocument(
            code="draft-number-invalid",
            message=f"{what} is no number of a draft.",
            place="argument WHAT",
            remedy="Submit the document first: mains tariff submit FILE --by NAME; the list shows its number.",
        )
    edition = publish_draft(draft_id=int(what), reason=reason, today=now.date(), actor=actor, now=now)
    typer.echo(f"{edition.tariff.code} is published; edition {edition.pk} is in force.")


def _publish_initial(file: Path, *, by: str) -> None:
    from mains.staff.values import Permission
    from mains.tariffs.actions.publish import publish_tariff
    from mains.tariffs.queries.records import find_tariff

    text = _text(file)
    tariff = _read(file, text).tariff
    assert tariff is not None, "A document without faults is a tariff."
    if find_tariff(code=tariff.code) is not None:
        raise UnableToUseDocument(
            code="tariff-published",
            message=f"Tariff {tariff.code} is published already.",
            place=str(file),
            remedy="Submit the next edition; a second person publishes it. --initial is for the first one.",
        )
    actor = _person(by, Permission.PUBLISH_TARIFFS)
    edition = publish_tariff(
        document=text, now=command_time(), published_by_id=actor.pk, proof="initial", name=str(file)
    )
    typer.echo(f"{tariff.code} is published; edition {edition.pk} is in force.")


def _text(file: Path) -> str:
    """The text of a document. Raises UnableToReadFile or UnableToUseDocument."""
    try:
        return read_content(file).decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UnableToUseDocument(
            code="document-encoding",
            message="The file is not UTF-8 text.",
            place=f"{file}, line {line}",
            remedy="Save it as UTF-8.",
        ) from error


def _read(file: Path, text: str) -> "Checked":
    """The document without faults. Raises UnableToUseDocument with the first fault; the others stand in the remedy."""
    from mains.tariffs.queries.checking import check_document

    checked = check_document(text)
    if checked.faults:
        first, *others = checked.faults
        place = ", ".join(filter(None, (str(file), f"line {first.line}" if first.line else "", first.clause)))
        also = "".join(
            f"\nAlso: line {fault.line}, {fault.clause}: {fault.message} {fault.remedy}"
            for fault in others[:12]
        )
        raise UnableToUseDocument(
            code=first.code, message=first.message, place=place, remedy=first.remedy + also
        )
    return checked


def _person(user_name: str, permission: "Permission") -> "User":
    """The active user of that name who may do this for the whole utility."""
    from mains.staff.queries.rights import scope_of

    actor = find_actor(user_name)
    if actor is None:
        raise UnableToUseDocument(
            code="user-missing",
            message="Nobody answers for it.",
            place="option --by",
            remedy="Give the user name with which the person signs in.",
        )
    scope = scope_of(user=actor, on_date=command_time().date(), permission=permission)
    if not scope.may(permission) or scope.organisation_ids is not None:
        raise UnableToUseDocument(
            code="not-permitted",
            message=f"{user_name} may not do this: {permission}.",
            place="option --by",
            remedy="A person whose role holds this permission for the whole utility does it.",
        )
    return actor


def _day(day: date | None) -> str:
    if day is None:
        return "–"
    return "always" if day == date.min else day.isoformat()
