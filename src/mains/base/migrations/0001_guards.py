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


class Migration(migrations.Migration):
    initial = True
    dependencies: list[tuple[str, str]] = []
    operations = [
        migrations.RunSQL(FACT_GUARD, "DROP FUNCTION mains_fact_guard()"),
        migrations.RunSQL(APPEND_ONLY, "DROP FUNCTION mains_append_only()"),
    ]
