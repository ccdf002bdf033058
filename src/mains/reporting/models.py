"""Read models: rebuilt from the contexts below at any time, the source of nothing."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from mains.base.facts import DatedFact, one_at_a_time
from mains.reporting.values import HoleCause


class TokenKind(models.TextChoices):
    """What a searched word is, from the strongest; of two equal words of an account the stronger is kept."""

    NUMBER = "a", _("Account number")
    METER = "b", _("Meter serial number")
    PHONE = "c", _("Phone")
    NAME = "d", _("Name")
    ADDRESS = "e", _("Address")


class SearchToken(models.Model):
    """One folded word by which an account is found; rebuilt from the registry at any time, written in bulk.

    `organisation_id` is the account's, copied so that a person's scope is applied inside the index.
    """

    pk = models.CompositePrimaryKey("account_id", "token")
    account_id = models.BigIntegerField()
    token = models.CharField(max_length=60, db_collation="C")
    kind = models.CharField(max_length=1, choices=TokenKind)
    organisation_id = models.BigIntegerField()

    class Meta:
        indexes = [
            # Prefix search as you type: the C collation makes this B-tree serve ranges of prefixes, the included
            # columns make it enough to apply the scope and the ranking.
            models.Index(
                fields=["token", "account_id"],
                include=["organisation_id", "kind"],
                name="search_token_prefix",
            )
        ]


class DocumentText(models.Model):
    """A sentence that the utility puts on its documents, in one language: `bill_title`, `bill_note`, …

    It comes from the utility's pack; a document in a language without one takes the wording of Mains.
    """

    name = models.CharField(max_length=40)
    language = models.CharField(max_length=10)
    text = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "language"], name="one_text_per_language")]


class PaymentCode(models.Model):
    """A QR code that a supplier's bills carry: its standard and what the standard wants to know, in the order of
    printing. A setting of how documents look, as the texts above."""

    party = models.ForeignKey("customers.Party", on_delete=models.PROTECT, related_name="+", db_index=False)
    position = models.SmallIntegerField()
    standard = models.CharField(max_length=10)
    settings = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["party", "position"], name="one_payment_code_per_position"),
            models.UniqueConstraint(fields=["party", "standard"], name="one_payment_code_per_standard"),
        ]


class AgeingFigure(models.Model):
    """What a unit's customers owed at the end of a date, by how long it was overdue; written by a job.

    `accounts` counts accounts with an item of that age; one account may count under several ages.
    """

    on_date = models.DateField()
    organisation_id = models.BigIntegerField()
    age = models.CharField(max_length=10)
    amount_minor = models.BigIntegerField()
    accounts = models.IntegerField()
    computed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["on_date", "organisation_id", "age"], name="one_ageing_figure")
        ]


class AccountFigure(models.Model):
    """How many open accounts a unit itself has on a date, and how many of them without a field officer."""

    organisation_id = models.BigIntegerField(primary_key=True)
    accounts = models.IntegerField()
    unmapped = models.IntegerField()
    on_date = models.DateField()
    computed_at = models.DateTimeField()


class MonthFigure(models.Model):
    """What a posted run billed in a unit itself; it never changes, since a posted run does not."""

    pk = models.CompositePrimaryKey("run_id", "organisation_id")
    run_id = models.BigIntegerField()
    organisation_id = models.BigIntegerField()
    bills = models.IntegerField()
    quantity_micro = models.BigIntegerField()
    estimated_days = models.BigIntegerField()


class CompletenessCheck(models.Model):
    """What became of every service-point-day of some months, before `until`.

    `counts` holds {organisation_id (none where nobody pays), month, state, days}.
    """

    month_from = models.DateField()
    month_to = models.DateField()
    until = models.DateField()
    checked_at = models.DateTimeField()
    counts = models.JSONField()
    hole_count = models.IntegerField()


class CompletenessHole(models.Model):
    """Days of one service point in one month that are neither billed nor explained; bit 0 of `days` is the first."""

    completeness_check = models.ForeignKey(
        CompletenessCheck, on_delete=models.CASCADE, related_name="holes", db_index=False
    )
    service_point_id = models.BigIntegerField()
    account_id = models.BigIntegerField(null=True)
    organisation_id = models.BigIntegerField(null=True)
    month = models.DateField()
    cause = models.CharField(max_length=20, choices=HoleCause)
    days = models.BigIntegerField()
    day_count = models.SmallIntegerField()
    use_micro = models.BigIntegerField()

    class Meta:
        # Holes of a check as they are shown: most use at stake first.
        indexes = [models.Index(fields=["completeness_check", "-use_micro", "id"], name="hole_by_use")]


class TurnoverTally(models.Model):
    """What entries of a month come to, by everything that a statement is asked by: one row for all entries of one kind
    that were recorded at one instant. Append-only while it stands; computed again from the ledger at any time.

    Node, tariff, category and officer are those of the agreement in force on the entry's day, as known when the entry
    was recorded, so that computing it again gives the same. 0 and '' where there was none.
    """

    month = models.DateField()
    recorded_at = models.DateTimeField()
    organisation_id = models.BigIntegerField()
    node_id = models.BigIntegerField()
    officer_id = models.BigIntegerField()
    tariff_id = models.BigIntegerField()
    category = models.CharField(max_length=30)
    provider_id = models.BigIntegerField()
    service = models.CharField(max_length=20)
    opening_minor = models.BigIntegerField()
    accrued_minor = models.BigIntegerField()
    recalculated_minor = models.BigIntegerField()
    paid_minor = models.BigIntegerField()

    class Meta:
        indexes = [
            # Steps down the two trees read the rows of a few units or nodes.
            models.Index(fields=["organisation_id", "month"], name="turnover_of_unit"),
            models.Index(fields=["node_id", "month"], name="turnover_of_node"),
        ]


class TalliedTransaction(models.Model):
    """A transaction of the ledger whose entries are in the tallies."""

    transaction_id = models.BigIntegerField(primary_key=True)


class KeptStatement(models.Model):
    """A statement of closed days as it was first printed: it is printed again from here. Append-only.

    `key` is what was asked for, in which form and language, and which closing it stands on.
    """

    key = models.CharField(max_length=64, unique=True)
    content = models.BinaryField()
    recorded_at = models.DateTimeField()


class CollectionTarget(DatedFact):
    """How much of what is billed a unit, or a person who answers for accounts, is to collect, in millionths."""

    organisation = models.ForeignKey(
        "staff.Organisation", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    officer = models.ForeignKey(
        "staff.User", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    subject = models.BigIntegerField()
    rate_ppm = models.IntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                # A unit's subject is its id, a person's the negative of it: one number for one exclusion.
                condition=models.Q(
                    organisation__isnull=False, officer__isnull=True, subject=models.F("organisation")
                )
                | models.Q(organisation__isnull=True, officer__isnull=False, subject=-models.F("officer")),
                name="target_of_unit_or_person",
            ),
            one_at_a_time(subject="subject", name="one_target_at_a_time"),
        ]
