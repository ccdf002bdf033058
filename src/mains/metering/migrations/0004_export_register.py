from django.db import migrations, models

ZONES = [(0, "Total"), (1, "Day"), (2, "Night"), (3, "Peak"), (4, "Half-peak"), (5, "Fed in")]


class Migration(migrations.Migration):
    dependencies = [("metering", "0003_recalculation")]
    operations = [
        migrations.AlterField(
            model_name="register", name="zone", field=models.SmallIntegerField(choices=ZONES)
        ),
        migrations.AlterField(
            model_name="classaverage", name="zone", field=models.SmallIntegerField(choices=ZONES)
        ),
    ]
