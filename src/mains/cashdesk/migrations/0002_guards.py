from django.db import migrations

from mains.base.facts import keep_append_only

FROZEN = """
CREATE FUNCTION cashdesk_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'mains: a row of % that is closed or decided is not changed, and none is deleted', TG_TABLE_NAME
        USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER frozen_once_closed BEFORE UPDATE ON cashdesk_shift
    FOR EACH ROW WHEN (OLD.closed_at IS NOT NULL) EXECUTE FUNCTION cashdesk_frozen();
CREATE TRIGGER never_deleted BEFORE DELETE ON cashdesk_shift FOR EACH ROW EXECUTE FUNCTION cashdesk_frozen();
CREATE TRIGGER frozen_once_decided BEFORE UPDATE ON cashdesk_deskvoid
    FOR EACH ROW WHEN (OLD.state <> 'asked') EXECUTE FUNCTION cashdesk_frozen();
CREATE TRIGGER never_deleted BEFORE DELETE ON cashdesk_deskvoid FOR EACH ROW EXECUTE FUNCTION cashdesk_frozen();
"""
THAWED = """
DROP TRIGGER frozen_once_closed ON cashdesk_shift; DROP TRIGGER never_deleted ON cashdesk_shift;
DROP TRIGGER frozen_once_decided ON cashdesk_deskvoid; DROP TRIGGER never_deleted ON cashdesk_deskvoid;
DROP FUNCTION cashdesk_frozen();
"""
# A shift that is closed takes nothing more, whoever inserts it.
ONLY_OPEN = """
CREATE FUNCTION cashdesk_only_open() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM cashdesk_shift WHERE id = NEW.shift_id AND closed_at IS NOT NULL) THEN
        RAISE EXCEPTION 'mains: shift % is closed', NEW.shift_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER only_open BEFORE INSERT ON cashdesk_deskpayment FOR EACH ROW EXECUTE FUNCTION cashdesk_only_open();
CREATE TRIGGER only_open BEFORE INSERT ON cashdesk_cashmovement FOR EACH ROW EXECUTE FUNCTION cashdesk_only_open();
"""
NOT_ONLY = """
DROP TRIGGER only_open ON cashdesk_deskpayment; DROP TRIGGER only_open ON cashdesk_cashmovement;
DROP FUNCTION cashdesk_only_open();
"""


class Migration(migrations.Migration):
    dependencies = [("cashdesk", "0001_initial"), ("base", "0001_guards")]
    operations = [
        *keep_append_only("cashdesk_deskpayment", "cashdesk_deskpaymentline", "cashdesk_cashmovement"),
        migrations.RunSQL(FROZEN, THAWED),
        migrations.RunSQL(ONLY_OPEN, NOT_ONLY),
    ]
