"""Publish a tariff document: checked by the engine, stored as the edition in force."""

import hashlib
from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from mains.base.units import UNIT_OF_SERVICE
from mains.engine.tariff import read_document, read_tariff
from mains.kernel.errors import MainsError
from mains.tariffs.models import Tariff, TariffEdition


class UnableToPublishTariff(MainsError):
    """The document is a tariff, but not one that may follow the edition in force."""


@transaction.atomic
def publish_tariff(
    *, document: str, now: datetime, published_by_id: int | None = None, proof: str = "", name: str = "tariff"
) -> TariffEdition:
    """Store a tariff document as the edition in force from `now` on; earlier instants still read the one before.

    People publish by way of a draft (`actions/decisions.py`), which asks a second person; this is the last step of it.

    The document is the whole tariff with all its dated versions. Publishing the very document in force changes nothing.
    `proof` names the order or decision behind it, `name` the file in messages. Raises UnableToReadDocument or
    UnableToReadTariff with every faulty clause, or UnableToPublishTariff when service or currency would change.
    """
    data = read_document(document, name=name)
    checked = read_tariff(data)
    assert isinstance(data, Mapping), "A tariff that was read is a mapping."
    unit = UNIT_OF_SERVICE.get(checked.service)
    if unit is not None and str(checked.units.use) != unit:
        raise UnableToPublishTariff(
            code="unit-of-service",
            message=f"The use of {checked.service} is kept in {unit} here, the document counts it in"
            f" {checked.units.use}.",
            place=f"{name}: unit",
            remedy=f"Write `unit: {unit}`; prices may name another unit of energy or volume, they are converted"
            " exactly.",
        )
    title = data.get("title", checked.code)
    label = str(next(iter(title.values())) if isinstance(title, Mapping) else title)
    tariff, _ = Tariff.objects.select_for_update().get_or_create(
        code=checked.code,
        defaults={"name": label, "service": checked.service, "currency": checked.currency},
    )
    if (tariff.service, tariff.currency) != (checked.service, checked.currency):
        raise UnableToPublishTariff(
            code="tariff-identity",
            message=f"Tariff {tariff.code} is for {tariff.service} in {tariff.currency}.",
            place=f"{name}: {checked.service}, {checked.currency}",
            remedy="Publish it under another code; agreements name the tariff by its code.",
        )
    if tariff.name != label:
        tariff.name = label
        tariff.save(update_fields=["name"])
    checksum = hashlib.sha256(document.encode()).hexdigest()
    present = TariffEdition.objects.filter(tariff=tariff, superseded_at=None).first()
    if present is not None:
        if present.checksum == checksum:
            return present
        if present.recorded_at >= now:
            raise UnableToPublishTariff(
                code="edition-out-of-order",
                message=f"Tariff {tariff.code} has an edition of {present.recorded_at}, not before {now}.",
                place=name,
                remedy="Publish the document at a later time.",
            )
        present.superseded_at = now
        present.save(update_fields=["superseded_at"])
    return TariffEdition.objects.create(
        tariff=tariff,
        document=document,
        checksum=checksum,
        recorded_at=now,
        recorded_by_id=published_by_id,
        proof=proof,
    )
