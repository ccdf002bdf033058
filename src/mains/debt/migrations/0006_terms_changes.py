import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from mains.base.facts import keep_append_only


class Migration(migrations.Migration):
    dependencies = [
        ("debt", "0005_acknowledgements"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="TermsChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("contract", "Contract with a provider"),
                            ("payee", "Payee"),
                            ("interest", "Rule of late interest"),
                            ("rate", "Published rate"),
                            ("limitation", "Limitation"),
                            ("limit", "Approval limit"),
                            ("target", "Collection target"),
                        ],
                        max_length=20,
                    ),
                ),
                ("subject", models.CharField(max_length=200)),
                ("content", models.JSONField()),
                ("ends_id", models.BigIntegerField(null=True)),
                ("organisation_id", models.BigIntegerField(null=True)),
                ("valid_from", models.DateField()),
                ("valid_to", models.DateField(null=True)),
                ("proof", models.CharField(max_length=200)),
                ("asked_at", models.DateTimeField()),
                (
                    "asked_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TermsDecision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("agrees", models.BooleanField()),
                ("note", models.CharField(blank=True, max_length=200)),
                ("decided_at", models.DateTimeField()),
                (
                    "change",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="decision", to="debt.termschange"
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        *keep_append_only("debt_termschange", "debt_termsdecision"),
    ]
