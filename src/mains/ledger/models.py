"""The double-entry journal, the customers' sub-ledger, and how credits meet debts. All append-only.

`Posting` rows of a transaction sum to zero (checked by the database at commit). `Entry` rows are the
sub-ledger behind the receivable control account: per transaction they sum to its receivable postings.
"""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models

from mains.base.facts import DatedFact
from mains.ledger.values import (
    AdvanceMovementKind,
    Book,
    Control,
    EntryKind,
    PenaltyOrder,
    PeriodEventKind,
    PolicyRule,
    TransactionKind,
)


class Transaction(models.Model):
    """One balanced event. A source posts at most once per part, which makes posting safe to repeat."""

    kind = models.CharField(max_length=20, choices=TransactionKind)
    source_id = models.BigIntegerField()
    part = models.SmallIntegerField(default=0)
    business_date = models.DateField()
    recorded_at = models.DateTimeField()
    narrative = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "source_id", "part"], name="posted_once")]


class Posting(models.Model):
    """One side of a transaction on a control account: debit positive, credit negative, in minor units.

    `correction_minor` is the part of a receivable posting that recalculates earlier months: the sum of its
    entries' `correction_minor`. With it a statement over the whole utility is read from postings alone.
    """

    transaction = models.ForeignKey(
        Transaction, on_delete=models.PROTECT, related_name="postings", db_index=False
    )
    control = models.CharField(max_length=20, choices=Control)
    organisation_id = models.BigIntegerField()
    provider_id = models.BigIntegerField()
    service = models.CharField(max_length=20)
    amount_minor = models.BigIntegerField()
    correction_minor = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        # The check of balance at commit asks for the last posting of a transaction.
        indexes = [models.Index(fields=["transaction", "id"], name="posting_of_transaction")]


class Entry(models.Model):
    """A customer's current-account entry: what an account owes more (positive) or less (negative).

    A positive entry is an open item until allocations cover it. `correction_minor` is the part of the amount
    that recalculates earlier months. Partitioned by month of business date; written in bulk.
    """

    pk = models.CompositePrimaryKey("month", "id")
    month = models.DateField()
    id = models.BigIntegerField()
    transaction_id = models.BigIntegerField()
    account_id = models.BigIntegerField()
    organisation_id = models.BigIntegerField()
    provider_id = models.BigIntegerField()
    service = models.CharField(max_length=20)
    kind = models.CharField(max_length=10, choices=EntryKind)
    amount_minor = models.BigIntegerField()
    correction_minor = models.BigIntegerField()
    business_date = models.DateField()
    due_date = models.DateField(null=True)
    document_id = models.BigIntegerField()
    recorded_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "ledger_entry"


class Allocation(models.Model):
    """Part of a credit entry that covers part of an open item. Reversed by a negative row, never edited."""

    account_id = models.BigIntegerField(db_index=True)
    item_id = models.BigIntegerField(db_index=True)
    credit_id = models.BigIntegerField(db_index=True)
    amount_minor = models.BigIntegerField()
    business_date = models.DateField()
    recorded_at = models.DateTimeField()


class FixedAllocation(models.Model):
    """A credit that covers this item and no other, whatever the order of dates: a write-off its debt, a counter
    posting what it undoes. Undone by a negative row; append-only."""

    account_id = models.BigIntegerField(db_index=True)
    item_id = models.BigIntegerField()
    credit_id = models.BigIntegerField()
    amount_minor = models.BigIntegerField()
    recorded_at = models.DateTimeField()


class Deferral(models.Model):
    """Part of an item that is due on another day than its entry says, from a business date on: an instalment of a plan,
    or, without a plan, a charge that a later invoice asks for.

    What is left of the item is due in its latest parts. A negative row lifts a part from its business date on, or
    takes an earlier row back. `is_first`: money covers it before all else; `rests`: late interest rests meanwhile.
    Append-only.
    """

    account_id = models.BigIntegerField(db_index=True)
    item_id = models.BigIntegerField(db_index=True)
    plan_id = models.BigIntegerField(null=True)
    due_date = models.DateField()
    amount_minor = models.BigIntegerField()
    business_date = models.DateField()
    is_first = models.BooleanField()
    rests = models.BooleanField()
    recorded_at = models.DateTimeField()


class AdvanceMovement(models.Model):
    """The sub-ledger behind the control account of advances: what came in (positive), was used or given back.

    Append-only. `advance_id` is the document that asked for it; `entry_id` and `item_id` are what a use posted on the
    account and the debt that it covered.
    """

    advance_id = models.BigIntegerField(db_index=True)
    account_id = models.BigIntegerField(db_index=True)
    organisation_id = models.BigIntegerField()
    provider_id = models.BigIntegerField()
    service = models.CharField(max_length=20)
    kind = models.CharField(max_length=10, choices=AdvanceMovementKind)
    amount_minor = models.BigIntegerField()
    transaction = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="+")
    entry_id = models.BigIntegerField(null=True)
    item_id = models.BigIntegerField(null=True)
    business_date = models.DateField()
    recorded_at = models.DateTimeField()


class ChartAccount(models.Model):
    """An account of the utility's chart: how its accountants number a control account, for all services or for one."""

    control = models.CharField(max_length=20, choices=Control)
    service = models.CharField(max_length=20, blank=True)
    code = models.CharField(max_length=20)
    name = models.CharField(max_length=100)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["control", "service"], name="one_code_a_control")]


class PeriodEvent(models.Model):
    """Through which day a book is closed, since when and by whom. Append-only; the book's last one that closes or
    reopens counts. Bills need everything closed to be refused, all other transactions either book.

    `through` is the last closed day after the event, None when none is; of a request, the last day that would stay
    closed. A closing keeps `balances`, minor units at the end of that day by control account, and the head of the
    chain of seals.
    """

    kind = models.CharField(max_length=20, choices=PeriodEventKind)
    book = models.CharField(max_length=20, choices=Book)
    through = models.DateField(null=True)
    reason = models.CharField(max_length=200, blank=True)
    request = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="decisions")
    balances = models.JSONField(default=dict)
    head = models.CharField(max_length=64, blank=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        "staff.User", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["request"], name="one_decision_a_request"),
        ]


class Seal(models.Model):
    """The fingerprint of a transaction with its postings and entries, chained to the seal before. Append-only."""

    transaction = models.OneToOneField(Transaction, on_delete=models.PROTECT, related_name="seal")
    content = models.BinaryField(max_length=32)
    chain = models.BinaryField(max_length=32)
    sealed_at = models.DateTimeField()


class AllocationPolicy(DatedFact):
    """Which debts payments of these dates cover first, in the whole utility; without one the oldest.

    `services`, of a policy service by service: those that come first, in this order; all others follow.
    """

    rule = models.CharField(max_length=20, choices=PolicyRule)
    services = models.JSONField(default=list)
    penalty = models.CharField(
        max_length=20,
        choices=PenaltyOrder,
        default=PenaltyOrder.BY_DATE,
        db_default=PenaltyOrder.BY_DATE.value,
    )

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="one_policy_at_a_time",
                expressions=[("valid", RangeOperators.OVERLAPS)],
                condition=models.Q(superseded_at__isnull=True),
            )
        ]
