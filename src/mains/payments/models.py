"""Payment registers from banks and agents, and the receipts that come of them."""

from django.db import models

from mains.payments.values import RegisterStatus


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
    """Money received, once per idempotency key. Append-only; identified by a `ReceiptIdentification`."""

    idempotency_key = models.CharField(max_length=120, unique=True)
    register_id = models.BigIntegerField(null=True, db_index=True)
    account_id = models.BigIntegerField(null=True, db_index=True)
    account_number = models.CharField(max_length=40)
    payer = models.CharField(max_length=200, blank=True)
    reference = models.CharField(max_length=60)
    paid_on = models.DateField()
    amount_minor = models.BigIntegerField()
    recorded_at = models.DateTimeField()


class ReceiptIdentification(models.Model):
    """Money in suspense found its account."""

    receipt = models.OneToOneField(Receipt, on_delete=models.PROTECT, related_name="identification")
    account_id = models.BigIntegerField()
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")


class ReceiptReversal(models.Model):
    """Money that was received and went back: bounced, disputed, or booked by mistake. Once a receipt; append-only."""

    receipt = models.OneToOneField(Receipt, on_delete=models.PROTECT, related_name="reversal")
    business_date = models.DateField()
    reason = models.CharField(max_length=200)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")
