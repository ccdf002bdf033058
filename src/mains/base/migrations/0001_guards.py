"""Trigger functions that keep facts and postings from being edited, for any client of the database."""

from django.db import migrations

FACT_GUARD = """
CREATE FUNCTION mains_fact_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'mains: a fact in % is never deleted; supersede it', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.superseded_at IS NOT NULL
       OR NEW.superseded_at IS NULL
       OR (to_jsonb(NEW) - 'superseded_at') <> (to_jsonb(OLD) - 'superseded_at') THEN
        RAISE EXCEPTION 'mains: a fact in % is never changed; record a new one', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
"""

APPEND_ONLY = """
CREATE FUNCTION mains_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'mains: rows of % are append-only; post a correction', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
"""

MONTH_PARTITION = """
CREATE FUNCTION mains_month_partition(parent text, first date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    part text := parent || to_char(first, '"_y"YYYY"m"MM');
    guard record;
BEGIN
    IF to_regclass(part) IS NOT NULL THEN
        RETURN;
    END IF;
    -- Two processes may need the same month at once: the lock lasts until the end of the transaction.
    PERFORM pg_advisory_xact_lock(hashtext(part));
    -- The name looked up above may be remembered as missing: taking a table lock takes in what others committed.
    EXECUTE format('LOCK TABLE ONLY %I IN ACCESS SHARE MODE', parent);
    IF to_regclass(part) IS NOT NULL THEN
        RETURN;
    END IF;
    -- Attaching takes a weaker lock on the parent than CREATE TABLE ... PARTITION OF: readers and writers go on.
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', part, parent);
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                   parent, part, first, first + interval '1 month');
    -- Row triggers come with the attachment; the ones on TRUNCATE (bit 32 of tgtype) do not.
    FOR guard IN SELECT tgname, tgfoid::regproc AS action FROM pg_trigger
                 WHERE tgrelid = to_regclass(parent) AND NOT tgisinternal AND tgtype & 32 <> 0 LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION %s()',
                       guard.tgname, part, guard.action);
    END LOOP;
END $$;
"""

RESERVE_IDS = """
CREATE FUNCTION mains_reserve_ids(ids regclass, how_many bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    first bigint;
    last bigint;
BEGIN
    -- Every id is drawn, because others may draw single ids meanwhile and setval would hand these out twice.
    LOOP
        SELECT min(id), max(id) INTO first, last FROM (SELECT nextval(ids) AS id FROM generate_series(1, how_many)) drawn;
        EXIT WHEN last - first + 1 = how_many;
    END LOOP;
    RETURN first;
END $$;
"""


class Migration(migrations.Migration):
    initial = True
    dependencies: list[tuple[str, str]] = []
    operations = [
        migrations.RunSQL(FACT_GUARD, "DROP FUNCTION mains_fact_guard()"),
        migrations.RunSQL(APPEND_ONLY, "DROP FUNCTION mains_append_only()"),
        migrations.RunSQL(MONTH_PARTITION, "DROP FUNCTION mains_month_partition(text, date)"),
        migrations.RunSQL(RESERVE_IDS, "DROP FUNCTION mains_reserve_ids(regclass, bigint)"),
    ]
