from django.db import migrations, models

from mains.base.facts import keep_append_only

# Of what is kept already: readings in order of which one is lower than the one before it, and no rollover. A point too
# many is found out by the next run, which reads it whole.
FIND = """
    INSERT INTO metering_contradiction (service_point_id, recorded_at, stands)
    SELECT DISTINCT i.service_point_id, statement_timestamp(), TRUE
    FROM (
        SELECT register_id, value_micro,
               lag(value_micro) OVER (PARTITION BY register_id ORDER BY reading_date, source DESC, id) AS before_micro
        FROM metering_reading WHERE superseded_at IS NULL
    ) AS f
    JOIN metering_register r ON r.id = f.register_id
    JOIN metering_installation i ON i.meter_id = r.meter_id AND i.superseded_at IS NULL
    WHERE f.value_micro < f.before_micro
      AND 2 * (f.value_micro - f.before_micro) + (10::numeric ^ r.digits) * 1000000 > 0
"""


class Migration(migrations.Migration):
    dependencies = [("metering", "0006_interval_days")]
    operations = [
        migrations.CreateModel(
            name="Contradiction",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "service_point_id",
                        "recorded_at",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("service_point_id", models.BigIntegerField()),
                ("recorded_at", models.DateTimeField()),
                ("stands", models.BooleanField()),
            ],
        ),
        migrations.RunSQL(FIND, migrations.RunSQL.noop),
        *keep_append_only("metering_contradiction"),
    ]
