"""State how much of what is billed units and persons are to collect: dated facts with a document."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from django.db import models, transaction

from mains.base.dated import end_fact, record_fact
from mains.kernel.errors import MainsError
from mains.reporting.models import CollectionTarget
from mains.staff.queries.names import find_unit_id, find_user_id

COLUMNS = ("unit", "person", "percent", "from", "to", "proof")
_MILLION = 1_000_000


class UnableToStateTarget(MainsError):
    """The target cannot stand."""


def state_target(
    *,
    unit: str = "",
    person: str = "",
    percent: str,
    valid_from: date,
    valid_to: date | None = None,
    proof: str,
    actor: models.Model | None,
    now: datetime,
    place: str = "",
) -> CollectionTarget:
    """State the target of a unit (by code) or of a person (by user name).

    Raises UnableToStateTarget: neither or both, no such unit or person, not a percentage from 0 to 100 with at most
    four decimals, no document.
    """
    place = place or f"target of {unit or person}"
    if bool(unit.strip()) == bool(person.strip()) or not proof.strip():
        raise _unable("target-subject", "A target is of a unit or of a person, and has a document.", place,
                      "Name one of them, and the order that sets it.")  # fmt: skip
    found = find_unit_id(code=unit.strip()) if unit.strip() else find_user_id(user_name=person.strip())
    if found is None:
        raise _unable(
            "target-unknown", "There is no such unit or person.", place, "Check the code or the user name."
        )
    try:
        scaled = Decimal(percent.strip().replace(",", ".")) * 10_000
    except InvalidOperation:
        scaled = Decimal(-1)
    if not 0 <= scaled <= _MILLION or scaled != int(scaled):
        raise _unable("target-percent", f"{percent.strip()} is not a percentage from 0 to 100.", place,
                      "At most four decimals, as 2.5.")  # fmt: skip
    is_unit = bool(unit.strip())
    return record_fact(
        model=CollectionTarget,
        subject={"subject": found if is_unit else -found},
        values={
            "organisation_id": found if is_unit else None,
            "officer_id": None if is_unit else found,
            "rate_ppm": int(scaled),
        },
        valid_from=valid_from,
        valid_to=valid_to,
        actor=actor,
        now=now,
        proof=proof.strip()[:200],
    )


def end_target(*, target_id: int, first_free_day: date, now: datetime) -> None:
    """Let a target end from a day on. Raises UnableToWithdrawFact."""
    end_fact(
        model=CollectionTarget,
        fact_id=target_id,
        subject=("subject",),
        first_free_day=first_free_day,
        now=now,
    )


def import_targets(
    *, rows: Sequence[Mapping[str, str]], actor: models.Model | None, now: datetime, file_name: str
) -> int:
    """State the targets of a file with the columns `COLUMNS`, all of them or none; how many."""
    with transaction.atomic():
        for line, row in enumerate(rows, start=2):
            place = f"{file_name}, line {line}"
            try:
                first = date.fromisoformat((row.get("from") or "").strip())
                last = date.fromisoformat(row["to"].strip()) if row.get("to") else None
            except ValueError as error:
                raise _unable("target-day", "The first or the last day is not a day.", place,
                              "Write it as 2021-05-31.") from error  # fmt: skip
            state_target(
                unit=row.get("unit") or "",
                person=row.get("person") or "",
                percent=row.get("percent") or "",
                valid_from=first,
                valid_to=last,
                proof=row.get("proof") or "",
                actor=actor,
                now=now,
                place=place,
            )
    return len(rows)


def _unable(code: str, message: str, place: str, remedy: str) -> UnableToStateTarget:
    return UnableToStateTarget(code=code, message=message, place=place, remedy=remedy)
