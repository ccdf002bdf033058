from django.db import migrations

from mains.base.facts import guard_facts


class Migration(migrations.Migration):
    dependencies = [("tariffs", "0001_initial"), ("base", "0001_guards")]
    operations = [*guard_facts("tariffs_tariffedition")]
