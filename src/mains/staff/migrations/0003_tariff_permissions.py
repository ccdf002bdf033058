"""Give the permissions of the tariff editor to the roles of databases that are older than it.

They came after the first release, so roles loaded before have none of them and nobody could open a draft. By what a role
may do already:

- whoever administers may see, write and publish;
- whoever runs billing and imports payments, as accountants do, may see and publish;
- whoever runs billing and sees reports but imports no payments, as tariff specialists do, may see and write.

So writing and publishing lie with different roles. Where any role holds one of the three, people have decided already and
nothing is touched.
"""

from django.db import migrations

SEE, WRITE, PUBLISH = "see_tariff_drafts", "draft_tariffs", "publish_tariffs"


def fitting(permissions: list[str]) -> list[str]:
    """The new permissions for a role that holds these older ones."""
    held = set(permissions)
    if "administer" in held:
        return [SEE, WRITE, PUBLISH]
    if {"run_billing", "import_payments"} <= held:
        return [SEE, PUBLISH]
    if {"run_billing", "see_reports"} <= held:
        return [SEE, WRITE]
    return []


def give(apps, schema_editor):
    roles = list(apps.get_model("staff", "Role").objects.order_by("pk"))
    if any({SEE, WRITE, PUBLISH} & set(role.permissions) for role in roles):
        return
    for role in roles:
        added = fitting(role.permissions)
        if added:
            role.permissions = [*role.permissions, *added]
            role.save(update_fields=["permissions"])


class Migration(migrations.Migration):
    dependencies = [("staff", "0002_guards")]
    operations = [migrations.RunPython(give, migrations.RunPython.noop)]
