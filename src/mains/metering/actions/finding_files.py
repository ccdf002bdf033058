"""Files of found errors of meters and of acts of unmetered use."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import models

from mains.base.staged_rows import Field, StagedRows, choice, day, hundredths, import_rows, micro, reference
from mains.kernel.errors import MainsError
from mains.metering.actions.findings import record_meter_error, record_unmetered_use
from mains.metering.actions.registry_files import ZONES
from mains.metering.models import Meter
from mains.metering.values import UnmeteredReason, Zone
from mains.network.queries.points import find_point_id


class UnableToImportFinding(MainsError):
    """There is no such meter, several have the serial, or it has no such zone."""


def import_meter_errors(
    *, content: bytes, actor: models.Model | None, now: datetime, is_trial: bool = False
) -> StagedRows:
    """Record the found errors of a CSV file: serial, model (where several meters share a serial), zone (total when left
    out), percent, valid_from, valid_to, proof."""
    fields = (
        Field("serial"),
        Field("model", is_needed=False, default=""),
        _zone_field(),
        Field("percent", hundredths),
        Field("valid_from", day),
        Field("valid_to", day, is_needed=False),
        Field("proof"),
    )

    def write(row: Mapping[str, Any]) -> None:
        record_meter_error(
            register_id=_register_id(row),
            percent_hundredths=row["percent"],
            valid_from=row["valid_from"],
            valid_to=row["valid_to"],
            proof=row["proof"],
            actor=actor,
            now=now,
        )

    return import_rows(content=content, fields=fields, write=write, is_trial=is_trial)


def import_unmetered_use(
    *, content: bytes, actor: models.Model | None, now: datetime, is_trial: bool = False
) -> StagedRows:
    """Record the acts of a CSV file: service_point, zone (total when left out), quantity, reason, valid_from, valid_to,
    proof."""
    fields = (
        Field("service_point", reference(lambda code: find_point_id(code=code), name="service point")),
        _zone_field(),
        Field("quantity", micro),
        Field("reason", choice(UnmeteredReason)),
        Field("valid_from", day),
        Field("valid_to", day),
        Field("proof"),
    )

    def write(row: Mapping[str, Any]) -> None:
        record_unmetered_use(
            service_point_id=row["service_point"],
            zone=ZONES[row["zone"]],
            amount_micro=row["quantity"],
            reason=row["reason"],
            valid_from=row["valid_from"],
            valid_to=row["valid_to"],
            proof=row["proof"],
            actor=actor,
            now=now,
        )

    return import_rows(content=content, fields=fields, write=write, is_trial=is_trial)


def _zone_field() -> Field:
    return Field(
        "zone",
        reference(lambda name: name if name in ZONES else None, name="zone"),
        is_needed=False,
        default=Zone.TOTAL.name.lower(),
    )


def _register_id(row: Mapping[str, Any]) -> int:
    meters = Meter.objects.filter(serial=row["serial"])
    if row["model"]:
        meters = meters.filter(model=row["model"])
    found = list(meters[:2])
    if len(found) != 1:
        raise UnableToImportFinding(
            code="meter-unknown" if not found else "meter-several",
            message=f"There is no meter {row['serial']}."
            if not found
            else f"Several meters have the serial {row['serial']}.",
            remedy="Check the serial number and give the model.",
            params={"field": "serial"},
        )
    register = found[0].registers.filter(zone=ZONES[row["zone"]]).first()
    if register is None:
        raise UnableToImportFinding(
            code="zone-unknown",
            message=f"The meter has no register of zone {row['zone']}.",
            remedy="Name one of its zones.",
            params={"field": "zone"},
        )
    return int(register.pk)
