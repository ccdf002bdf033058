"""Receipts that arrive by machine: who brings them, with which tokens, orders, payouts, and what went wrong."""

from django.db import models

from mains.payments.values.online import ChannelKind, LetterOperation, LetterState, OrderState


class PaymentChannel(models.Model):
    """Somebody who collects for the utility by machine: an agent, a wallet, an acquirer of cards.

    `adapter` names the provider's rules (empty for agents, who call us); `settings` hold no secrets. Amounts in minor
    units, None for no limit; `credit_minor` is how much the agent may owe us, 0 for one who pays in advance.
    """

    code = models.CharField(max_length=20, unique=True)
    title = models.CharField(max_length=120)
    kind = models.CharField(max_length=10, choices=ChannelKind)
    adapter = models.CharField(max_length=20, blank=True)
    settings = models.JSONField(default=dict, blank=True)
    currency = models.CharField(max_length=3)
    least_minor = models.BigIntegerField(default=1)
    most_minor = models.BigIntegerField(null=True)
    credit_minor = models.BigIntegerField(null=True)
    per_minute = models.IntegerField(default=600)
    allowed_addresses = models.JSONField(default=list, blank=True)
    payer_accounts = models.JSONField(default=list, blank=True)
    is_active = models.BooleanField(default=True)
    recorded_at = models.DateTimeField()


class ChannelToken(models.Model):
    """A secret with which an agent calls us: only its SHA-256 is kept. Revoked, never deleted."""

    channel = models.ForeignKey(PaymentChannel, on_delete=models.PROTECT, related_name="tokens")
    name = models.CharField(max_length=80)
    sha256 = models.CharField(max_length=64, unique=True)
    shown = models.CharField(max_length=16)
    scopes = models.JSONField()
    expires_at = models.DateTimeField(null=True)
    issued_at = models.DateTimeField()
    issued_by = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")


class PaymentOrder(models.Model):
    """What a customer was asked to pay through a channel, under a number that the provider knows it by.

    `tries` and `next_try_at` are of the questions to the provider while the order is open or its end unclear.
    """

    channel = models.ForeignKey(PaymentChannel, on_delete=models.PROTECT, related_name="orders")
    number = models.CharField(max_length=32, unique=True)
    account_id = models.BigIntegerField()
    account_number = models.CharField(max_length=40)
    amount_minor = models.BigIntegerField()
    instalments = models.SmallIntegerField(default=1)
    state = models.CharField(max_length=10, choices=OrderState)
    pay_url = models.CharField(max_length=2000, blank=True)
    external_id = models.CharField(max_length=80, blank=True)
    receipt_id = models.BigIntegerField(null=True)
    tries = models.SmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField()
    created_by = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")
    changed_at = models.DateTimeField()

    class Meta:
        indexes = [
            # The job that asks providers looks for what is due.
            models.Index(
                fields=["next_try_at"],
                name="order_to_ask_about",
                condition=models.Q(next_try_at__isnull=False),
            )
        ]


class AcquirerDue(models.Model):
    """A part of a card payment that the acquirer will pay later, by its schedule. Append-only."""

    receipt = models.ForeignKey("payments.Receipt", on_delete=models.PROTECT, related_name="dues")
    channel = models.ForeignKey(PaymentChannel, on_delete=models.PROTECT, related_name="dues")
    part = models.SmallIntegerField()
    due_on = models.DateField()
    amount_minor = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["receipt", "part"], name="one_due_a_part")]


class Payout(models.Model):
    """Money that an agent or acquirer passed on: what it paid, and what it kept as its fee. Append-only.

    `transaction` is the bank's line that brought it, where statements are imported.
    """

    channel = models.ForeignKey(PaymentChannel, on_delete=models.PROTECT, related_name="payouts")
    reference = models.CharField(max_length=80)
    paid_on = models.DateField()
    amount_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField(default=0)
    transaction = models.OneToOneField(
        "payments.BankTransaction", null=True, on_delete=models.PROTECT, related_name="payout"
    )
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "reference"], name="one_payout_a_reference")
        ]


class PayoutPart(models.Model):
    """What a payout pays of a card payment's part, its fee included, so that what waits at the acquirer is known.
    Append-only."""

    payout = models.ForeignKey(Payout, on_delete=models.PROTECT, related_name="parts")
    due = models.ForeignKey(AcquirerDue, on_delete=models.PROTECT, related_name="paid")
    amount_minor = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["payout", "due"], name="one_part_a_payout_and_due")]


class DeadLetter(models.Model):
    """A call that came to nothing, ours or a provider's: a person sees it, sends it again or closes it.

    The same failure of the same subject is one open letter, counted. `body` is what was received, as it came: what
    a provider encrypts stays encrypted.
    """

    channel = models.ForeignKey(PaymentChannel, on_delete=models.PROTECT, related_name="letters")
    operation = models.CharField(max_length=10, choices=LetterOperation)
    subject = models.CharField(max_length=80, blank=True)
    reason = models.CharField(max_length=40)
    message = models.CharField(max_length=300)
    body = models.TextField(blank=True)
    headers = models.JSONField(default=dict)
    times = models.IntegerField(default=1)
    state = models.CharField(max_length=10, choices=LetterState)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    note = models.CharField(max_length=200, blank=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "operation", "subject", "reason"],
                condition=models.Q(state="open"),
                name="one_open_letter",
            )
        ]


class ChannelDay(models.Model):
    """A day compared with an agent's own list: both sides' counts and sums, and what differs. Append-only."""

    channel = models.ForeignKey(PaymentChannel, on_delete=models.PROTECT, related_name="days")
    day = models.DateField()
    our_count = models.IntegerField()
    our_minor = models.BigIntegerField()
    their_count = models.IntegerField()
    their_minor = models.BigIntegerField()
    differences = models.JSONField(default=list)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")
