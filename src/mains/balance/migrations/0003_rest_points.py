import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('balance', '0002_results'),
        ('customers', '0003_party_correspondent_account'),
        ('network', '0005_rest_points'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='balancerule',
            name='rest_point',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='network.servicepoint'),
        ),
        migrations.AddConstraint(
            model_name='balancerule',
            constraint=models.CheckConstraint(condition=models.Q(('rest_point__isnull', True), ('cap_norm_m2_micro__isnull', False), _connector='OR'), name='rest_needs_cap'),
        ),
        # The table of balances is partitioned and not Django's. Balances drawn up before gave what is over the cap to nobody.
        migrations.RunSQL(
            "ALTER TABLE balance_nodemonth ADD COLUMN rest_micro bigint NOT NULL DEFAULT 0",
            "ALTER TABLE balance_nodemonth DROP COLUMN rest_micro",
        ),
    ]
