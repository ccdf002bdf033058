from django.db import migrations

from mains.base.facts import guard_facts, keep_append_only, partition_by_month

COLUMNS = """
    month date NOT NULL,
    service_point_id bigint NOT NULL,
    zone smallint NOT NULL,
    revision smallint NOT NULL,
    bucket smallint NOT NULL,
    recorded_at timestamptz NOT NULL,
    total_micro bigint NOT NULL,
    days_micro bigint[] NOT NULL,
    quality text NOT NULL,
    span_days smallint[] NOT NULL,
    span_quality text NOT NULL,
    span_opening bigint[] NOT NULL,
    span_closing bigint[] NOT NULL
"""


class Migration(migrations.Migration):
    dependencies = [("metering", "0001_initial"), ("base", "0001_guards")]
    operations = [
        *guard_facts("metering_installation", "metering_reading"),
        partition_by_month(
            table="metering_usagemonth",
            columns=COLUMNS,
            key=("month", "service_point_id", "zone", "revision"),
        ),
        migrations.RunSQL(
            # Runs read and compare by slice of buckets and write slice by slice: block ranges suffice and cost nothing.
            "CREATE INDEX usage_of_bucket ON metering_usagemonth USING brin (bucket) WITH (pages_per_range = 16)",
            "DROP INDEX usage_of_bucket",
        ),
        *keep_append_only("metering_usagemonth"),
    ]
