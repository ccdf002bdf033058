"""Give the permissions that protect personal data to roles of databases that are older than them: names to whoever sees
accounts, contacts to whoever records or bills, logs and erasure to administrators. Where any role holds one, people have
decided already."""

from django.db import migrations

GIVEN_WITH = {
    "see_names": ("see_accounts",),
    "see_contacts": ("run_billing", "record_readings see_money", "administer"),
    "see_looks": ("administer",),
    "handle_personal_data": ("administer",),
    "see_audit": ("administer",),
}


def give(apps, schema_editor):
    roles = list(apps.get_model("staff", "Role").objects.order_by("pk"))
    if any(new in role.permissions for role in roles for new in GIVEN_WITH):
        return
    for role in roles:
        held = set(role.permissions)
        more = [new for new, ways in GIVEN_WITH.items() if any(held >= set(way.split()) for way in ways)]
        if more:
            role.permissions = [*role.permissions, *more]
            role.save(update_fields=["permissions"])


class Migration(migrations.Migration):
    dependencies = [("staff", "0011_rights_and_records")]
    operations = [migrations.RunPython(give, migrations.RunPython.noop)]
