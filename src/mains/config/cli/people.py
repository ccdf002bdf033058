"""`mains people`: who works here, with which roles. What a command does needs no second person: it is the owner of the
machine who speaks."""

from typing import Annotated

import typer

from mains.config.cli.actors import find_actor
from mains.config.cli.days import command_time, read_day
from mains.config.cli.tables import Column, print_table
from mains.config.start import start_django

app = typer.Typer(no_args_is_help=True)

Who = Annotated[str, typer.Argument(help="User name.")]
Why = Annotated[str, typer.Option("--reason", help="Why; kept with the change.")]
On = Annotated[str, typer.Option("--on", help="Day, as 2024-02-29; today when left out.")]


@app.command(name="list")
def list_all(
    role: Annotated[str, typer.Option(help="Only who holds the role of this code.")] = "",
    text: Annotated[str, typer.Option(help="Only whose names contain this.")] = "",
    on: On = "",
) -> None:
    """People with their roles and units."""
    start_django()
    from mains.staff.queries.people import PeopleFilter, list_people
    from mains.staff.values import EVERYTHING

    chosen = PeopleFilter(role_code=role, text=text, state="all")
    found = list_people(scope=EVERYTHING, on_date=read_day(on), chosen=chosen, limit=10_000)
    rows = [
        (
            person.username,
            person.name,
            "yes" if person.is_active else "suspended",
            "; ".join(
                f"{held.role_code} in {held.unit_name} from {held.valid_from}" for held in person.roles
            ),
        )
        for person in found
    ]
    print_table(
        [Column("User"), Column("Name"), Column("At work"), Column("Roles")], rows, empty="Nobody found."
    )


@app.command()
def add(
    username: Who,
    first_name: Annotated[str, typer.Option(help="First name.")],
    last_name: Annotated[str, typer.Option(help="Last name.")],
    phone: Annotated[str, typer.Option(help="Phone.")] = "",
    email: Annotated[
        str, typer.Option(help="E-mail address, by which single sign-on knows the person.")
    ] = "",
    language: Annotated[str, typer.Option(help="en, ru, tr, zh-hans, de or fr.")] = "en",
) -> None:
    """Add a person; give a role next, and a link to set a password."""
    start_django()
    from mains.staff.actions.rights import add_person

    add_person(
        username=username,
        first_name=first_name,
        last_name=last_name,
        phone=phone,
        email=email,
        language=language,
    )
    typer.echo(f"{username} is added and has no role yet.")


@app.command()
def give(
    username: Who,
    role: Annotated[str, typer.Argument(help="Code of the role.")],
    unit: Annotated[str, typer.Argument(help="Code of the unit.")],
    reason: Why,
    on: On = "",
    until: Annotated[str, typer.Option(help="First day without it; no end when left out.")] = "",
) -> None:
    """Give a person a role in a unit and all below it."""
    start_django()
    from mains.staff.actions.rights import Asking, give_role

    give_role(
        user_id=_id_of(username),
        unit_id=_unit_of(unit),
        role_code=role,
        valid_from=read_day(on),
        valid_to=read_day(until) if until else None,
        asking=Asking(actor_id=None, reason=reason, now=command_time()),
    )
    typer.echo(f"{username} is {role} of {unit} from {read_day(on)}.")


@app.command()
def end(
    username: Who,
    role: Annotated[str, typer.Argument(help="Code of the role.")],
    unit: Annotated[str, typer.Argument(help="Code of the unit.")],
    reason: Why,
    on: On = "",
) -> None:
    """Take a role away from a day on."""
    start_django()
    from mains.kernel.errors import MainsError
    from mains.staff.actions.rights import Asking, end_role_of
    from mains.staff.queries.people import find_person
    from mains.staff.values import EVERYTHING

    day = read_day(on)
    person = find_person(user_id=_id_of(username), scope=EVERYTHING, on_date=day)
    unit_id = _unit_of(unit)
    held = [
        one for one in (person.roles if person else ()) if (one.role_code, one.unit_id) == (role, unit_id)
    ]
    if not held:
        raise MainsError(
            code="assignment-unknown",
            message="There is no such role of this person.",
            place="role",
            remedy="Look again.",
        )
    asking = Asking(actor_id=None, reason=reason, now=command_time())
    for one in held:
        end_role_of(assignment_id=one.assignment_id, end_date=day, asking=asking)
    typer.echo(f"{username} is {role} of {unit} until {day}.")


@app.command()
def waiting() -> None:
    """Changes of rights that wait for a second administrator."""
    start_django()
    from mains.staff.queries.people import list_changes
    from mains.staff.values import EVERYTHING

    rows = [
        (
            str(one.proposal_id),
            str(one.kind.label),
            one.person or one.role_name,
            one.role_name,
            one.unit_name,
            one.asked_by,
            one.reason,
        )
        for one in list_changes(scope=EVERYTHING, is_waiting=True)
    ]
    columns = ["Proposal", "Change", "Of", "Role", "Unit", "Asked by", "Reason"]
    print_table([Column(each) for each in columns], rows, empty="Nothing waits.")


@app.command()
def decide(
    proposal: Annotated[int, typer.Argument(help="Number of the proposal: mains people waiting.")],
    by: Annotated[str, typer.Option("--by", help="User name of the administrator who decides.")],
    refuse: Annotated[bool, typer.Option("--refuse", help="Refuse it instead.")] = False,
    note: Annotated[str, typer.Option(help="Why.")] = "",
) -> None:
    """Agree to a change that an administrator asked for; nobody agrees to their own."""
    start_django()
    from mains.staff.actions.rights import decide_rights

    actor = find_actor(by)
    decide_rights(
        proposal_id=proposal,
        agrees=not refuse,
        note=note,
        now=command_time(),
        actor_id=actor.pk if actor else None,
    )
    typer.echo("Refused." if refuse else "The change holds.")


@app.command()
def password(username: Who) -> None:
    """Print the path of a page on which the person sets a password; it works once, for a day."""
    start_django()
    from mains.staff.queries.sign_in import user_by_id
    from mains.web.office.password_links import password_link

    typer.echo(password_link(user_by_id(_id_of(username))))


@app.command()
def unlock(username: Who) -> None:
    """Let a person try to sign in again at once."""
    start_django()
    from mains.staff.actions.sign_in import lift_lock

    lift_lock(username=username)
    typer.echo(f"{username} may try again.")


@app.command(name="sign-out")
def sign_out(username: Who) -> None:
    """Sign a person out everywhere."""
    start_django()
    from mains.staff.actions.sign_in import end_sessions

    typer.echo(f"{end_sessions(user_id=_id_of(username))} sessions ended.")


def _id_of(username: str) -> int:
    from mains.kernel.errors import MainsError
    from mains.staff.queries.names import find_user_id

    found = find_user_id(user_name=username)
    if found is None:
        raise MainsError(
            code="person-unknown",
            message="There is no such person.",
            place="person",
            remedy="Look at the list of people.",
        )
    return found


def _unit_of(code: str) -> int:
    from mains.kernel.errors import MainsError
    from mains.staff.queries.names import find_unit_id

    found = find_unit_id(code=code)
    if found is None:
        raise MainsError(
            code="unit-unknown",
            message=f"There is no unit {code}.",
            place="unit",
            remedy="Look at mains registry tree organisation.",
        )
    return found
