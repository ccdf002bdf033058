"""Meters, what they showed, and the daily use computed from it."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, RangeOperators
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Func, Q, Value

from mains.base.facts import DatedFact, Recorded, Withdrawal, one_at_a_time
from mains.metering.values import IntervalQuantity, ReadingSource, UnmeteredReason, Zone


class Meter(models.Model):
    """A physical meter."""

    serial = models.CharField(max_length=40)
    model = models.CharField(max_length=60)
    service = models.CharField(max_length=20)
    made_year = models.SmallIntegerField(null=True)
    verified_on = models.DateField(null=True)
    verify_by = models.DateField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["serial", "model"], name="one_meter_per_serial")]

    def __str__(self) -> str:
        return f"{self.model} {self.serial}"


class Register(models.Model):
    """One counting display of a meter: its zone, its digits before rollover, its multiplier (× 10^6)."""

    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="registers")
    zone = models.SmallIntegerField(choices=Zone)
    digits = models.SmallIntegerField()
    decimals = models.SmallIntegerField(default=0)
    multiplier_micro = models.BigIntegerField(default=1_000_000)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["meter", "zone"], name="one_register_per_zone"),
            models.CheckConstraint(
                condition=models.Q(digits__range=(1, 10), decimals__range=(0, 6), multiplier_micro__gt=0),
                name="register_scale_sane",
            ),
        ]


class Installation(DatedFact):
    """A meter at a service point over some dates, with the seal put on it."""

    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="installations")
    service_point = models.ForeignKey(
        "network.ServicePoint", on_delete=models.PROTECT, related_name="installations"
    )
    seal_number = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints = [one_at_a_time(subject="meter_id", name="one_place_per_meter")]


class Reading(Recorded):
    """What a register showed at the end of `reading_date`, with source and evidence.

    `bucket` is the service point's, copied so that a slice of the utility is read without a join.
    """

    register = models.ForeignKey(Register, on_delete=models.PROTECT, related_name="readings", db_index=False)
    bucket = models.SmallIntegerField()
    reading_date = models.DateField()
    value_micro = models.BigIntegerField()
    source = models.SmallIntegerField(choices=ReadingSource)
    evidence = models.JSONField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["register", "reading_date"], name="reading_of_register"
            ),  # a page, a neighbour
            # Bulk reads by slice. Readings lie in the table as they came; the index alone answers, in order.
            models.Index(
                fields=["bucket", "reading_date"],
                include=["id", "register", "value_micro", "source", "recorded_at", "superseded_at"],
                name="reading_of_bucket",
            ),
            # What became known since an instant, for recalculation: readings lie in the order of recording.
            BrinIndex(fields=["recorded_at"], name="reading_recorded"),
            models.Index(
                fields=["superseded_at"],
                condition=models.Q(superseded_at__isnull=False),
                name="reading_superseded",
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(value_micro__gte=0), name="reading_not_negative")
        ]


class ReadingException(models.Model):
    """A reading that was not taken as a fact: why, and what to do; a person decides."""

    register = models.ForeignKey(Register, null=True, on_delete=models.PROTECT, related_name="exceptions")
    service_point = models.ForeignKey(
        "network.ServicePoint", null=True, on_delete=models.PROTECT, related_name="reading_exceptions"
    )
    reading_date = models.DateField(null=True)
    text_value = models.CharField(max_length=60)
    source = models.SmallIntegerField(choices=ReadingSource)
    code = models.CharField(max_length=40)
    message = models.TextField()
    remedy = models.TextField()
    decision = models.CharField(max_length=10)  # queue: waits for a person; refuse: cannot be taken
    raised_at = models.DateTimeField()
    raised_by = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")
    resolution = models.CharField(max_length=20, blank=True)


class ReadingPhoto(models.Model):
    """A photo or scan that shows a reading, taken as a fact or waiting for a person. Append-only."""

    file = models.ForeignKey(
        "documents.StoredFile", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    reading = models.ForeignKey(
        Reading, null=True, on_delete=models.PROTECT, related_name="photos", db_index=False
    )
    exception = models.ForeignKey(
        ReadingException, null=True, on_delete=models.PROTECT, related_name="photos", db_index=False
    )
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        "staff.User", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(reading=None, exception__isnull=False) | Q(reading__isnull=False, exception=None),
                name="photo_of_one_thing",
            ),
            # The same photo sent twice proves no more; and the way from a reading to its photos.
            models.UniqueConstraint(fields=["reading", "file"], name="one_photo_of_a_reading"),
            models.UniqueConstraint(fields=["exception", "file"], name="one_photo_of_a_doubted_reading"),
        ]


class MeterError(DatedFact):
    """A register was found to count wrongly: `percent_hundredths` of +500 says 5 % too much, of -325 3.25 % too little.

    Readings stay what they were; the use of the dates is what the register should have counted.
    """

    register = models.ForeignKey(Register, on_delete=models.PROTECT, related_name="errors")
    percent_hundredths = models.IntegerField()

    class Meta:
        constraints = [
            one_at_a_time(subject="register_id", name="one_error_per_register"),
            models.CheckConstraint(
                condition=Q(percent_hundredths__gt=-10_000, percent_hundredths__lte=100_000)
                & ~Q(percent_hundredths=0),
                name="meter_error_possible",
            ),
            models.CheckConstraint(condition=~Q(proof=""), name="meter_error_proved"),
        ]


class MeterErrorWithdrawal(Withdrawal):
    """Why a found error does not hold after all."""

    fact = models.OneToOneField(
        MeterError, primary_key=True, on_delete=models.PROTECT, related_name="withdrawal"
    )


class UnmeteredUse(DatedFact):
    """Use at a service point that no meter counted, by an act: a quantity (10^-6 of the service's unit) over dates."""

    service_point = models.ForeignKey(
        "network.ServicePoint", on_delete=models.PROTECT, related_name="unmetered_use"
    )
    zone = models.SmallIntegerField(choices=Zone)
    amount_micro = models.BigIntegerField()
    reason = models.CharField(max_length=10, choices=UnmeteredReason)

    class Meta:
        constraints = [
            # One act at a time of a point and zone: two of the same days would charge them twice.
            ExclusionConstraint(
                name="one_act_per_point_and_zone",
                expressions=[
                    (
                        Func(
                            F("service_point_id") * 8 + F("zone"),
                            F("service_point_id") * 8 + F("zone"),
                            Value("[]"),
                            function="int8range",
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                    ("valid", RangeOperators.OVERLAPS),
                ],
                condition=Q(superseded_at__isnull=True),
            ),
            models.CheckConstraint(condition=Q(amount_micro__gt=0), name="unmetered_use_positive"),
            models.CheckConstraint(condition=~Q(proof=""), name="unmetered_use_proved"),
        ]


class UnmeteredUseWithdrawal(Withdrawal):
    """Why an act of unmetered use does not hold after all."""

    fact = models.OneToOneField(
        UnmeteredUse, primary_key=True, on_delete=models.PROTECT, related_name="withdrawal"
    )


class ClassAverage(models.Model):
    """Average use per day (`use_micro` / `days`) of a class in the months before `month`, by which points without a
    history of their own are forecast. Kept when the month is first computed and never changed: a forecast of one
    point must not depend on when a neighbour's reading comes.
    """

    month = models.DateField()
    class_code = models.CharField(max_length=60)
    zone = models.SmallIntegerField(choices=Zone)
    use_micro = models.BigIntegerField()
    days = models.BigIntegerField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["month", "class_code", "zone"], name="one_average_per_class_and_month"
            ),
            models.CheckConstraint(condition=models.Q(days__gt=0), name="average_over_days"),
        ]


class Contradiction(models.Model):
    """Whether readings of a service point contradict one another (`stands`), as a computation of its use found it.

    A run reads half a year; which of older readings that contradict one another stand decides about its days too, so
    such points are read whole. Append-only: a row where the finding is another than before.
    """

    pk = models.CompositePrimaryKey("service_point_id", "recorded_at")
    service_point_id = models.BigIntegerField()
    recorded_at = models.DateTimeField()
    stands = models.BooleanField()


class UsageMonth(models.Model):
    """Daily use of one service point and zone in one month. Append-only: a change is a new revision.

    `days_micro[i]` is the use of day i+1, `quality[i]` its letter; the spans give, run by run, the readings
    that the days came from (0 where none, below zero the id of a row of interval data). Partitioned by month; rows are
    written in bulk only, so references are kept by construction and checked by `mains ledger check`, not by foreign
    keys.
    """

    pk = models.CompositePrimaryKey("month", "service_point_id", "zone", "revision")
    month = models.DateField()
    service_point_id = models.BigIntegerField()
    zone = models.SmallIntegerField(choices=Zone)
    revision = models.SmallIntegerField()
    bucket = models.SmallIntegerField()
    recorded_at = models.DateTimeField()
    total_micro = models.BigIntegerField()
    days_micro = ArrayField(models.BigIntegerField())
    quality = models.CharField(max_length=31)
    span_days = ArrayField(models.SmallIntegerField())
    span_quality = models.CharField(max_length=31)
    span_opening = ArrayField(models.BigIntegerField())
    span_closing = ArrayField(models.BigIntegerField())

    class Meta:
        managed = False
        db_table = "metering_usagemonth"


class IntervalDay(models.Model):
    """One day of interval data of a service point: adjoining intervals of one quantity from `start_at`, the midnight of
    `clock`, until the next. Append-only: what is corrected or comes later is a new revision of the whole day.

    `values_micro` are 10^-6 of the quantity's unit, null where an interval is missing; `quality` has a letter each. The
    day counts while `meter_id` hangs at the service point. Partitioned by month of the day.
    """

    pk = models.CompositePrimaryKey("month", "service_point_id", "quantity", "day", "revision")
    id = models.BigIntegerField()
    month = models.DateField()
    service_point_id = models.BigIntegerField()
    quantity = models.CharField(max_length=10, choices=IntervalQuantity)
    day = models.DateField()
    revision = models.SmallIntegerField()
    bucket = models.SmallIntegerField()
    meter_id = models.BigIntegerField()
    clock = models.CharField(max_length=40)
    start_at = models.DateTimeField()
    step_minutes = models.SmallIntegerField()
    values_micro = ArrayField(models.BigIntegerField(null=True))
    quality = models.CharField(max_length=1500)
    recorded_at = models.DateTimeField()
    recorded_by_id = models.BigIntegerField(null=True)
    proof = models.CharField(max_length=200)

    class Meta:
        managed = False
        db_table = "metering_intervalday"
