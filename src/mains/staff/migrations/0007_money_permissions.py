"""Give the rights to propose and approve what changes debts to roles of databases that are older than them: both to
administrators and to whoever runs billing and imports payments, as accountants do. Where any role holds one, people have
decided already."""

from django.db import migrations

PROPOSE, APPROVE = "propose_money", "approve_money"


def give(apps, schema_editor):
    roles = list(apps.get_model("staff", "Role").objects.order_by("pk"))
    if any({PROPOSE, APPROVE} & set(role.permissions) for role in roles):
        return
    for role in roles:
        held = set(role.permissions)
        if "administer" in held or {"run_billing", "import_payments"} <= held:
            role.permissions = [*role.permissions, PROPOSE, APPROVE]
            role.save(update_fields=["permissions"])


class Migration(migrations.Migration):
    dependencies = [("staff", "0006_approvals")]
    operations = [migrations.RunPython(give, migrations.RunPython.noop)]
