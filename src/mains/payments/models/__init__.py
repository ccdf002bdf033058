"""Payment registers and bank statements, and the receipts that come of them."""

from django.db import models

from mains.payments.models.online import (
    AcquirerDue,
    ChannelDay,
    ChannelToken,
    DeadLetter,
    PaymentChannel,
    PaymentOrder,
    Payout,
    PayoutPart,
)
from mains.payments.values import LineState, MatchRule, PayerKind, RegisterStatus

__all__ = [
    "AcquirerDue",
    "BankAccount",
    "BankBooking",
    "BankEntry",
    "BankFile",
    "BankStatement",
    "BankTransaction",
    "ChannelDay",
    "ChannelToken",
    "DeadLetter",
    "Deposit",
    "DepositArrival",
    "LearnedPayer",
    "PaymentChannel",
    "PaymentOrder",
    "PaymentRegister",
    "PaymentRegisterRow",
    "Payout",
    "PayoutPart",
    "Receipt",
    "ReceiptIdentification",
    "ReceiptReversal",
    "SuspenseOwner",
]


class PaymentRegister(models.Model):
    """A file of payments, staged whole, accepted in one transaction. The same file is known by its hash."""

    sha256 = models.CharField(max_length=64, unique=True)
    file_name = models.CharField(max_length=200)
    mapping = models.CharField(max_length=40)
    sender_code = models.CharField(max_length=40)
    status = models.CharField(max_length=10, choices=RegisterStatus)
    row_count = models.IntegerField()
    total_minor = models.BigIntegerField()
    unknown_count = models.IntegerField()
    unknown_minor = models.BigIntegerField()
    faults = models.JSONField(default=list)
    staged_at = models.DateTimeField()
    staged_by = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")


class PaymentRegisterRow(models.Model):
    """One payment of a staged register; `account_id` is empty where the account number is unknown."""

    register = models.ForeignKey(PaymentRegister, on_delete=models.PROTECT, related_name="rows")
    line = models.IntegerField()
    account_number = models.CharField(max_length=40)
    account_id = models.BigIntegerField(null=True)
    paid_on = models.DateField()
    amount_minor = models.BigIntegerField()
    reference = models.CharField(max_length=60)
    payer = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["register", "line"], name="one_row_per_line")]


class Receipt(models.Model):
    """Money received, once per idempotency key. Append-only; identified by a `ReceiptIdentification`.

    `money_control` is the control account on which the money was taken, `money_unit_id` the unit that has it there;
    empty for money at a bank, which is shown where the customers are.
    """

    idempotency_key = models.CharField(max_length=120, unique=True)
    register_id = models.BigIntegerField(null=True, db_index=True)
    bank_transaction_id = models.BigIntegerField(null=True, unique=True)
    account_id = models.BigIntegerField(null=True, db_index=True)
    account_number = models.CharField(max_length=40)
    payer = models.CharField(max_length=200, blank=True)
    reference = models.CharField(max_length=60)
    paid_on = models.DateField()
    amount_minor = models.BigIntegerField()
    money_control = models.CharField(max_length=20, default="bank", db_default="bank")
    money_unit_id = models.BigIntegerField(null=True)
    channel_id = models.BigIntegerField(null=True)
    order_id = models.BigIntegerField(null=True)
    recorded_at = models.DateTimeField()

    class Meta:
        indexes = [
            # The day's reconciliation with an agent lists its receipts of a day.
            models.Index(
                fields=["channel_id", "paid_on"],
                name="receipt_of_channel",
                condition=models.Q(channel_id__isnull=False),
            )
        ]


class ReceiptIdentification(models.Model):
    """Money in suspense found its account, several accounts (a row each), or its way back to the payer.

    `amount_minor` is empty where the whole receipt went to one account; `account_id` where it is returned. With
    `advance_id` it waits as an advance of the account until bills use it.
    """

    receipt = models.ForeignKey(Receipt, on_delete=models.PROTECT, related_name="identifications")
    part = models.SmallIntegerField(default=0, db_default=0)
    account_id = models.BigIntegerField(null=True)
    amount_minor = models.BigIntegerField(null=True)
    advance_id = models.BigIntegerField(null=True)
    reason = models.CharField(max_length=200, blank=True, db_default="")
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        # Of two people who identify the same money at once, one wins.
        constraints = [models.UniqueConstraint(fields=["receipt", "part"], name="identified_once")]


class SuspenseOwner(models.Model):
    """Who looks after a receipt in suspense; the latest row counts. Append-only."""

    receipt = models.ForeignKey(Receipt, on_delete=models.PROTECT, related_name="owners")
    owner = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")


class LearnedPayer(models.Model):
    """A payer whose money was identified for an account before. Removed, never deleted."""

    kind = models.CharField(max_length=10, choices=PayerKind)
    key = models.CharField(max_length=200)
    account_id = models.BigIntegerField()
    shown = models.CharField(max_length=200)
    receipt = models.ForeignKey(Receipt, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")
    removed_at = models.DateTimeField(null=True)
    removed_by = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "key", "account_id"],
                condition=models.Q(removed_at__isnull=True),
                name="learned_once",
            )
        ]


class BankAccount(models.Model):
    """An account of the utility at a bank. `opening_minor` is its balance before its first statement."""

    number = models.CharField(max_length=40, unique=True)
    title = models.CharField(max_length=120)
    currency = models.CharField(max_length=3)
    # Senders of registers whose money arrives on this account in one sum.
    register_senders = models.JSONField(default=list, blank=True)
    opened_on = models.DateField(null=True)
    opening_minor = models.BigIntegerField(null=True)


class BankFile(models.Model):
    """A bank's file, staged whole and accepted in one transaction. The same file is known by its hash."""

    sha256 = models.CharField(max_length=64, unique=True)
    file_name = models.CharField(max_length=200)
    form = models.CharField(max_length=20)
    status = models.CharField(max_length=10, choices=RegisterStatus)
    faults = models.JSONField(default=list)
    staged_at = models.DateTimeField()
    staged_by = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")


class BankStatement(models.Model):
    """One statement of a bank's file; an advice (`is_advice`) has entries without balances."""

    file = models.ForeignKey(BankFile, on_delete=models.PROTECT, related_name="statements")
    bank_account = models.ForeignKey(BankAccount, on_delete=models.PROTECT, related_name="statements")
    position = models.IntegerField()
    number = models.CharField(max_length=60, blank=True)
    is_advice = models.BooleanField()
    opened_on = models.DateField(null=True)
    closed_on = models.DateField(null=True)
    opening_minor = models.BigIntegerField(null=True)
    closing_minor = models.BigIntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["file", "position"], name="one_statement_per_place")]


class BankTransaction(models.Model):
    """A line of a statement. Frozen by the database once its file is accepted.

    `entry_key` names the bank's entry on this account whichever file brings it (see `BankEntry`); `part` counts
    the lines of one entry.
    """

    statement = models.ForeignKey(BankStatement, on_delete=models.PROTECT, related_name="transactions")
    bank_account_id = models.BigIntegerField()
    position = models.IntegerField()
    line = models.IntegerField()
    entry_key = models.CharField(max_length=90)
    part = models.IntegerField()
    amount_minor = models.BigIntegerField()
    booked_on = models.DateField()
    value_on = models.DateField(null=True)
    bank_reference = models.CharField(max_length=100, blank=True)
    end_to_end_id = models.CharField(max_length=100, blank=True)
    structured_reference = models.CharField(max_length=60, blank=True)
    payer_name = models.CharField(max_length=200, blank=True)
    payer_account = models.CharField(max_length=40, blank=True)
    remittance = models.CharField(max_length=1000, blank=True)
    is_reversal = models.BooleanField()
    is_charge = models.BooleanField()
    # Why a bank took money back, and what it charges for that within the amount.
    return_code = models.CharField(max_length=10, blank=True, db_default="")
    charges_minor = models.BigIntegerField(default=0, db_default=0)
    state = models.CharField(max_length=15, choices=LineState)
    rule = models.CharField(max_length=20, choices=MatchRule, blank=True)
    account_id = models.BigIntegerField(null=True)
    register_id = models.BigIntegerField(null=True)
    deposit_id = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["statement", "position"], name="one_transaction_per_place")
        ]
        indexes = [
            # The balance with a bank adds up days.
            models.Index(fields=["bank_account_id", "booked_on"], name="bank_transaction_day"),
            # A direct debit is found by its own number.
            models.Index(
                fields=["end_to_end_id"],
                condition=models.Q(end_to_end_id__startswith="DD-"),
                name="bank_transaction_debit",
            ),
        ]


class BankEntry(models.Model):
    """An entry of the bank that is taken over: of an advice and a statement that both have it, the first one
    accepted books it. Append-only.
    """

    bank_account_id = models.BigIntegerField()
    entry_key = models.CharField(max_length=90)
    statement = models.ForeignKey(BankStatement, on_delete=models.PROTECT, related_name="entries")

    class Meta:
        # The bank's entry is booked once, whatever files bring it.
        constraints = [
            models.UniqueConstraint(fields=["bank_account_id", "entry_key"], name="bank_entry_booked_once")
        ]


class BankBooking(models.Model):
    """What the accountant said a waiting line is: one row for ever."""

    transaction = models.OneToOneField(BankTransaction, on_delete=models.PROTECT, related_name="booking")
    control = models.CharField(max_length=20)
    receipt = models.ForeignKey(Receipt, null=True, on_delete=models.PROTECT, related_name="+")
    note = models.CharField(max_length=200, blank=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")


class ReceiptReversal(models.Model):
    """Money that was received and went back: bounced, disputed, or booked by mistake. Once a receipt; append-only."""

    receipt = models.OneToOneField(Receipt, on_delete=models.PROTECT, related_name="reversal")
    business_date = models.DateField()
    reason = models.CharField(max_length=200)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")


class Deposit(models.Model):
    """The utility's own cash on its way to a bank, under the number of its slip. Append-only."""

    slip = models.CharField(max_length=40, unique=True)
    organisation_id = models.BigIntegerField()
    bank_account = models.ForeignKey(BankAccount, null=True, on_delete=models.PROTECT, related_name="+")
    amount_minor = models.BigIntegerField()
    handed_on = models.DateField()
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")


class DepositArrival(models.Model):
    """The bank's line that brought a deposit: once for ever. Append-only."""

    deposit = models.OneToOneField(Deposit, on_delete=models.PROTECT, related_name="arrival")
    transaction = models.OneToOneField(BankTransaction, on_delete=models.PROTECT, related_name="arrival")
    recorded_at = models.DateTimeField()


class StatusReport(models.Model):
    """A customer payment status report (pain.002) that was taken in, once by its bytes. Append-only.

    `original_id` names the file of orders that it answers; `answers`: a list of {end_to_end_id, status, code, text},
    with status accepted, rejected, pending or unknown (no order of ours).
    """

    sha256 = models.CharField(max_length=64, unique=True)
    message_id = models.CharField(max_length=35)
    original_id = models.CharField(max_length=35)
    original_kind = models.CharField(max_length=35)
    file_name = models.CharField(max_length=200)
    answers = models.JSONField()
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")
