import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0005_carried_balances'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='billrun',
            name='kind',
            field=models.CharField(choices=[('monthly', 'Monthly'), ('recalculation', 'Recalculation'), ('settlement', 'Final settlement')], default='monthly', max_length=13),
        ),
        migrations.CreateModel(
            name='RecalculationLook',
            fields=[
                ('cycle', models.CharField(max_length=20, primary_key=True, serialize=False)),
                ('looked_at', models.DateTimeField(null=True)),
                ('outcome', models.CharField(choices=[('nothing', 'Nothing to correct'), ('posted', 'Corrected'), ('waits', 'Waits for a person'), ('held', 'Another run comes first'), ('failed', 'Failed')], max_length=10)),
                ('touched', models.IntegerField(default=0)),
                ('at_most', models.IntegerField(default=0)),
                ('message', models.TextField(blank=True)),
                ('remedy', models.TextField(blank=True)),
                ('agreed_at', models.DateTimeField(null=True)),
                ('agreed_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('run', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='billing.billrun')),
            ],
        ),
    ]
