from django.db import migrations

from mains.base.facts import guard_facts, keep_append_only


class Migration(migrations.Migration):
    dependencies = [("tariffs", "0003_drafts"), ("base", "0001_guards")]
    operations = [*guard_facts("tariffs_tariffcase"), *keep_append_only("tariffs_tariffdraftstep")]
