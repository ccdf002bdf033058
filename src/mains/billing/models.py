"""Bill runs and what they made. Bills and lines are append-only, partitioned by month, written in bulk."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from mains.base.facts import Recorded, Withdrawal
from mains.billing.values import LineKind, LookOutcome, RunKind, RunStatus, WhatIfStatus


class BillRun(models.Model):
    """One month's billing of one cycle, or a recalculation, final settlement or on-site bill between two of these.

    Facts recorded after `facts_as_of` belong to the next run. A recalculation and a settlement bear the month that is
    open: the one after the last month billed. Their accounts are those of `BillRunAccount`, in the order of their
    positions.

    Ids are planned before posting, so a run that was killed and resumed writes the same rows as an undisturbed
    one. An account's position is its place among the accounts up to `last_account_id` in the order of bucket and
    id; its bill is `first_bill_id` + position, its entries begin at `first_entry_id` + position ×
    `entries_per_account`. A slice's transaction is `first_transaction_id` + its first bucket.
    """

    kind = models.CharField(max_length=13, choices=RunKind, default=RunKind.MONTHLY)
    month = models.DateField()
    cycle = models.CharField(max_length=20)
    # The one account that a recalculation was asked for, or that is settled or billed on site; empty where a run looks
    # at all.
    account = models.ForeignKey(
        "customers.Account", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    status = models.CharField(max_length=10, choices=RunStatus)
    # The last day that an on-site bill covers.
    billed_through = models.DateField(null=True)
    facts_as_of = models.DateTimeField()
    issued_on = models.DateField()
    due_on = models.DateField()
    first_bill_id = models.BigIntegerField()
    first_entry_id = models.BigIntegerField()
    entries_per_account = models.SmallIntegerField()
    first_transaction_id = models.BigIntegerField()
    last_account_id = models.BigIntegerField()
    slice_count = models.SmallIntegerField()
    accounts = models.IntegerField()
    created_at = models.DateTimeField()
    created_by = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")
    posted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["month", "cycle"],
                condition=models.Q(kind=RunKind.MONTHLY),
                name="one_run_per_month_and_cycle",
            )
        ]
        # Between two months there may be many thousands of runs of one account: a new one must not read them all.
        indexes = [
            models.Index(fields=["cycle", "facts_as_of"], name="run_by_facts"),
            models.Index(
                fields=["cycle"], name="run_unfinished", condition=~models.Q(status=RunStatus.POSTED)
            ),
            models.Index(
                fields=["facts_as_of"], name="run_of_all_by_facts", condition=models.Q(account=None)
            ),
            models.Index(
                fields=["facts_as_of"], name="run_of_one_by_facts", condition=~models.Q(account=None)
            ),
        ]


class BillRunAccount(models.Model):
    """An account that a recalculation or settlement looks at, with its position in the run. Planned with the run, never
    changed."""

    pk = models.CompositePrimaryKey("run_id", "position")
    run = models.ForeignKey(BillRun, on_delete=models.PROTECT, related_name="listed", db_index=False)
    position = models.IntegerField()
    account_id = models.BigIntegerField()

    class Meta:
        constraints = [
            # An account's recalculations and settlements: what was posted before.
            models.UniqueConstraint(fields=["account_id", "run"], name="account_once_per_recalculation")
        ]


class BillRunBucket(models.Model):
    """A bucket, or a numbered slice of a recalculation, that a stage of the run has finished, in the transaction that
    wrote its rows."""

    pk = models.CompositePrimaryKey("run_id", "stage", "bucket")
    run = models.ForeignKey(BillRun, on_delete=models.PROTECT, related_name="buckets", db_index=False)
    stage = models.CharField(max_length=10)  # usage, bills
    bucket = models.SmallIntegerField()
    rows_written = models.IntegerField()
    amount_minor = models.BigIntegerField()
    done_at = models.DateTimeField()


class BillException(models.Model):
    """Something in a run that a person should look at: an account not billed, or billed oddly.

    `account_id` is empty where the matter is a service point for which nobody pays.
    """

    run = models.ForeignKey(BillRun, on_delete=models.PROTECT, related_name="exceptions")
    account_id = models.BigIntegerField(null=True)
    service_point_id = models.BigIntegerField(null=True)
    code = models.CharField(max_length=40)
    message = models.TextField()
    blocking = models.BooleanField()


class Bill(models.Model):
    """One account's bill for one month. The number shown to people is `month` and `id` (see `bill_number`)."""

    pk = models.CompositePrimaryKey("month", "id")
    month = models.DateField()
    id = models.BigIntegerField()
    run_id = models.BigIntegerField()
    account_id = models.BigIntegerField()
    organisation_id = models.BigIntegerField()
    issued_on = models.DateField()
    due_on = models.DateField()
    amount_minor = models.BigIntegerField()
    correction_minor = models.BigIntegerField()
    tax_minor = models.BigIntegerField()
    quantity_micro = models.BigIntegerField()
    estimated_days = models.SmallIntegerField()
    recorded_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "billing_bill"


class BillLine(models.Model):
    """One component of one agreement in one bill.

    `service_month` is the month of use; where it lies before the bill's month the line is a correction and
    `amount_minor` is what the facts now say less what was posted before.
    """

    pk = models.CompositePrimaryKey("month", "bill_id", "line")
    month = models.DateField()
    bill_id = models.BigIntegerField()
    line = models.SmallIntegerField()
    agreement_id = models.BigIntegerField()
    service_point_id = models.BigIntegerField()
    tariff_edition_id = models.IntegerField()
    service_month = models.DateField()
    component = models.CharField(max_length=40)
    kind = models.CharField(max_length=12, choices=LineKind)
    from_date = models.DateField()
    to_date = models.DateField()
    quantity_micro = models.BigIntegerField()
    amount_minor = models.BigIntegerField()

    class Meta:
        managed = False
        db_table = "billing_billline"


class CarriedBalance(models.Model):
    """What an item leaves of one balance of its tariff at the end of `to_date` (exclusive), in micro-units of `unit`.

    Append-only: what later facts change is a new revision; an empty value says that the item is there no more. What
    ends on the day on which an item of the same account and service point begins is what that one opens with.
    """

    pk = models.CompositePrimaryKey("month", "account_id", "agreement_id", "balance", "revision")
    month = models.DateField()  # of use
    account_id = models.BigIntegerField()
    agreement_id = models.BigIntegerField()
    balance = models.CharField(max_length=40)
    revision = models.SmallIntegerField()
    service_point_id = models.BigIntegerField()
    to_date = models.DateField()
    unit = models.CharField(max_length=20)
    value_micro = models.BigIntegerField(null=True)
    run_id = models.BigIntegerField()
    recorded_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "billing_carriedbalance"


class OpeningBalance(Recorded):
    """What is carried into a month from outside: by another system, or by a ruling. Counts for the account's first
    item of the service point in that month, and goes before what the last bill left. Micro-units of `unit`."""

    account = models.ForeignKey(
        "customers.Account", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    service_point = models.ForeignKey(
        "network.ServicePoint", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    balance = models.CharField(max_length=40)
    month = models.DateField()
    unit = models.CharField(max_length=20)
    value_micro = models.BigIntegerField()

    class Meta:
        constraints = [
            # One belief at a time; and the way of a slice to the openings of its accounts.
            models.UniqueConstraint(
                fields=["account", "service_point", "balance", "month"],
                condition=models.Q(superseded_at=None),
                name="one_opening_balance_at_a_time",
            )
        ]


class OpeningBalanceWithdrawal(Withdrawal):
    """Why an opening balance does not hold after all."""

    fact = models.OneToOneField(
        OpeningBalance, primary_key=True, on_delete=models.PROTECT, related_name="withdrawal"
    )


class RecalculationLook(models.Model):
    """When a worker last looked for accounts of a cycle that late facts touch, and what came of it.

    Where more accounts are touched than may be corrected unasked, it waits until somebody agrees. `looked_at` is by the
    wall clock, in a demonstration too. No row: nobody has looked yet.
    """

    cycle = models.CharField(max_length=20, primary_key=True)
    looked_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=10, choices=LookOutcome)
    touched = models.IntegerField(default=0)
    at_most = models.IntegerField(default=0)
    run = models.ForeignKey(BillRun, null=True, on_delete=models.PROTECT, related_name="+")
    message = models.TextField(blank=True)
    remedy = models.TextField(blank=True)
    agreed_at = models.DateTimeField(null=True)
    agreed_by = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")


class WhatIf(models.Model):
    """A trial of draft tariffs over the utility, and what came out; nothing of it is posted.

    `drafts` holds {replaces, document}, and {draft_id, title, revision} of a draft of the tariff editor;
    `organisation_ids` are the units whose accounts it covers, none for all.
    `result` as `billing.queries.whatif.totals` gives it.
    """

    status = models.CharField(max_length=10, choices=WhatIfStatus)
    month_from = models.DateField()
    month_to = models.DateField()
    projected_months = ArrayField(models.DateField())
    drafts = models.JSONField()
    organisation_ids = ArrayField(models.BigIntegerField(), null=True)
    facts_as_of = models.DateTimeField()
    created_at = models.DateTimeField()
    created_by = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    slices = models.SmallIntegerField(default=0)
    slices_done = models.SmallIntegerField(default=0)
    fault = models.TextField(blank=True)
    result = models.JSONField(null=True)


class OnSiteBill(models.Model):
    """A bill made at the door, once per idempotency key. Append-only.

    `run` and `bill_id` are empty where there was nothing to post. `asked_hash` is that of everything that was asked
    for, so that a key cannot come again with another wish. `captured_at` is when the officer read, `recorded_at` when
    it arrived; `printed_minor` what a bill made without a connection said, if one was.
    """

    idempotency_key = models.CharField(max_length=80, unique=True)
    asked_hash = models.CharField(max_length=64)
    account = models.ForeignKey("customers.Account", on_delete=models.PROTECT, related_name="+")
    run = models.ForeignKey(BillRun, null=True, on_delete=models.PROTECT, related_name="+")
    month = models.DateField()
    bill_id = models.BigIntegerField(null=True)
    billed_through = models.DateField()
    amount_minor = models.BigIntegerField()
    balance_before_minor = models.BigIntegerField()
    printed_minor = models.BigIntegerField(null=True)
    latitude_micro = models.IntegerField(null=True)
    longitude_micro = models.IntegerField(null=True)
    accuracy_m = models.IntegerField(null=True)
    captured_at = models.DateTimeField()
    officer = models.CharField(max_length=100)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")
