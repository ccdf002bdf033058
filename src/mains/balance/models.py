"""How nodes are balanced, and what the balances came to. Results are append-only, written in bulk by month."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from mains.balance.values import Key, Negative
from mains.base.facts import DatedFact, one_at_a_time


class BalanceRule(DatedFact):
    """How the remainder of a node is shared, by whole months. Micro-units of the service's unit.

    The cap of a month is `cap_norm_m2_micro` (per m² and month) × `common_area_m2_micro` / 10^6. `norm_person_micro` is
    the use of a member without a meter, per resident and month. What is over the cap is the bearer's, a managing
    company's: billed at the `rest_point` to whoever has an agreement there; without such a point it stays the utility's
    loss.
    """

    node = models.ForeignKey("network.Node", on_delete=models.PROTECT, related_name="balance_rules")
    key = models.CharField(max_length=10, choices=Key)
    negative = models.CharField(max_length=10, choices=Negative)
    cap_norm_m2_micro = models.BigIntegerField(null=True)
    common_area_m2_micro = models.BigIntegerField(null=True)
    norm_person_micro = models.BigIntegerField(null=True)
    bearer = models.ForeignKey("customers.Party", null=True, on_delete=models.PROTECT, related_name="+")
    rest_point = models.ForeignKey(
        "network.ServicePoint", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )

    class Meta:
        constraints = [
            one_at_a_time(subject="node_id", name="one_balance_rule_at_a_time"),
            models.CheckConstraint(
                condition=models.Q(cap_norm_m2_micro__isnull=True)
                ^ models.Q(common_area_m2_micro__isnull=False),
                name="cap_has_norm_and_area",
            ),
            models.CheckConstraint(
                condition=models.Q(cap_norm_m2_micro__gte=0) | models.Q(cap_norm_m2_micro__isnull=True),
                name="cap_not_negative",
            ),
            models.CheckConstraint(
                condition=models.Q(rest_point__isnull=True) | models.Q(cap_norm_m2_micro__isnull=False),
                name="rest_needs_cap",
            ),
        ]


class NodeMonth(models.Model):
    """The balance of one node in one month, by day. Append-only: a change is a new revision.

    `quality[i]` is the letter of the node's own meter on day i + 1; `rule_id` is empty where none was in force.
    `node_micro` is what flowed in less what flowed out upwards, `fed_in_micro` what members fed in; `fed_in_days` is
    empty where that is nothing. `rest_micro`: what of `over_cap_micro` the rule's rest point takes.
    """

    pk = models.CompositePrimaryKey("month", "node_id", "revision")
    month = models.DateField()
    node_id = models.BigIntegerField()
    revision = models.SmallIntegerField()
    bucket = models.SmallIntegerField()
    recorded_at = models.DateTimeField()
    rule_id = models.BigIntegerField(null=True)
    quality = models.CharField(max_length=31)
    node_days = ArrayField(models.BigIntegerField())
    member_days = ArrayField(models.BigIntegerField())
    fed_in_days = ArrayField(models.BigIntegerField(), db_default=[])
    allocated_days = ArrayField(models.BigIntegerField())
    node_micro = models.BigIntegerField()
    member_micro = models.BigIntegerField()
    fed_in_micro = models.BigIntegerField(db_default=0)
    remainder_micro = models.BigIntegerField()
    carried_in_micro = models.BigIntegerField()
    allocated_micro = models.BigIntegerField()
    over_cap_micro = models.BigIntegerField()
    rest_micro = models.BigIntegerField(db_default=0)
    carried_out_micro = models.BigIntegerField()
    points = models.IntegerField()
    unmetered_points = models.IntegerField()

    class Meta:
        managed = False
        db_table = "balance_nodemonth"


class ShareMonth(models.Model):
    """What one service point was given of one node's remainder in one month, by day: its share, or what is over the
    cap. Append-only, by revisions."""

    pk = models.CompositePrimaryKey("month", "service_point_id", "node_id", "revision")
    month = models.DateField()
    service_point_id = models.BigIntegerField()
    node_id = models.BigIntegerField()
    revision = models.SmallIntegerField()
    bucket = models.SmallIntegerField()
    recorded_at = models.DateTimeField()
    total_micro = models.BigIntegerField()
    days_micro = ArrayField(models.BigIntegerField())

    class Meta:
        managed = False
        db_table = "balance_sharemonth"
