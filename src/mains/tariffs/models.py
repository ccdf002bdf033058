"""Dated tariffs as data, and the drafts they come from. The document is the tariff; nothing is derived from it outside
the engine.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from mains.base.facts import Recorded
from mains.tariffs.values import DraftState, DraftStepKind


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


class HourlyPrices(models.Model):
    """A day of a series of prices by the hour, or by a part of it, from `start_at`, the midnight of `clock`, on: the
    fact behind quantities that tariffs price hour by hour.

    `values_micro` are 10^-6 of `unit` (EUR/MWh) and may be negative. Append-only: what is corrected is a new revision
    of the whole day.
    """

    series = models.CharField(max_length=40)
    day = models.DateField()
    revision = models.SmallIntegerField()
    clock = models.CharField(max_length=40)
    start_at = models.DateTimeField()
    step_minutes = models.SmallIntegerField()
    unit = models.CharField(max_length=40)
    values_micro = ArrayField(models.BigIntegerField())
    recorded_at = models.DateTimeField(db_index=True)
    recorded_by = models.ForeignKey(
        "staff.User", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    proof = models.CharField(max_length=200)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["series", "day", "revision"], name="one_revision_of_a_day_of_prices"
            ),
        ]


class TariffDraft(models.Model):
    """A document on its way to an edition. `revision` counts its saves: a save names the one it was made from.

    `past_reason` says why prices of days gone by change. The tariff may be new, so it is named by its code.
    """

    code = models.CharField(max_length=80, db_index=True)
    title = models.CharField(max_length=200)
    base_edition = models.ForeignKey(
        TariffEdition, null=True, on_delete=models.PROTECT, related_name="drafts", db_index=False
    )
    document = models.TextField()
    revision = models.IntegerField(default=1)
    state = models.CharField(max_length=10, choices=DraftState, default=DraftState.DRAFT)
    past_reason = models.CharField(max_length=500, blank=True)
    changed_at = models.DateTimeField()
    edition = models.ForeignKey(
        TariffEdition, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=DraftState.values), name="draft_state_is_known"
            ),
            # What was published names its edition, and nothing else does.
            models.CheckConstraint(
                condition=models.Q(state=DraftState.PUBLISHED, edition__isnull=False)
                | (~models.Q(state=DraftState.PUBLISHED) & models.Q(edition__isnull=True)),
                name="published_draft_has_edition",
            ),
        ]


class TariffDraftStep(models.Model):
    """What happened to a draft: by whom, when, why, and the document as it was then. Append-only."""

    draft = models.ForeignKey(TariffDraft, on_delete=models.PROTECT, related_name="steps")
    kind = models.CharField(max_length=10, choices=DraftStepKind)
    at = models.DateTimeField()
    by = models.ForeignKey("staff.User", on_delete=models.PROTECT, related_name="+", db_index=False)
    reason = models.CharField(max_length=500, blank=True)
    revision = models.IntegerField()
    document = models.TextField(blank=True)


class TariffCase(Recorded):
    """Facts and the bill that they must give, as `mains rate` reads them, without the tariff itself.

    Without a draft it belongs to the tariff of that code; a draft's case of the same name stands in its place, and
    takes it when the draft is published. `is_dropped`: the draft leaves the tariff's case of that name out.
    """

    code = models.CharField(max_length=80)
    draft = models.ForeignKey(TariffDraft, null=True, on_delete=models.PROTECT, related_name="cases")
    name = models.CharField(max_length=120)
    document = models.TextField(blank=True)
    is_dropped = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["code", "name"],
                condition=models.Q(superseded_at__isnull=True, draft__isnull=True),
                name="one_case_of_a_tariff_by_name",
            ),
            models.UniqueConstraint(
                fields=["draft", "name"],
                condition=models.Q(superseded_at__isnull=True, draft__isnull=False),
                name="one_case_of_a_draft_by_name",
            ),
        ]
