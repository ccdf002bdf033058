import django.db.models.deletion
from django.db import migrations, models

from mains.base.facts import keep_append_only


class Migration(migrations.Migration):
    dependencies = [("billing", "0002_bills"), ("customers", "0001_initial")]
    operations = [
        migrations.AddField(
            model_name="billrun",
            name="kind",
            field=models.CharField(
                choices=[("monthly", "Monthly"), ("recalculation", "Recalculation")],
                default="monthly",
                max_length=13,
            ),
        ),
        migrations.AddField(
            model_name="billrun",
            name="account",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="customers.account",
            ),
        ),
        migrations.RemoveConstraint(model_name="billrun", name="one_run_per_month_and_cycle"),
        migrations.AddConstraint(
            model_name="billrun",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "monthly")),
                fields=("month", "cycle"),
                name="one_run_per_month_and_cycle",
            ),
        ),
        migrations.CreateModel(
            name="BillRunAccount",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "run_id", "position", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("position", models.IntegerField()),
                ("account_id", models.BigIntegerField()),
                (
                    "run",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="listed",
                        to="billing.billrun",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account_id", "run"), name="account_once_per_recalculation"
                    )
                ],
            },
        ),
        *keep_append_only("billing_billrunaccount"),
    ]
