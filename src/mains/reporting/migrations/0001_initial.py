from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = [("customers", "0001_initial")]
    operations = [
        migrations.CreateModel(
            name="SearchToken",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "account_id", "token", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("account_id", models.BigIntegerField()),
                ("token", models.CharField(db_collation="C", max_length=60)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("a", "Account number"),
                            ("b", "Meter serial number"),
                            ("c", "Phone"),
                            ("d", "Name"),
                            ("e", "Address"),
                        ],
                        max_length=1,
                    ),
                ),
                ("organisation_id", models.BigIntegerField()),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["token", "account_id"],
                        include=("organisation_id", "kind"),
                        name="search_token_prefix",
                    )
                ],
            },
        ),
    ]
