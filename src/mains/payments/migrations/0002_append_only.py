from django.db import migrations

from mains.base.facts import keep_append_only


class Migration(migrations.Migration):
    dependencies = [("payments", "0001_initial"), ("base", "0001_guards")]
    operations = [*keep_append_only("payments_receipt", "payments_receiptidentification")]
