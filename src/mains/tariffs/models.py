"""Dated tariffs as data. The document is the tariff; nothing is derived from it outside the engine."""

from django.db import models

from mains.base.facts import Recorded


class Tariff(models.Model):
    """A tariff that agreements name; its prices and formulas are in its editions."""

    code = models.CharField(max_length=80, unique=True)
    name = models.CharField(max_length=200)
    service = models.CharField(max_length=20)
    currency = models.CharField(max_length=3)

    def __str__(self) -> str:
        return self.name


class TariffEdition(Recorded):
    """The whole tariff document (all dated versions) as published; a new edition supersedes the last."""

    tariff = models.ForeignKey(Tariff, on_delete=models.PROTECT, related_name="editions")
    document = models.TextField()
    checksum = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tariff"],
                condition=models.Q(superseded_at__isnull=True),
                name="one_edition_in_force",
            )
        ]
