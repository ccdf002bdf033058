"""Terms of late interest, limitation and provision as dated facts; interest posted; movements of debts and credits."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models

from mains.base.facts import DatedFact, Recorded, Withdrawal
from mains.debt.values import (
    InterestCause,
    Interruption,
    MovementKind,
    PlanEndingKind,
    PlanKind,
    PlanState,
    RefundWay,
    TermsKind,
)


class InterestTerms(DatedFact):
    """The rule of late interest for debts due on these dates, of a service and category ("": all others).

    `document` is a rule as the engine reads it; with `key_rate`, its rates are those of the dated figures of that name.
    """

    service = models.CharField(max_length=20, blank=True)
    category = models.CharField(max_length=30, blank=True)
    document = models.TextField()
    key_rate = models.CharField(max_length=40, blank=True)


class KeyRate(DatedFact):
    """A rate that others publish, percent, as of dates."""

    code = models.CharField(max_length=40)
    percent = models.DecimalField(max_digits=9, decimal_places=6)


class LimitationTerms(DatedFact):
    """After how many years from the due date a debt due on these dates cannot be sued for any more."""

    service = models.CharField(max_length=20, blank=True)
    years = models.SmallIntegerField()
    interruption = models.CharField(max_length=20, choices=Interruption)


class ProvisionTerms(DatedFact):
    """Percent of a debt that is doubtful, by how long it is overdue (`Age`), in balances of these dates."""

    percents = models.JSONField()

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="one_provision_at_a_time",
                expressions=[("valid", RangeOperators.OVERLAPS)],
                condition=models.Q(superseded_at__isnull=True),
            )
        ]


class InterestRun(models.Model):
    """Interest posted to all accounts, or to some, as of the end of `until`. Append-only."""

    until = models.DateField()
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        "staff.User", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )


class InterestLine(models.Model):
    """What a run posted for one item: the difference between its interest until `until` and what was posted before.

    `correction_minor` is the part of it that corrects earlier runs. Append-only.
    """

    run = models.ForeignKey(InterestRun, on_delete=models.PROTECT, related_name="lines")
    entry_id = models.BigIntegerField(null=True)
    account_id = models.BigIntegerField(db_index=True)
    provider_id = models.BigIntegerField()
    service = models.CharField(max_length=20)
    item_id = models.BigIntegerField()
    terms = models.ForeignKey(InterestTerms, null=True, on_delete=models.PROTECT, related_name="+")
    days = models.IntegerField()
    total_minor = models.BigIntegerField()
    amount_minor = models.BigIntegerField()
    correction_minor = models.BigIntegerField()
    cause = models.CharField(max_length=10, choices=InterestCause)


class Movement(models.Model):
    """A write-off, refund, transfer or offset as proposed; posted when another person approves. Append-only.

    Money moves from account × provider × service; of a transfer or offset to the other place. `item_id` is the debt
    that is written off; `due_date` that of a debt which a transfer carries over.
    """

    kind = models.CharField(max_length=10, choices=MovementKind)
    account_id = models.BigIntegerField(db_index=True)
    organisation_id = models.BigIntegerField()
    provider_id = models.BigIntegerField()
    service = models.CharField(max_length=20)
    to_account_id = models.BigIntegerField(null=True, db_index=True)
    to_organisation_id = models.BigIntegerField(null=True)
    to_provider_id = models.BigIntegerField(null=True)
    to_service = models.CharField(max_length=20, blank=True)
    item_id = models.BigIntegerField(null=True)
    amount_minor = models.BigIntegerField()
    due_date = models.DateField(null=True)
    way = models.CharField(max_length=10, choices=RefundWay, blank=True)
    payee = models.CharField(max_length=140, blank=True)
    payee_account = models.CharField(max_length=40, blank=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        "staff.User", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )


class MovementPosting(models.Model):
    """A movement in the ledger: once posted, once posted back (`is_counter`). Append-only."""

    movement = models.ForeignKey(Movement, on_delete=models.PROTECT, related_name="postings")
    is_counter = models.BooleanField()
    transaction_id = models.BigIntegerField()
    business_date = models.DateField()
    reason = models.CharField(max_length=200, blank=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        "staff.User", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["movement", "is_counter"], name="moved_once")]


class Acknowledgement(Recorded):
    """A customer's acknowledgement of debts in writing on a day: of one debt (`item_id`), or of all that were due then,
    of a service or of all."""

    account = models.ForeignKey("customers.Account", on_delete=models.PROTECT, related_name="+")
    item_id = models.BigIntegerField(null=True)
    service = models.CharField(max_length=20, blank=True)
    acknowledged_on = models.DateField()
    document = models.CharField(max_length=200)


class AcknowledgementWithdrawal(Withdrawal):
    """Why an acknowledgement does not hold after all."""

    fact = models.OneToOneField(
        Acknowledgement, primary_key=True, on_delete=models.PROTECT, related_name="withdrawal"
    )


class RefundFile(models.Model):
    """Payment orders (pain.001) that went to the bank in one file. Append-only."""

    identifier = models.CharField(max_length=35, unique=True)
    content = models.BinaryField()
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        "staff.User", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )


class RefundOrder(models.Model):
    """A refund in a file of payment orders, once. Append-only."""

    movement = models.OneToOneField(Movement, on_delete=models.PROTECT, related_name="order")
    file = models.ForeignKey(RefundFile, on_delete=models.PROTECT, related_name="orders")
    end_to_end_id = models.CharField(max_length=35, unique=True)


class RefundAnswer(models.Model):
    """What the bank answered to a refund's order: accepted, or refused with a reason. Append-only."""

    order = models.ForeignKey(RefundOrder, on_delete=models.PROTECT, related_name="answers")
    is_accepted = models.BooleanField()
    code = models.CharField(max_length=10, blank=True)
    text = models.CharField(max_length=200, blank=True)
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "is_accepted"], name="answered_once_a_refund")
        ]


class RefundPayment(models.Model):
    """A refund that left the bank (the line of its statement) or the cash desk, once. Append-only."""

    movement = models.OneToOneField(Movement, on_delete=models.PROTECT, related_name="payment")
    bank_transaction_id = models.BigIntegerField(null=True, unique=True)
    paid_on = models.DateField()
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        "staff.User", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )


class Provision(models.Model):
    """What an allowance for doubtful debts would have to be at the end of a day, proposed; `lines` are (organisation,
    provider, service, required and posted minor units). Append-only."""

    on_date = models.DateField()
    lines = models.JSONField()
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        "staff.User", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )


class PlanTerms(DatedFact):
    """What holds for instalment plans of a kind that are made on these dates.

    A plan breaks when an instalment is unpaid `grace_days` after its due day. Above `approval_above_minor` a second
    person approves. Instalments are whole multiples of `step_minor`, the last takes the rest. `rests`: late
    interest rests while the plan holds. `interest_document`: the rule of the plan's own interest ("": none).
    """

    kind = models.CharField(max_length=15, choices=PlanKind)
    grace_days = models.SmallIntegerField()
    approval_above_minor = models.BigIntegerField()
    step_minor = models.BigIntegerField()
    rests = models.BooleanField()
    interest_document = models.TextField(blank=True)


class InstalmentPlan(models.Model):
    """Debts of an account to be paid in instalments, from the end of `start_date` on. Append-only.

    `replaces` is the plan whose rest it takes over. Whether it holds is told by `PlanAgreement` and `PlanEnding`, how
    it stands by the ledger.
    """

    kind = models.CharField(max_length=15, choices=PlanKind)
    account_id = models.BigIntegerField(db_index=True)
    organisation_id = models.BigIntegerField(db_index=True)
    start_date = models.DateField()
    terms = models.ForeignKey(PlanTerms, on_delete=models.PROTECT, related_name="plans")
    document = models.CharField(max_length=200, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    replaces = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="replacements")
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        "staff.User", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )


class PlanItem(models.Model):
    """What a plan covers of an item: all that was open of it. Append-only."""

    plan = models.ForeignKey(InstalmentPlan, on_delete=models.PROTECT, related_name="items")
    item_id = models.BigIntegerField(db_index=True)
    provider_id = models.BigIntegerField()
    service = models.CharField(max_length=20)
    due_date = models.DateField()
    amount_minor = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["plan", "item_id"], name="item_once_a_plan")]


class Instalment(models.Model):
    """What is to be paid by a day; number 0 is the down payment. Append-only."""

    plan = models.ForeignKey(InstalmentPlan, on_delete=models.PROTECT, related_name="instalments")
    number = models.SmallIntegerField()
    due_date = models.DateField()
    principal_minor = models.BigIntegerField()
    interest_minor = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["plan", "number"], name="instalment_once")]


class PlanAgreement(models.Model):
    """A plan holds: its sum is within the limit of its terms, or another person has approved. Append-only."""

    plan = models.OneToOneField(InstalmentPlan, on_delete=models.PROTECT, related_name="agreement")
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        "staff.User", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )


class PlanEnding(models.Model):
    """A plan that was cancelled or replaced, from the end of a day on, once. Append-only."""

    plan = models.OneToOneField(InstalmentPlan, on_delete=models.PROTECT, related_name="ending")
    kind = models.CharField(max_length=10, choices=PlanEndingKind)
    on_date = models.DateField()
    reason = models.CharField(max_length=200)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        "staff.User", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )


class PlanNote(models.Model):
    """How a plan was found to stand, kept when that had changed: a note on the account. Append-only."""

    plan = models.ForeignKey(InstalmentPlan, on_delete=models.PROTECT, related_name="notes")
    state = models.CharField(max_length=10, choices=PlanState)
    on_date = models.DateField()
    left_minor = models.BigIntegerField()
    recorded_at = models.DateTimeField()


class PlanInterestLine(models.Model):
    """Interest of an instalment as posted on its due day, or taken back (below zero). Append-only."""

    instalment = models.ForeignKey(Instalment, on_delete=models.PROTECT, related_name="interest_lines")
    account_id = models.BigIntegerField(db_index=True)
    entry_id = models.BigIntegerField(unique=True)
    amount_minor = models.BigIntegerField()
    recorded_at = models.DateTimeField()


class TermsChange(models.Model):
    """What a person asks to hold from a day on, as they wrote it, or which fact is to end there (`ends_id`).

    `content` are the fields of the form, `subject` what it is about in words. Append-only.
    """

    kind = models.CharField(max_length=20, choices=TermsKind)
    subject = models.CharField(max_length=200)
    content = models.JSONField()
    ends_id = models.BigIntegerField(null=True)
    organisation_id = models.BigIntegerField(null=True)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)
    proof = models.CharField(max_length=200)
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(
        "staff.User", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )


class TermsDecision(models.Model):
    """A change of terms carried out or refused, once. Append-only."""

    change = models.OneToOneField(TermsChange, on_delete=models.PROTECT, related_name="decision")
    agrees = models.BooleanField()
    note = models.CharField(max_length=200, blank=True)
    decided_at = models.DateTimeField()
    decided_by = models.ForeignKey(
        "staff.User", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
