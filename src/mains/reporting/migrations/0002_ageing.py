from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("reporting", "0001_initial")]
    operations = [
        migrations.CreateModel(
            name="AgeingFigure",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("on_date", models.DateField()),
                ("organisation_id", models.BigIntegerField()),
                ("age", models.CharField(max_length=10)),
                ("amount_minor", models.BigIntegerField()),
                ("accounts", models.IntegerField()),
                ("computed_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=["on_date", "organisation_id", "age"], name="one_ageing_figure"
                    )
                ],
            },
        ),
    ]
