"""Load a pack's tariff documents."""

import hashlib
from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from mains.engine.tariff import read_document, read_tariff
from mains.tariffs.models import Tariff, TariffEdition


@transaction.atomic
def load_tariffs(*, documents: Mapping[str, str], known_at: datetime) -> dict[str, int]:
    """Store each document as the first edition of its tariff; tariff ids by code.

    One that is stored already stays as it is. Raises UnableToReadTariff, naming every faulty clause, before anything
    is stored of that document.
    """
    ids = {}
    for name, text in documents.items():
        document = read_document(text, name=name)
        checked = read_tariff(document)
        assert isinstance(document, Mapping), "A tariff that was read is a mapping."
        title = document.get("title", checked.code)
        tariff, _ = Tariff.objects.get_or_create(
            code=checked.code,
            defaults={
                "name": next(iter(title.values())) if isinstance(title, Mapping) else title,
                "service": document["service"],
                "currency": document["currency"],
            },
        )
        TariffEdition.objects.get_or_create(
            tariff=tariff,
            superseded_at=None,
            checksum=hashlib.sha256(text.encode()).hexdigest(),
            defaults={"document": text, "recorded_at": known_at},
        )
        ids[checked.code] = tariff.pk
    return ids
