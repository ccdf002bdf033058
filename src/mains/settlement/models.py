"""Routes and contracts of money collected for others, its splits, settlements and payment orders.

Amounts are minor units. Contracts and payees are dated facts; everything else is append-only.
"""

from django.db import models

from mains.base.facts import DatedFact, one_at_a_time
from mains.settlement.values import Cycle, OrderState, Rounding, SplitKind


class Route(models.Model):
    """Whose money a contract is about: a provider's service (all services where empty), through the houses of a
    managing company or of all."""

    provider = models.ForeignKey("customers.Party", on_delete=models.PROTECT, related_name="+")
    manager = models.ForeignKey("customers.Party", null=True, on_delete=models.PROTECT, related_name="+")
    service = models.CharField(max_length=20, blank=True)

    class Meta:
        constraints = [
            # A contract is looked up by its route; without NULLS NOT DISTINCT two direct routes would be allowed.
            models.UniqueConstraint(
                fields=["provider", "manager", "service"], nulls_distinct=False, name="one_route"
            )
        ]


class Contract(DatedFact):
    """How money of a route is shared: first the agent's fee, then `shares` of the rest, rows of party id and weight in
    millionths that sum to a million.

    `passes_through`: the managing company is paid for all, and owes the others their shares.
    """

    route = models.ForeignKey(Route, on_delete=models.PROTECT, related_name="contracts")
    number = models.CharField(max_length=60)
    fee_ppm = models.IntegerField()
    fee_rounding = models.CharField(max_length=10, choices=Rounding)
    passes_through = models.BooleanField()
    shares = models.JSONField()

    class Meta:
        constraints = [one_at_a_time(subject="route_id", name="one_contract_at_a_time")]


class Payee(DatedFact):
    """When a party is paid, from how much on, and on which account at its bank."""

    party = models.ForeignKey("customers.Party", on_delete=models.PROTECT, related_name="+")
    cycle = models.CharField(max_length=10, choices=Cycle)
    minimum_minor = models.BigIntegerField()
    holder = models.CharField(max_length=140)
    account = models.CharField(max_length=40)
    bank_code = models.CharField(max_length=20, blank=True)

    class Meta:
        constraints = [one_at_a_time(subject="party_id", name="one_payee_at_a_time")]


class Batch(models.Model):
    """One splitting: through which transaction and allocation it looked, contracts and agreements of what instant it
    knew, and what it changed. Append-only."""

    id = models.BigIntegerField(primary_key=True)
    recorded_at = models.DateTimeField()
    facts_seen_at = models.DateTimeField()
    last_transaction_id = models.BigIntegerField()
    last_allocation_id = models.BigIntegerField()
    split_count = models.BigIntegerField()
    received_minor = models.BigIntegerField()


class Split(models.Model):
    """A change of what of a customer's payment (`credit_id`, of receipt `document_id`) is whose.

    `payee_id` is who is paid by the agent, `party_id` whose it is in the end; of a fee both are the holder of the
    contract. The sum over a credit's rows is what holds. Partitioned by the month of recording.
    """

    pk = models.CompositePrimaryKey("month", "id")
    month = models.DateField()
    id = models.BigIntegerField()
    batch_id = models.BigIntegerField()
    account_id = models.BigIntegerField()
    credit_id = models.BigIntegerField()
    document_id = models.BigIntegerField()
    route_id = models.BigIntegerField()
    organisation_id = models.BigIntegerField()
    building_id = models.BigIntegerField()
    provider_id = models.BigIntegerField()
    service = models.CharField(max_length=20)
    kind = models.CharField(max_length=10, choices=SplitKind)
    payee_id = models.BigIntegerField()
    party_id = models.BigIntegerField()
    amount_minor = models.BigIntegerField()
    business_date = models.DateField()
    recorded_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "settlement_split"


class Tally(models.Model):
    """The splits of a batch summed by day, house and who is owed: what pages and statements read. Append-only.

    `taken_minor` is the part of `amount_minor` by which splits became less.
    """

    batch_id = models.BigIntegerField()
    organisation_id = models.BigIntegerField()
    building_id = models.BigIntegerField()
    provider_id = models.BigIntegerField()
    service = models.CharField(max_length=20)
    kind = models.CharField(max_length=10, choices=SplitKind)
    payee_id = models.BigIntegerField()
    party_id = models.BigIntegerField()
    amount_minor = models.BigIntegerField()
    taken_minor = models.BigIntegerField()
    split_count = models.IntegerField()
    business_date = models.DateField()
    recorded_at = models.DateTimeField()

    class Meta:
        indexes = [
            # What a party is owed, and a house's part of it.
            models.Index(fields=["payee_id", "business_date"], name="tally_of_payee"),
            models.Index(fields=["building_id", "business_date"], name="tally_of_house"),
            models.Index(fields=["batch_id"], name="tally_of_batch"),
        ]


class Settlement(models.Model):
    """What a party is due through a day, of the splits through `last_batch_id`. `content` is the statement as it was
    drawn up: it is printed again from there. Append-only.

    What is not ordered (negative, or below the payee's minimum) is carried to the next one.
    """

    party = models.ForeignKey("customers.Party", on_delete=models.PROTECT, related_name="+")
    since = models.DateField(null=True)
    through = models.DateField()
    opening_minor = models.BigIntegerField()
    due_minor = models.BigIntegerField()
    ordered_minor = models.BigIntegerField()
    last_batch_id = models.BigIntegerField()
    content = models.JSONField()
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            # Of two people who settle at once one wins.
            models.UniqueConstraint(fields=["party", "through"], name="settled_once")
        ]


class PaymentOrder(models.Model):
    """Money to a payee, on the account that the contract named when it was prepared. Append-only."""

    settlement = models.OneToOneField(Settlement, on_delete=models.PROTECT, related_name="order")
    party = models.ForeignKey("customers.Party", on_delete=models.PROTECT, related_name="+")
    end_to_end_id = models.CharField(max_length=35, unique=True)
    amount_minor = models.BigIntegerField()
    holder = models.CharField(max_length=140)
    account = models.CharField(max_length=40)
    bank_code = models.CharField(max_length=20, blank=True)


class OrderEvent(models.Model):
    """What happened to an order; each at most once. Append-only."""

    order = models.ForeignKey(PaymentOrder, on_delete=models.PROTECT, related_name="events")
    state = models.CharField(max_length=10, choices=OrderState)
    execute_on = models.DateField(null=True)
    bank_transaction_id = models.BigIntegerField(null=True, unique=True)
    reason = models.CharField(max_length=200, blank=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order", "state"], name="once_an_order")]
