"""A utility keeps the use of a service in one unit; a tariff that counts in another one is refused wherever it comes
in."""

from datetime import UTC, datetime

import pytest

from mains.base.db import adbc_connect
from mains.base.units import UNIT_OF_SERVICE, units_of_services
from mains.billing.queries.run_tariffs import UnableToUseTariff, compile_editions
from mains.tariffs.actions.publish import UnableToPublishTariff, publish_tariff
from mains.tariffs.queries.checking import check_document
from mains.tariffs.queries.editions import list_editions

NOW = datetime(2021, 1, 1, tzinfo=UTC)
HEAT = """
tariff: heat-unit
service: heat
currency: RUB
unit: {unit}
versions:
  - valid_from: 2020-01-01
    prices: {{heat: 2311.54 RUB/Gcal}}
    components:
      - {{name: heat, formula: usage * heat}}
"""


@pytest.mark.parametrize("unit", ["kWh", "MWh", "MJ", "GJ", "Gcal"])
def test_the_unit_of_heat_is_chosen_once(unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAINS_HEAT_UNIT", unit)
    assert units_of_services()["heat"] == unit
    monkeypatch.setenv("MAINS_HEAT_UNIT", "BTU")
    with pytest.raises(ValueError, match="MAINS_HEAT_UNIT is BTU"):
        units_of_services()


def test_another_unit_is_refused_in_the_editor_and_when_published(db: None) -> None:
    (fault,) = check_document(HEAT.format(unit="Gcal")).faults
    assert (fault.code, fault.path) == ("unit-of-service", ("unit",))
    with pytest.raises(UnableToPublishTariff) as refused:
        publish_tariff(document=HEAT.format(unit="Gcal"), now=NOW)
    assert refused.value.code == "unit-of-service"
    assert check_document(HEAT.format(unit="kWh")).faults == ()
    publish_tariff(document=HEAT.format(unit="kWh"), now=NOW)


@pytest.mark.django_db(transaction=True)
def test_a_run_refuses_tariffs_of_a_unit_that_was_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(UNIT_OF_SERVICE, "heat", "Gcal")
    publish_tariff(document=HEAT.format(unit="Gcal"), now=NOW)
    with adbc_connect() as connection:
        editions = list_editions(connection=connection, as_of=NOW, known_since=NOW)
    compile_editions(editions)
    monkeypatch.undo()
    compile_editions.cache_clear()
    with pytest.raises(UnableToUseTariff, match="counts in Gcal, the use of heat is kept in kWh"):
        compile_editions(editions)
