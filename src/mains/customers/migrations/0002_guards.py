from django.db import migrations

from mains.base.facts import guard_facts


class Migration(migrations.Migration):
    dependencies = [("customers", "0001_initial"), ("base", "0001_guards")]
    operations = [*guard_facts("customers_agreement", "customers_responsibility")]
