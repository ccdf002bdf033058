"""What every dated fact has in common, and the database guards that keep it a fact.

A fact says that something held over `valid` (business time, half-open dates) and was known to us from
`recorded_at` until `superseded_at` (system time). Correcting a fact means superseding the row and recording
another; the guard trigger refuses every other change, so any past state of knowledge can be read back.
"""

from collections.abc import Sequence

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import migrations, models
from django.db.models import F, Func, Q, Value


class Recorded(models.Model):
    """System time of a fact: who told us, when, on what proof, and until when we believed it."""

    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        "staff.User", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    proof = models.CharField(max_length=200, blank=True)
    superseded_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True


class DatedFact(Recorded):
    """A recorded fact that holds over a half-open range of dates."""

    valid = DateRangeField()

    class Meta:
        abstract = True


class Withdrawal(models.Model):
    """Why a fact is no longer believed, and who said so; the fact itself tells since when. Append-only."""

    reason = models.CharField(max_length=200)
    withdrawn_at = models.DateTimeField()
    withdrawn_by = models.ForeignKey(
        "staff.User", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )

    class Meta:
        abstract = True


def one_value(column: str | Func, *, function: str) -> Func:
    """A column or an expression as a range of itself alone, made by a range constructor: two overlap where they are
    equal."""
    value = F(column) if isinstance(column, str) else column
    return Func(value, value, Value("[]"), function=function)


def one_at_a_time(*, subject: str, name: str) -> ExclusionConstraint:
    """At any date only one believed fact of a table may hold for its subject.

    The subject is wrapped in an int8range because the embedded server has no btree_gist.
    """
    return ExclusionConstraint(
        name=name,
        expressions=[
            (one_value(subject, function="int8range"), RangeOperators.OVERLAPS),
            ("valid", RangeOperators.OVERLAPS),
        ],
        condition=Q(superseded_at__isnull=True),
    )


def guard_facts(*tables: str) -> list[migrations.RunSQL]:
    """Migration operations that attach the fact guard to tables."""
    return [
        migrations.RunSQL(
            f"CREATE TRIGGER fact_guard BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION mains_fact_guard()",
            f"DROP TRIGGER fact_guard ON {table}",
        )
        for table in tables
    ]


def keep_append_only(*tables: str) -> list[migrations.RunSQL]:
    """Migration operations that make tables append-only; row triggers reach every partition of a table."""
    return [
        migrations.RunSQL(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION mains_append_only();"
            f"CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION mains_append_only()",
            f"DROP TRIGGER append_only ON {table}; DROP TRIGGER append_only_truncate ON {table}",
        )
        for table in tables
    ]


def partition_by_month(*, table: str, columns: str, key: Sequence[str]) -> migrations.RunSQL:
    """Create `table` partitioned by its `month` column (first day of a month) with `key` as primary key."""
    return migrations.RunSQL(
        f"CREATE TABLE {table} ({columns}, PRIMARY KEY ({', '.join(key)})) PARTITION BY RANGE (month)",
        f"DROP TABLE {table}",
    )
