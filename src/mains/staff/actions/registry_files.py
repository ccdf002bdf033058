"""Files of the organisation's units."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import models

from mains.base.staged_rows import Field, StagedRows, choice, day, import_rows
from mains.staff.actions.registry import UnableToPlaceUnit, found_unit
from mains.staff.models import Organisation
from mains.staff.values import OrganisationKind

UNITS = (
    Field("code"),
    Field("name"),
    Field("kind", choice(OrganisationKind)),
    Field("parent", is_needed=False),
    Field("valid_from", day),
)


def import_units(
    *, content: bytes, actor: models.Model | None, now: datetime, proof: str, is_trial: bool = False
) -> StagedRows:
    """Found the units of a CSV file (columns UNITS), parents before what stands below them."""

    def write(row: Mapping[str, Any]) -> None:
        # A parent may stand in a line above, so it is looked up as each line is written.
        parent = Organisation.objects.filter(code=row["parent"]).first() if row["parent"] else None
        if row["parent"] and parent is None:
            raise UnableToPlaceUnit(
                code="parent-unknown",
                message=f"There is no unit {row['parent']} yet.",
                remedy="Put the parent in a line above.",
                params={"field": "parent"},
            )
        found_unit(
            code=row["code"],
            name=row["name"],
            kind=row["kind"],
            parent=parent,
            valid_from=row["valid_from"],
            actor=actor,
            now=now,
            proof=proof,
        )

    return import_rows(content=content, fields=UNITS, write=write, is_trial=is_trial)
