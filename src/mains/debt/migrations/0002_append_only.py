from django.db import migrations

from mains.base.facts import guard_facts, keep_append_only


class Migration(migrations.Migration):
    dependencies = [
        ("debt", "0001_initial"),
        ("base", "0001_guards"),
        ("ledger", "0008_debts_and_credits"),
    ]
    operations = [
        *guard_facts("debt_interestterms", "debt_keyrate", "debt_limitationterms", "debt_provisionterms"),
        *keep_append_only(
            "debt_interestrun",
            "debt_interestline",
            "debt_movement",
            "debt_movementposting",
            "debt_refundfile",
            "debt_refundorder",
            "debt_refundpayment",
            "debt_provision",
        ),
    ]
