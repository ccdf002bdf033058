from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('balance', '0003_rest_points'),
    ]

    operations = [
        # The table of balances is partitioned and not Django's. Balances drawn up before counted nothing that was fed in.
        migrations.RunSQL(
            """
            ALTER TABLE balance_nodemonth
                ADD COLUMN fed_in_days bigint[] NOT NULL DEFAULT '{}',
                ADD COLUMN fed_in_micro bigint NOT NULL DEFAULT 0,
                DROP CONSTRAINT balance_nodemonth_check,
                ADD CONSTRAINT remainder_is_in_less_out CHECK (remainder_micro = node_micro + fed_in_micro - member_micro)
            """,
            """
            ALTER TABLE balance_nodemonth
                DROP CONSTRAINT remainder_is_in_less_out,
                DROP COLUMN fed_in_days,
                DROP COLUMN fed_in_micro,
                ADD CONSTRAINT balance_nodemonth_check CHECK (remainder_micro = node_micro - member_micro)
            """,
        ),
    ]
