"""People who write and publish tariffs, and a tariff that is in force."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from mains.staff.models import User
from mains.tariffs.actions.publish import publish_tariff
from mains.tariffs.models import TariffEdition
from tariff_cast import HOME, NOW


@pytest.fixture
def olga(db: None) -> User:
    """She writes tariffs."""
    return User.objects.create_user("olga", first_name="Olga", last_name="Ivanova")


@pytest.fixture
def pavel(db: None) -> User:
    """He publishes what others wrote."""
    return User.objects.create_user("pavel", first_name="Pavel")


@pytest.fixture
def home(db: None) -> TariffEdition:
    """Tariff `home` in force: 150 kWh cost 42.00."""
    return publish_tariff(document=HOME, now=NOW - timedelta(days=100))


@pytest.fixture
def later() -> Callable[[int], datetime]:
    """Minutes after the cast's present."""
    return lambda minutes: NOW + timedelta(minutes=minutes)
