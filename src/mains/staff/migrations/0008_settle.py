"""Give the right to settle with providers to roles of databases that are older than it: to whoever closes the books. Where any
role holds it, people have decided already."""

from django.db import migrations

CLOSE, SETTLE = "close_books", "settle"


def give(apps, schema_editor):
    roles = list(apps.get_model("staff", "Role").objects.order_by("pk"))
    if any(SETTLE in role.permissions for role in roles):
        return
    for role in roles:
        if CLOSE in role.permissions:
            role.permissions = [*role.permissions, SETTLE]
            role.save(update_fields=["permissions"])


class Migration(migrations.Migration):
    dependencies = [("staff", "0007_money_permissions")]
    operations = [migrations.RunPython(give, migrations.RunPython.noop)]
