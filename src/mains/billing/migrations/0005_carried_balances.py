import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from mains.base.facts import guard_facts, keep_append_only, partition_by_month

CARRIED = """
    month date NOT NULL,
    account_id bigint NOT NULL,
    agreement_id bigint NOT NULL,
    balance text NOT NULL,
    revision smallint NOT NULL,
    service_point_id bigint NOT NULL,
    to_date date NOT NULL,
    unit text NOT NULL,
    value_micro bigint,
    run_id bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    CHECK (to_date > month)
"""


class Migration(migrations.Migration):
    dependencies = [
        ("base", "0001_guards"),
        ("billing", "0004_whatif"),
        ("customers", "0001_initial"),
        ("network", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="CarriedBalance",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "month",
                        "account_id",
                        "agreement_id",
                        "balance",
                        "revision",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("month", models.DateField()),
                ("account_id", models.BigIntegerField()),
                ("agreement_id", models.BigIntegerField()),
                ("balance", models.CharField(max_length=40)),
                ("revision", models.SmallIntegerField()),
                ("service_point_id", models.BigIntegerField()),
                ("to_date", models.DateField()),
                ("unit", models.CharField(max_length=20)),
                ("value_micro", models.BigIntegerField(null=True)),
                ("run_id", models.BigIntegerField()),
                ("recorded_at", models.DateTimeField()),
            ],
            options={"db_table": "billing_carriedbalance", "managed": False},
        ),
        migrations.CreateModel(
            name="OpeningBalance",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("recorded_at", models.DateTimeField()),
                ("proof", models.CharField(blank=True, max_length=200)),
                ("superseded_at", models.DateTimeField(null=True)),
                ("balance", models.CharField(max_length=40)),
                ("month", models.DateField()),
                ("unit", models.CharField(max_length=20)),
                ("value_micro", models.BigIntegerField()),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="customers.account",
                    ),
                ),
                (
                    "recorded_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "service_point",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="network.servicepoint",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("superseded_at", None)),
                        fields=("account", "service_point", "balance", "month"),
                        name="one_opening_balance_at_a_time",
                    )
                ]
            },
        ),
        partition_by_month(
            table="billing_carriedbalance",
            columns=CARRIED,
            key=("month", "account_id", "agreement_id", "balance", "revision"),
        ),
        migrations.RunSQL(
            # Corrections of months that were billed before this table was there.
            "SELECT mains_month_partition('billing_carriedbalance', month)"
            " FROM (SELECT DISTINCT month FROM billing_billrun) AS billed",
            migrations.RunSQL.noop,
        ),
        *keep_append_only("billing_carriedbalance"),
        *guard_facts("billing_openingbalance"),
    ]
