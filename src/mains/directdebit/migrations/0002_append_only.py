from django.db import migrations

from mains.base.facts import guard_facts, keep_append_only


class Migration(migrations.Migration):
    dependencies = [("directdebit", "0001_initial"), ("base", "0001_guards")]
    operations = [
        *guard_facts("directdebit_creditor", "directdebit_mandate"),
        *keep_append_only(
            "directdebit_mandateevent",
            "directdebit_collection",
            "directdebit_collectionitem",
            "directdebit_collectiondecision",
            "directdebit_collectionfile",
            "directdebit_itemevent",
        ),
    ]
