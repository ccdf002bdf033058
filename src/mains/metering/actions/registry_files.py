"""Files of meters: each line is a meter with its registers, its place and what it showed there first."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import models

from mains.base.staged_rows import Field, StagedRows, day, import_rows, micro, reference, whole
from mains.kernel.errors import MainsError
from mains.metering.actions.registry import RegisterSpec, add_meter, install_meter
from mains.metering.values import Zone
from mains.network.queries.points import find_point_id, get_point

ZONES = {zone.name.lower(): zone.value for zone in Zone}


class UnableToImportMeter(MainsError):
    """The zones and opening readings of a line do not fit together."""


def import_meters(
    *, content: bytes, actor: models.Model | None, now: datetime, proof: str, is_trial: bool = False
) -> StagedRows:
    """Add and install the meters of a CSV file.

    Columns: serial, model, zones (`total`, or `day night`), digits, decimals, multiplier, made_year, verified_on,
    verify_by, service_point, installed_from, opening (a reading for each zone, in the order of zones), seal_number.
    """
    fields = (
        Field("serial"),
        Field("model"),
        Field("zones", is_needed=False, default="total"),
        Field("digits", whole(least=1, most=10)),
        Field("decimals", whole(least=0, most=6), is_needed=False, default=0),
        Field("multiplier", micro, is_needed=False, default=1_000_000),
        Field("made_year", whole(least=1900, most=2100), is_needed=False),
        Field("verified_on", day, is_needed=False),
        Field("verify_by", day, is_needed=False),
        Field("service_point", reference(lambda code: find_point_id(code=code), name="service point")),
        Field("installed_from", day),
        Field("opening"),
        Field("seal_number", is_needed=False, default=""),
    )

    def write(row: Mapping[str, Any]) -> None:
        opening = _opening(row)
        meter = add_meter(
            serial=row["serial"],
            model=row["model"],
            service=get_point(point_id=row["service_point"]).service,
            registers=[
                RegisterSpec(
                    zone=zone,
                    digits=row["digits"],
                    decimals=row["decimals"],
                    multiplier_micro=row["multiplier"],
                )
                for zone in opening
            ],
            made_year=row["made_year"],
            verified_on=row["verified_on"],
            verify_by=row["verify_by"],
        )
        install_meter(
            meter=meter,
            service_point_id=row["service_point"],
            installed_from=row["installed_from"],
            opening=opening,
            seal_number=row["seal_number"],
            actor=actor,
            now=now,
            proof=proof,
        )

    return import_rows(content=content, fields=fields, write=write, is_trial=is_trial)


def _opening(row: Mapping[str, Any]) -> dict[int, str]:
    """The text of the opening reading by zone."""
    names, texts = row["zones"].split(), row["opening"].split()
    wrong = [name for name in names if name not in ZONES]
    if wrong or len(set(names)) < len(names):
        raise UnableToImportMeter(
            code="zones-wrong",
            message=f"There is no zone {wrong[0]}." if wrong else "A zone is named twice.",
            remedy=f"The zones are: {', '.join(ZONES)}; write `total`, or `day night`.",
            params={"field": "zones"},
        )
    if len(texts) != len(names):
        raise UnableToImportMeter(
            code="opening-count",
            message=f"There are {len(names)} zones and {len(texts)} opening readings.",
            remedy="Give one for each zone, in the same order, with a space between.",
            params={"field": "opening"},
        )
    return dict(zip((ZONES[name] for name in names), texts, strict=True))
