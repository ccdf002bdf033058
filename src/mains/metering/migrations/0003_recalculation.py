import django.contrib.postgres.indexes
from django.db import migrations, models

from mains.base.facts import keep_append_only


class Migration(migrations.Migration):
    dependencies = [("metering", "0002_daily_usage")]
    operations = [
        migrations.CreateModel(
            name="ClassAverage",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("month", models.DateField()),
                ("class_code", models.CharField(max_length=60)),
                (
                    "zone",
                    models.SmallIntegerField(
                        choices=[(0, "Total"), (1, "Day"), (2, "Night"), (3, "Peak"), (4, "Half-peak")]
                    ),
                ),
                ("use_micro", models.BigIntegerField()),
                ("days", models.BigIntegerField()),
                ("recorded_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("month", "class_code", "zone"), name="one_average_per_class_and_month"
                    ),
                    models.CheckConstraint(condition=models.Q(("days__gt", 0)), name="average_over_days"),
                ],
            },
        ),
        *keep_append_only("metering_classaverage"),
        migrations.AddIndex(
            model_name="reading",
            index=django.contrib.postgres.indexes.BrinIndex(fields=["recorded_at"], name="reading_recorded"),
        ),
        migrations.AddIndex(
            model_name="reading",
            index=models.Index(
                condition=models.Q(("superseded_at__isnull", False)),
                fields=["superseded_at"],
                name="reading_superseded",
            ),
        ),
        migrations.RunSQL(
            # Revisions of past months lie at the end of their months: which came since an instant is told by block ranges.
            "CREATE INDEX usage_recorded ON metering_usagemonth USING brin (recorded_at) WITH (pages_per_range = 16)",
            "DROP INDEX usage_recorded",
        ),
    ]
