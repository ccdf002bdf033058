"""Cash desks, the shifts of their cashiers, what customers paid there, and cash that moved otherwise."""

from django.db import models
from django.db.models import Q

from mains.cashdesk.values import Means, MovementKind, VoidState


class CashDesk(models.Model):
    """A till of a unit. `void_limit_minor`: above it a payment is taken back only when a supervisor agrees."""

    code = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=100)
    organisation = models.ForeignKey("staff.Organisation", on_delete=models.PROTECT, related_name="+")
    void_limit_minor = models.BigIntegerField()
    bank_account_id = models.BigIntegerField(null=True)
    # The channel of the acquirer whose terminal stands here.
    acquirer_id = models.BigIntegerField(null=True)
    closed_on = models.DateField(null=True)


class Shift(models.Model):
    """A cashier's time at a desk. Written once at its opening and once at its closing; frozen by the database after
    that.

    `float_minor` was counted when it opened, `counted_minor` when it closed; `expected_minor` is what should have been
    there. `report` is what the closed shift's report prints, for ever the same.
    """

    desk = models.ForeignKey(CashDesk, on_delete=models.PROTECT, related_name="shifts")
    number = models.IntegerField()
    cashier = models.ForeignKey("staff.User", on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    float_minor = models.BigIntegerField()
    float_count = models.JSONField(default=dict)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")
    counted_minor = models.BigIntegerField(null=True)
    counted = models.JSONField(default=dict)
    expected_minor = models.BigIntegerField(null=True)
    report = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["desk", "number"], name="one_shift_a_number"),
            # A till has one cashier at a time, and a cashier one till.
            models.UniqueConstraint(
                fields=["desk"], condition=Q(closed_at__isnull=True), name="one_open_shift_a_desk"
            ),
            models.UniqueConstraint(
                fields=["cashier"], condition=Q(closed_at__isnull=True), name="one_open_shift_a_cashier"
            ),
        ]


class DeskPayment(models.Model):
    """What a customer paid at the desk, for one account or several. Once a key; append-only.

    `request` is the hash of what was asked for under the key. `tendered_minor` is the cash given, `slip` the number of
    the card terminal's slip, `instalments` in how many parts the customer pays the card's bank. `printed` are the names
    on the receipt as they were.
    """

    shift = models.ForeignKey(Shift, on_delete=models.PROTECT, related_name="payments")
    desk = models.ForeignKey(CashDesk, on_delete=models.PROTECT, related_name="+")
    number = models.IntegerField()
    key = models.CharField(max_length=64, unique=True)
    request = models.CharField(max_length=64)
    means = models.CharField(max_length=10, choices=Means)
    amount_minor = models.BigIntegerField()
    tendered_minor = models.BigIntegerField(null=True)
    slip = models.CharField(max_length=40, blank=True)
    instalments = models.SmallIntegerField(default=1, db_default=1)
    paid_on = models.DateField()
    printed = models.JSONField(default=dict)
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["desk", "number"], name="one_payment_a_number"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="desk_payment_is_positive"),
        ]


class DeskPaymentLine(models.Model):
    """The part of a payment that one account got, with its receipt. Append-only."""

    payment = models.ForeignKey(DeskPayment, on_delete=models.PROTECT, related_name="lines")
    position = models.SmallIntegerField()
    receipt_id = models.BigIntegerField(unique=True)
    account_id = models.BigIntegerField()
    account_number = models.CharField(max_length=40)
    customer = models.CharField(max_length=200)
    place = models.CharField(max_length=300, blank=True)
    amount_minor = models.BigIntegerField()
    owed_minor = models.BigIntegerField()


class DeskVoid(models.Model):
    """A payment taken back in its own shift, or the wish to; written once when asked and once when decided."""

    payment = models.ForeignKey(DeskPayment, on_delete=models.PROTECT, related_name="voids")
    state = models.CharField(max_length=10, choices=VoidState)
    reason = models.CharField(max_length=200)
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey("staff.User", on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            # Of two wishes at once one stands; a refused one may be asked again.
            models.UniqueConstraint(
                fields=["payment"], condition=~Q(state="refused"), name="one_void_a_payment"
            )
        ]


class CashMovement(models.Model):
    """Cash that moved without a customer, always more than nothing; `kind` says from where and to where. Append-only.

    `desk` is empty when only the unit's safe is concerned.
    """

    kind = models.CharField(max_length=20, choices=MovementKind)
    key = models.CharField(max_length=64, unique=True)
    organisation_id = models.BigIntegerField()
    desk = models.ForeignKey(CashDesk, null=True, on_delete=models.PROTECT, related_name="movements")
    shift = models.ForeignKey(Shift, null=True, on_delete=models.PROTECT, related_name="movements")
    amount_minor = models.BigIntegerField()
    reason = models.CharField(max_length=200, blank=True)
    deposit_id = models.BigIntegerField(null=True, unique=True)
    moved_on = models.DateField()
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="cash_movement_is_positive")
        ]
