import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from mains.base.facts import keep_append_only


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('base', '0001_guards'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='StoredFile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sha256', models.CharField(max_length=64, unique=True)),
                ('kind', models.CharField(choices=[('image/jpeg', 'JPEG picture'), ('image/png', 'PNG picture'), ('image/webp', 'WebP picture'), ('application/pdf', 'PDF document')], max_length=20)),
                ('size_bytes', models.IntegerField()),
                ('recorded_at', models.DateTimeField()),
                ('recorded_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('sha256__regex', '^[0-9a-f]{64}$')), name='file_named_by_hash'), models.CheckConstraint(condition=models.Q(('size_bytes__gt', 0)), name='file_not_empty')],
            },
        ),
        *keep_append_only('documents_storedfile'),
    ]
