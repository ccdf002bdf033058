"""`mains bill on-site`: read and bill an account at its door, or try what that would give."""

import json
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated

import typer

from mains.config.cli.actors import find_actor
from mains.config.cli.days import command_time
from mains.config.cli.orders import account_named, reading_said
from mains.config.cli.tables import amount_text
from mains.config.start import start_database, start_django
from mains.kernel.errors import MainsError

if TYPE_CHECKING:
    from mains.billing.actions.on_site import OnSiteResult, Position


class UnableToReadVisit(MainsError):
    """What is said of a visit is unclear."""


def on_site(
    account: Annotated[str, typer.Argument(help="Number of the account.")],
    reading: Annotated[
        list[str] | None,
        typer.Option("--reading", help="SERIAL=VALUE, or SERIAL/night=VALUE; once a register."),
    ] = None,
    at: Annotated[
        str, typer.Option("--at", help="When it was read, as 2024-05-20T08:40; now when left out.")
    ] = "",
    key: Annotated[
        str, typer.Option("--key", help="The visit's key: the same key twice makes one bill.")
    ] = "",
    place: Annotated[
        str, typer.Option("--place", help="LATITUDE,LONGITUDE in degrees, and ,METRES of accuracy.")
    ] = "",
    officer: Annotated[str, typer.Option("--officer", help="Who read.")] = "",
    estimate: Annotated[bool, typer.Option("--estimate", help="Registers not read go by forecast.")] = False,
    printed: Annotated[
        str, typer.Option("--printed", help="What a bill made without a connection said, as 408.09.")
    ] = "",
    preview: Annotated[
        bool, typer.Option("--preview", help="Show what would be posted; keep nothing.")
    ] = False,
    paper: Annotated[int, typer.Option("--paper", help="Width of the slip in millimetres: 58 or 80.")] = 58,
    by: Annotated[str, typer.Option("--by", help="User name of who sends it.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Record the readings of a visit, bill the open month up to its day, and print the slip."""
    start_database()
    start_django()
    from mains.billing.actions.on_site import OnSiteOrder, bill_on_site, preview_on_site

    now = command_time()
    captured = _instant(at) if at else now
    order = OnSiteOrder(
        account=account_named(account, place="ACCOUNT", now=now),
        readings=tuple(reading_said(text, captured.date()) for text in reading or []),
        captured_at=captured,
        idempotency_key=key or f"cli {account} {captured.isoformat()}",
        position=_position(place),
        officer=officer,
        is_estimate=estimate,
        printed_minor=_minor(printed) if printed else None,
    )
    width = _width(paper)
    found = (
        preview_on_site(order=order, now=now)
        if preview
        else bill_on_site(order=order, now=now, actor=find_actor(by))
    )
    if as_json:
        typer.echo(json.dumps(_data(found, width), ensure_ascii=False, indent=2))
    else:
        _print(found, width, preview=preview)


def _instant(text: str) -> datetime:
    from django.utils import timezone

    try:
        said = datetime.fromisoformat(text)
    except ValueError as error:
        raise UnableToReadVisit(
            code="visit-instant",
            message=f"{text!r} is no instant.",
            place="--at",
            remedy="Write it as 2024-05-20T08:40.",
        ) from error
    return said if said.tzinfo else timezone.make_aware(said)


def _position(text: str) -> "Position | None":
    from mains.billing.actions.on_site import Position

    if not text:
        return None
    try:
        latitude, longitude, *accuracy = (Decimal(part.strip()) for part in text.split(","))
        return Position(
            latitude_micro=int(round(latitude, 6).scaleb(6)),
            longitude_micro=int(round(longitude, 6).scaleb(6)),
            accuracy_m=int(accuracy[0]) if accuracy else None,
        )
    except (ValueError, InvalidOperation, OverflowError) as error:
        raise UnableToReadVisit(
            code="visit-place",
            message=f"{text!r} is no place.",
            place="--place",
            remedy="Write latitude and longitude in degrees, as 56.8377,60.5975.",
        ) from error


def _minor(text: str) -> int:
    try:
        value = Decimal(text).scaleb(2)
        if not value.is_finite() or value != value.to_integral_value() or abs(value) >= 10**15:
            raise InvalidOperation
    except InvalidOperation as error:
        raise UnableToReadVisit(
            code="visit-amount",
            message=f"{text!r} is no amount.",
            place="--printed",
            remedy="Write it with a point and two decimals, as 408.09.",
        ) from error
    return int(value)


def _width(paper: int) -> int:
    from mains.reporting.queries.bill_paper.slip import WIDTH_OF_PAPER

    if paper not in WIDTH_OF_PAPER:
        raise UnableToReadVisit(
            code="visit-paper",
            message=f"There is no paper of {paper} mm.",
            place="--paper",
            remedy=f"One of: {', '.join(map(str, WIDTH_OF_PAPER))}.",
        )
    return WIDTH_OF_PAPER[paper]


def _data(found: "OnSiteResult", width: int) -> dict[str, object]:
    from mains.billing.values import bill_number
    from mains.reporting.queries.bill_paper import slip

    return {
        "month": f"{found.month:%Y-%m}",
        "billed_through": found.billed_through.isoformat(),
        "bill": bill_number(found.month, found.bill_id) if found.bill_id else None,
        "was_made": found.was_made,
        "amount_minor": found.amount_minor,
        "balance_before_minor": found.balance_before_minor,
        "balance_after_minor": found.balance_after_minor,
        "printed_minor": found.printed_minor,
        "differs_minor": found.differs_minor,
        "slip": slip(month=found.month, bill_id=found.bill_id, width=width) if found.bill_id else "",
    }


def _print(found: "OnSiteResult", width: int, *, preview: bool) -> None:
    from mains.billing.values import bill_number
    from mains.reporting.queries.bill_paper import slip

    if preview:
        typer.echo(
            f"Up to {found.billed_through} the bill comes to {amount_text(found.amount_minor)}; "
            f"then {amount_text(found.balance_after_minor)} is owed. Nothing was kept."
        )
        return
    if found.bill_id is None:
        typer.echo("There was nothing to bill; the readings are recorded.")
        return
    if found.was_made:
        typer.echo(f"This visit made bill {bill_number(found.month, found.bill_id)} before.")
    if found.differs_minor:
        typer.echo(
            f"It is {amount_text(found.differs_minor)} more than the bill that was printed at the door."
        )
    typer.echo(slip(month=found.month, bill_id=found.bill_id, width=width), nl=False)
