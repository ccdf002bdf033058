"""Give the rights at cash desks to roles of databases that are older than them: taking money to whoever imports payments
without running billing, as cashiers do; supervising to whoever sees money and reports. Administrators get both. Where
any role holds one of them, people have decided already."""

from django.db import migrations

TAKE, SUPERVISE = "take_payments", "supervise_desks"


def give(apps, schema_editor):
    roles = list(apps.get_model("staff", "Role").objects.order_by("pk"))
    if any({TAKE, SUPERVISE} & set(role.permissions) for role in roles):
        return
    for role in roles:
        held, given = set(role.permissions), []
        if "administer" in held or ("import_payments" in held and "run_billing" not in held):
            given.append(TAKE)
        if "administer" in held or ({"see_money", "see_reports"} <= held and "draft_tariffs" not in held):
            given.append(SUPERVISE)
        if given:
            role.permissions = [*role.permissions, *given]
            role.save(update_fields=["permissions"])


class Migration(migrations.Migration):
    dependencies = [("staff", "0004_close_books")]
    operations = [migrations.RunPython(give, migrations.RunPython.noop)]
