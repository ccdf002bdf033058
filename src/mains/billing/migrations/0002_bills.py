from django.db import migrations

from mains.base.facts import keep_append_only, partition_by_month

BILL = """
    month date NOT NULL,
    id bigint NOT NULL,
    run_id bigint NOT NULL,
    account_id bigint NOT NULL,
    organisation_id bigint NOT NULL,
    issued_on date NOT NULL,
    due_on date NOT NULL,
    amount_minor bigint NOT NULL,
    correction_minor bigint NOT NULL,
    tax_minor bigint NOT NULL,
    quantity_micro bigint NOT NULL,
    estimated_days smallint NOT NULL,
    recorded_at timestamptz NOT NULL
"""

LINE = """
    month date NOT NULL,
    bill_id bigint NOT NULL,
    line smallint NOT NULL,
    agreement_id bigint NOT NULL,
    service_point_id bigint NOT NULL,
    tariff_edition_id integer NOT NULL,
    service_month date NOT NULL,
    component text NOT NULL,
    kind text NOT NULL,
    from_date date NOT NULL,
    to_date date NOT NULL,
    quantity_micro bigint NOT NULL,
    amount_minor bigint NOT NULL,
    CHECK (from_date < to_date)
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial"), ("base", "0001_guards")]
    operations = [
        partition_by_month(table="billing_bill", columns=BILL, key=("month", "id")),
        migrations.RunSQL(
            # An account's bills: the subscriber book, and what was posted before for a correction.
            "CREATE INDEX bill_of_account ON billing_bill (account_id); CREATE SEQUENCE billing_bill_id_seq",
            "DROP SEQUENCE billing_bill_id_seq",
        ),
        partition_by_month(table="billing_billline", columns=LINE, key=("month", "bill_id", "line")),
        *keep_append_only("billing_bill", "billing_billline", "billing_billrunbucket"),
    ]
