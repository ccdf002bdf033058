import pytest

from metering_cast import MeterCast, build_meter_cast


@pytest.fixture
def cast(db: None) -> MeterCast:
    return build_meter_cast()
