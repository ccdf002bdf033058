"""A look is noted in one call, which makes the month's partition when it is the first of its month."""

from django.db import migrations

NOTE_LOOK = """
CREATE FUNCTION mains_note_look(at timestamptz, user_id bigint, account_id bigint, page text, address inet, reason text)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    first date := date_trunc('month', at AT TIME ZONE 'UTC')::date;
BEGIN
    -- Looking must not wait for the disk: a server that crashes may lose the last half second of looks, and nothing else.
    PERFORM set_config('synchronous_commit', 'off', true);
    FOR attempt IN 1..2 LOOP
        BEGIN
            INSERT INTO staff_look (month, at, user_id, account_id, page, address, reason)
            VALUES (first, at, user_id, account_id, page, address, reason) ON CONFLICT DO NOTHING;
            RETURN;
        EXCEPTION WHEN check_violation THEN
            PERFORM mains_month_partition('staff_look', first);
        END;
    END LOOP;
    RAISE EXCEPTION 'No partition of staff_look takes %', first;
END $$"""


class Migration(migrations.Migration):
    dependencies = [("staff", "0012_protection_permissions")]
    operations = [
        migrations.RunSQL(
            NOTE_LOOK, "DROP FUNCTION mains_note_look(timestamptz, bigint, bigint, text, inet, text)"
        )
    ]
