import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('customers', '0003_party_correspondent_account'),
        ('network', '0003_measuring_points'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='NodeMonth',
            fields=[
                ('pk', models.CompositePrimaryKey('month', 'node_id', 'revision', blank=True, editable=False, primary_key=True, serialize=False)),
                ('month', models.DateField()),
                ('node_id', models.BigIntegerField()),
                ('revision', models.SmallIntegerField()),
                ('bucket', models.SmallIntegerField()),
                ('recorded_at', models.DateTimeField()),
                ('rule_id', models.BigIntegerField(null=True)),
                ('quality', models.CharField(max_length=31)),
                ('node_days', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                ('member_days', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                ('allocated_days', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                ('node_micro', models.BigIntegerField()),
                ('member_micro', models.BigIntegerField()),
                ('remainder_micro', models.BigIntegerField()),
                ('carried_in_micro', models.BigIntegerField()),
                ('allocated_micro', models.BigIntegerField()),
                ('over_cap_micro', models.BigIntegerField()),
                ('carried_out_micro', models.BigIntegerField()),
                ('points', models.IntegerField()),
                ('unmetered_points', models.IntegerField()),
            ],
            options={
                'db_table': 'balance_nodemonth',
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='ShareMonth',
            fields=[
                ('pk', models.CompositePrimaryKey('month', 'service_point_id', 'node_id', 'revision', blank=True, editable=False, primary_key=True, serialize=False)),
                ('month', models.DateField()),
                ('service_point_id', models.BigIntegerField()),
                ('node_id', models.BigIntegerField()),
                ('revision', models.SmallIntegerField()),
                ('bucket', models.SmallIntegerField()),
                ('recorded_at', models.DateTimeField()),
                ('total_micro', models.BigIntegerField()),
                ('days_micro', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
            ],
            options={
                'db_table': 'balance_sharemonth',
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='BalanceRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('recorded_at', models.DateTimeField()),
                ('proof', models.CharField(blank=True, max_length=200)),
                ('superseded_at', models.DateTimeField(null=True)),
                ('valid', django.contrib.postgres.fields.ranges.DateRangeField()),
                ('key', models.CharField(choices=[('area', 'By floor area'), ('use', 'By consumption'), ('residents', 'By residents'), ('equal', 'In equal parts'), ('none', 'Not shared: a loss')], max_length=10)),
                ('negative', models.CharField(choices=[('give_back', 'Given back by the same key'), ('carry', 'Carried into the next month of the year'), ('zero', 'Left out')], max_length=10)),
                ('cap_norm_m2_micro', models.BigIntegerField(null=True)),
                ('common_area_m2_micro', models.BigIntegerField(null=True)),
                ('norm_person_micro', models.BigIntegerField(null=True)),
                ('bearer', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.party')),
                ('node', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='balance_rules', to='network.node')),
                ('recorded_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [django.contrib.postgres.constraints.ExclusionConstraint(condition=models.Q(('superseded_at__isnull', True)), expressions=[(models.Func(models.F('node_id'), models.F('node_id'), models.Value('[]'), function='int8range'), '&&'), ('valid', '&&')], name='one_balance_rule_at_a_time'), models.CheckConstraint(condition=models.Q(('cap_norm_m2_micro__isnull', True), ('common_area_m2_micro__isnull', False), _connector='XOR'), name='cap_has_norm_and_area'), models.CheckConstraint(condition=models.Q(('cap_norm_m2_micro__gte', 0), ('cap_norm_m2_micro__isnull', True), _connector='OR'), name='cap_not_negative')],
            },
        ),
    ]
