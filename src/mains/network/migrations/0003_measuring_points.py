import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('network', '0002_guards'),
    ]

    operations = [
        migrations.AddField(
            model_name='servicepoint',
            name='measures_node',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AlterField(
            model_name='servicepoint',
            name='premise',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='service_points', to='network.premise'),
        ),
        migrations.AddIndex(
            model_name='servicepoint',
            index=models.Index(condition=models.Q(('measures_node', True)), fields=['node'], name='measuring_point'),
        ),
        migrations.AddConstraint(
            model_name='servicepoint',
            constraint=models.CheckConstraint(condition=models.Q(('measures_node', True), ('premise__isnull', False), _connector='XOR'), name='at_a_premise_or_measuring_a_node'),
        ),
    ]
