import pytest

from billing.conftest import billed_until_may, billed_utility, populated, utility
from money_cast import Cast, build_cast

__all__ = ["billed_until_may", "billed_utility", "cast", "populated", "utility"]


@pytest.fixture
def cast(db: None) -> Cast:
    return build_cast()
