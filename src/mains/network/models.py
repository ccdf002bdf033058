"""The physical side: network trees, buildings, premises with dated attributes, service points."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models

from mains.base.facts import DatedFact, Withdrawal, one_at_a_time, one_value
from mains.network.values import AbsenceReason, Cooker, IdleReason, Location, NodeKind, PremiseKind, Service


class Node(models.Model):
    """A node of one service's network tree."""

    service = models.CharField(max_length=20, choices=Service)
    kind = models.CharField(max_length=20, choices=NodeKind)
    code = models.CharField(max_length=60, unique=True)
    name = models.CharField(max_length=200)
    latitude = models.FloatField(null=True)
    longitude = models.FloatField(null=True)

    def __str__(self) -> str:
        return self.name


class NodePlacement(DatedFact):
    """From which parent a node is fed, over which dates."""

    node = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="placements")
    parent = models.ForeignKey(Node, null=True, on_delete=models.PROTECT, related_name="children")

    class Meta:
        constraints = [one_at_a_time(subject="node_id", name="one_feed_at_a_time")]


class NodeState(DatedFact):
    """Dated attributes of a node: the service band (hours of supply) of a feeder and everything below it."""

    node = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="states")
    band = models.CharField(max_length=10, blank=True)
    supply_hours_day = models.SmallIntegerField(null=True)

    class Meta:
        constraints = [one_at_a_time(subject="node_id", name="one_node_state_at_a_time")]


class NodeFigure(DatedFact):
    """A number that tariffs read as the attribute `name`, for the node and everything below it, in millionths.

    An empty value says that the node has no such figure on the dates: what stands above it counts.
    """

    node = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="figures")
    name = models.CharField(max_length=40)
    value_micro = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="one_figure_of_a_name_at_a_time",
                expressions=[
                    (one_value("node_id", function="int8range"), RangeOperators.OVERLAPS),
                    (one_value("name", function="mains_text_range"), RangeOperators.OVERLAPS),
                    ("valid", RangeOperators.OVERLAPS),
                ],
                condition=models.Q(superseded_at__isnull=True),
            ),
            models.CheckConstraint(condition=~models.Q(proof=""), name="node_figure_proved"),
            models.CheckConstraint(condition=models.Q(value_micro__gte=0), name="node_figure_not_negative"),
        ]


class NodeFigureWithdrawal(Withdrawal):
    """Why a figure of a node does not hold after all."""

    fact = models.OneToOneField(
        NodeFigure, primary_key=True, on_delete=models.PROTECT, related_name="withdrawal"
    )


class Building(models.Model):
    """A postal address with coordinates; premises stand in it."""

    city = models.CharField(max_length=100)
    street = models.CharField(max_length=150)
    house = models.CharField(max_length=20)
    postal_code = models.CharField(max_length=12, blank=True)
    latitude = models.FloatField()
    longitude = models.FloatField()
    node = models.ForeignKey(Node, null=True, on_delete=models.PROTECT, related_name="buildings")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["city", "street", "house"], name="one_building_per_address")
        ]


class Premise(models.Model):
    """A flat, house, shop or office: the place where services are used."""

    building = models.ForeignKey(Building, on_delete=models.PROTECT, related_name="premises")
    kind = models.CharField(max_length=20, choices=PremiseKind)
    entrance = models.CharField(max_length=10, blank=True)
    riser = models.CharField(max_length=10, blank=True)
    floor = models.SmallIntegerField(null=True)
    flat = models.CharField(max_length=10, blank=True)


class PremiseState(DatedFact):
    """Dated attributes of a premise that tariffs, norms and forecasts read."""

    premise = models.ForeignKey(Premise, on_delete=models.PROTECT, related_name="states")
    residents = models.SmallIntegerField()
    rooms = models.SmallIntegerField()
    floor_area_m2_micro = models.BigIntegerField()
    heated_area_m2_micro = models.BigIntegerField()
    storey_height_mm = models.IntegerField(default=2700)
    location = models.CharField(max_length=10, choices=Location)
    cooker = models.CharField(max_length=10, choices=Cooker)
    meter_possible = models.BooleanField(default=True)

    class Meta:
        constraints = [
            one_at_a_time(subject="premise_id", name="one_premise_state_at_a_time"),
            models.CheckConstraint(
                condition=models.Q(residents__gte=0, rooms__gte=0, floor_area_m2_micro__gte=0),
                name="premise_sizes_not_negative",
            ),
        ]


class ServicePoint(models.Model):
    """One service at one premise: where use is metered or estimated. `bucket` is the unit of bulk work.

    With `measures_node` it stands at no premise: its meter counts all that flows into the node (a house meter).
    With `takes_rest` it has no meter: it stands at the common areas of a house and takes what the house's consumers are
    not asked to pay of its common use. Such a point is a member of no balance.
    """

    code = models.CharField(max_length=40, unique=True)
    premise = models.ForeignKey(Premise, null=True, on_delete=models.PROTECT, related_name="service_points")
    service = models.CharField(max_length=20, choices=Service)
    node = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="service_points")
    bucket = models.SmallIntegerField()
    connected_on = models.DateField()
    disconnected_on = models.DateField(null=True)
    measures_node = models.BooleanField(default=False, db_default=False)
    takes_rest = models.BooleanField(default=False, db_default=False)

    class Meta:
        indexes = [
            models.Index(fields=["bucket"], name="service_point_bucket"),  # bulk reads by slice
            # The few that measure nodes, among all: balances begin from them.
            models.Index(fields=["node"], condition=models.Q(measures_node=True), name="measuring_point"),
            # A run lists those for which nobody pays, slice by slice.
            models.Index(fields=["bucket"], condition=models.Q(takes_rest=True), name="rest_point_bucket"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(measures_node=True) ^ models.Q(premise__isnull=False),
                name="at_a_premise_or_measuring_a_node",
            ),
            models.CheckConstraint(
                condition=models.Q(measures_node=False) | models.Q(takes_rest=False),
                name="measures_or_takes_rest",
            ),
            models.CheckConstraint(
                condition=models.Q(disconnected_on__isnull=True)
                | models.Q(disconnected_on__gt=models.F("connected_on")),
                name="connected_before_disconnected",
            ),
        ]


class PointCondition(DatedFact):
    """A word (`supply`: suspended) or a number in millionths (`room_temperature`: 16.5) that tariffs read of a service
    point as the attribute `name`; it goes before a node's figure of that name.

    Neither word nor number says that the point has no such condition on the dates.
    """

    service_point = models.ForeignKey(ServicePoint, on_delete=models.PROTECT, related_name="conditions")
    name = models.CharField(max_length=40)
    word = models.CharField(max_length=40, blank=True)
    value_micro = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="one_condition_of_a_name_at_a_time",
                expressions=[
                    (one_value("service_point_id", function="int8range"), RangeOperators.OVERLAPS),
                    (one_value("name", function="mains_text_range"), RangeOperators.OVERLAPS),
                    ("valid", RangeOperators.OVERLAPS),
                ],
                condition=models.Q(superseded_at__isnull=True),
            ),
            models.CheckConstraint(condition=~models.Q(proof=""), name="point_condition_proved"),
            models.CheckConstraint(
                condition=models.Q(word="") | models.Q(value_micro__isnull=True),
                name="point_condition_word_or_number",
            ),
        ]


class IdlePeriod(DatedFact):
    """Dates over which nobody has to pay for a connected service point, and why; `proof` names the act."""

    service_point = models.ForeignKey(ServicePoint, on_delete=models.PROTECT, related_name="idle_periods")
    reason = models.CharField(max_length=10, choices=IdleReason)

    class Meta:
        constraints = [one_at_a_time(subject="service_point_id", name="one_idle_reason_at_a_time")]


class Absence(DatedFact):
    """So many residents of a premise are absent over the dates, which are the days that count. Absences that overlap
    add up."""

    premise = models.ForeignKey(Premise, on_delete=models.PROTECT, related_name="absences")
    residents = models.SmallIntegerField()
    reason = models.CharField(max_length=10, choices=AbsenceReason)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(residents__gt=0), name="absence_of_somebody"),
            models.CheckConstraint(condition=~models.Q(proof=""), name="absence_proved"),
        ]


class AbsenceWithdrawal(Withdrawal):
    """Why an absence does not hold after all."""

    fact = models.OneToOneField(
        Absence, primary_key=True, on_delete=models.PROTECT, related_name="withdrawal"
    )
