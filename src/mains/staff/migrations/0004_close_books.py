"""Give the right to close the books to roles of databases that are older than it: to whoever runs billing and imports
payments, as accountants do, and to administrators. Where any role holds it, people have decided already."""

from django.db import migrations

CLOSE = "close_books"


def give(apps, schema_editor):
    roles = list(apps.get_model("staff", "Role").objects.order_by("pk"))
    if any(CLOSE in role.permissions for role in roles):
        return
    for role in roles:
        held = set(role.permissions)
        if "administer" in held or {"run_billing", "import_payments"} <= held:
            role.permissions = [*role.permissions, CLOSE]
            role.save(update_fields=["permissions"])


class Migration(migrations.Migration):
    dependencies = [("staff", "0003_tariff_permissions")]
    operations = [migrations.RunPython(give, migrations.RunPython.noop)]
