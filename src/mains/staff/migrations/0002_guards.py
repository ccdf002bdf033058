from django.db import migrations

from mains.base.facts import guard_facts


class Migration(migrations.Migration):
    dependencies = [("staff", "0001_initial"), ("base", "0001_guards")]
    operations = [*guard_facts("staff_organisationplacement", "staff_assignment")]
