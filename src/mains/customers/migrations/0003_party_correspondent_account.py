from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("customers", "0002_guards")]
    operations = [
        migrations.AddField(
            model_name="party",
            name="correspondent_account",
            field=models.CharField(blank=True, db_default="", max_length=40),
        ),
    ]
