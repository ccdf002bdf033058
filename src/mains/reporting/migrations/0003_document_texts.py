from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("reporting", "0002_ageing")]
    operations = [
        migrations.CreateModel(
            name="DocumentText",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=40)),
                ("language", models.CharField(max_length=10)),
                ("text", models.TextField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["name", "language"], name="one_text_per_language")
                ],
            },
        ),
    ]
