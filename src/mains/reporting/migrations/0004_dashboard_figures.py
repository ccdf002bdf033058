from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("reporting", "0003_document_texts")]
    operations = [
        migrations.CreateModel(
            name="AccountFigure",
            fields=[
                ("organisation_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("accounts", models.IntegerField()),
                ("unmapped", models.IntegerField()),
                ("on_date", models.DateField()),
                ("computed_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="MonthFigure",
            fields=[
                ("pk", models.CompositePrimaryKey("run_id", "organisation_id", primary_key=True, serialize=False)),
                ("run_id", models.BigIntegerField()),
                ("organisation_id", models.BigIntegerField()),
                ("bills", models.IntegerField()),
                ("quantity_micro", models.BigIntegerField()),
                ("estimated_days", models.BigIntegerField()),
            ],
        ),
    ]
