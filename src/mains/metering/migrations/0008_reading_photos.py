import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from mains.base.facts import keep_append_only


class Migration(migrations.Migration):

    dependencies = [
        ('documents', '0001_initial'),
        ('metering', '0007_contradictions'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ReadingPhoto',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('recorded_at', models.DateTimeField()),
                ('exception', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='photos', to='metering.readingexception')),
                ('file', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='documents.storedfile')),
                ('reading', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='photos', to='metering.reading')),
                ('recorded_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('exception__isnull', False), ('reading', None)), models.Q(('exception', None), ('reading__isnull', False)), _connector='OR'), name='photo_of_one_thing'), models.UniqueConstraint(fields=('reading', 'file'), name='one_photo_of_a_reading'), models.UniqueConstraint(fields=('exception', 'file'), name='one_photo_of_a_doubted_reading')],
            },
        ),
        *keep_append_only('metering_readingphoto'),
    ]
