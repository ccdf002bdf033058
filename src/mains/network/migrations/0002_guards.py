from django.db import migrations

from mains.base.facts import guard_facts

POINT_INDEX = migrations.RunSQL(
    # Selecting an area on the map: core GiST over points, no PostGIS in the embedded server.
    "CREATE INDEX building_place ON network_building USING gist (point(longitude, latitude))",
    "DROP INDEX building_place",
)


class Migration(migrations.Migration):
    dependencies = [("network", "0001_initial"), ("base", "0001_guards")]
    operations = [*guard_facts("network_nodeplacement", "network_nodestate", "network_premisestate"), POINT_INDEX]
