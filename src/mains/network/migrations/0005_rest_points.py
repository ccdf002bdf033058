from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('network', '0004_idle_period'),
    ]

    operations = [
        migrations.AddField(
            model_name='servicepoint',
            name='takes_rest',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AlterField(
            model_name='premise',
            name='kind',
            field=models.CharField(choices=[('flat', 'Flat'), ('house', 'House'), ('shop', 'Shop'), ('office', 'Office'), ('workshop', 'Workshop'), ('common', 'Common areas')], max_length=20),
        ),
        migrations.AddIndex(
            model_name='servicepoint',
            index=models.Index(condition=models.Q(('takes_rest', True)), fields=['bucket'], name='rest_point_bucket'),
        ),
        migrations.AddConstraint(
            model_name='servicepoint',
            constraint=models.CheckConstraint(condition=models.Q(('measures_node', False), ('takes_rest', False), _connector='OR'), name='measures_or_takes_rest'),
        ),
    ]
