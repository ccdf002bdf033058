from django.db import migrations

from mains.base.facts import keep_append_only, partition_by_month

COLUMNS = """
    month date NOT NULL,
    id bigint NOT NULL,
    transaction_id bigint NOT NULL,
    account_id bigint NOT NULL,
    organisation_id bigint NOT NULL,
    provider_id bigint NOT NULL,
    service varchar(20) NOT NULL,
    kind varchar(10) NOT NULL,
    amount_minor bigint NOT NULL,
    correction_minor bigint NOT NULL,
    business_date date NOT NULL,
    due_date date,
    document_id bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    CHECK (date_trunc('month', business_date::timestamp) = month::timestamp)
"""

BALANCE = """
CREATE FUNCTION mains_transaction_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    off_by numeric;
BEGIN
    -- Rows are checked at commit, when all are there: the last one that a (sub)transaction wrote checks for all.
    IF EXISTS (
        SELECT FROM ledger_posting
        WHERE transaction_id = NEW.transaction_id AND id > NEW.id
          AND xmin = (SELECT xmin FROM ledger_posting WHERE id = NEW.id)
    ) THEN
        RETURN NULL;
    END IF;
    SELECT sum(amount_minor) INTO off_by FROM ledger_posting WHERE transaction_id = NEW.transaction_id;
    IF off_by <> 0 THEN
        RAISE EXCEPTION 'mains: transaction % does not balance: off by % minor units', NEW.transaction_id, off_by
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER transaction_balances AFTER INSERT ON ledger_posting
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION mains_transaction_balances();
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial"), ("base", "0001_guards")]
    operations = [
        partition_by_month(table="ledger_entry", columns=COLUMNS, key=("month", "id")),
        migrations.RunSQL(
            # A current account, and open items by account, are read on every page and by every run.
            "CREATE INDEX entry_of_account ON ledger_entry (account_id); CREATE SEQUENCE ledger_entry_id_seq",
            "DROP SEQUENCE ledger_entry_id_seq",
        ),
        *keep_append_only("ledger_transaction", "ledger_posting", "ledger_entry", "ledger_allocation"),
        migrations.RunSQL(
            BALANCE,
            "DROP TRIGGER transaction_balances ON ledger_posting; DROP FUNCTION mains_transaction_balances()",
        ),
    ]
