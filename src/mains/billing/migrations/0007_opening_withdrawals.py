import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from mains.base.facts import keep_append_only


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0006_settlements'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='OpeningBalanceWithdrawal',
            fields=[
                ('reason', models.CharField(max_length=200)),
                ('withdrawn_at', models.DateTimeField()),
                ('fact', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='withdrawal', serialize=False, to='billing.openingbalance')),
                ('withdrawn_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'abstract': False,
            },
        ),
        *keep_append_only('billing_openingbalancewithdrawal'),
    ]
