from django.db import migrations

from mains.base.facts import guard_facts, keep_append_only, partition_by_month

COLUMNS = """
    month date NOT NULL,
    id bigint NOT NULL DEFAULT nextval('settlement_split_id_seq'),
    batch_id bigint NOT NULL,
    account_id bigint NOT NULL,
    credit_id bigint NOT NULL,
    document_id bigint NOT NULL,
    route_id bigint NOT NULL,
    organisation_id bigint NOT NULL,
    building_id bigint NOT NULL,
    provider_id bigint NOT NULL,
    service varchar(20) NOT NULL,
    kind varchar(10) NOT NULL,
    payee_id bigint NOT NULL,
    party_id bigint NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor <> 0),
    business_date date NOT NULL,
    recorded_at timestamptz NOT NULL
"""


class Migration(migrations.Migration):
    dependencies = [("settlement", "0001_initial"), ("base", "0001_guards")]
    operations = [
        migrations.RunSQL(
            "CREATE SEQUENCE settlement_split_id_seq; CREATE SEQUENCE settlement_batch_id_seq",
            "DROP SEQUENCE settlement_split_id_seq; DROP SEQUENCE settlement_batch_id_seq",
        ),
        partition_by_month(table="settlement_split", columns=COLUMNS, key=("month", "id")),
        migrations.RunSQL(
            # What is held of a payment is summed each time it is looked at; pages open the payments of an account.
            "CREATE INDEX split_of_credit ON settlement_split (account_id, credit_id)",
            "DROP INDEX split_of_credit",
        ),
        *keep_append_only(
            "settlement_split",
            "settlement_batch",
            "settlement_tally",
            "settlement_settlement",
            "settlement_paymentorder",
            "settlement_orderevent",
        ),
        *guard_facts("settlement_contract", "settlement_payee"),
    ]
