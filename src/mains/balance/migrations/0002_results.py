from django.db import migrations

from mains.base.facts import guard_facts, keep_append_only, partition_by_month

NODE = """
    month date NOT NULL,
    node_id bigint NOT NULL,
    revision smallint NOT NULL,
    bucket smallint NOT NULL,
    recorded_at timestamptz NOT NULL,
    rule_id bigint,
    quality text NOT NULL,
    node_days bigint[] NOT NULL,
    member_days bigint[] NOT NULL,
    allocated_days bigint[] NOT NULL,
    node_micro bigint NOT NULL,
    member_micro bigint NOT NULL,
    remainder_micro bigint NOT NULL,
    carried_in_micro bigint NOT NULL,
    allocated_micro bigint NOT NULL,
    over_cap_micro bigint NOT NULL,
    carried_out_micro bigint NOT NULL,
    points integer NOT NULL,
    unmetered_points integer NOT NULL,
    CHECK (remainder_micro = node_micro - member_micro)
"""

SHARE = """
    month date NOT NULL,
    service_point_id bigint NOT NULL,
    node_id bigint NOT NULL,
    revision smallint NOT NULL,
    bucket smallint NOT NULL,
    recorded_at timestamptz NOT NULL,
    total_micro bigint NOT NULL,
    days_micro bigint[] NOT NULL
"""


class Migration(migrations.Migration):
    dependencies = [("balance", "0001_initial"), ("base", "0001_guards")]
    operations = [
        *guard_facts("balance_balancerule"),
        partition_by_month(table="balance_nodemonth", columns=NODE, key=("month", "node_id", "revision")),
        partition_by_month(
            table="balance_sharemonth",
            columns=SHARE,
            key=("month", "service_point_id", "node_id", "revision"),
        ),
        migrations.RunSQL(
            # Bills read shares by slice of service points; a node's revisions are compared with all shares of it.
            "CREATE INDEX share_of_bucket ON balance_sharemonth (bucket);"
            " CREATE INDEX share_of_node ON balance_sharemonth (node_id)",
            "DROP INDEX share_of_bucket; DROP INDEX share_of_node",
        ),
        *keep_append_only("balance_nodemonth", "balance_sharemonth"),
    ]
