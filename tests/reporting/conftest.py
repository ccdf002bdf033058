import pytest

from billing.conftest import populated
from money_cast import Cast, build_cast

__all__ = ["cast", "populated"]


@pytest.fixture
def cast(db: None) -> Cast:
    return build_cast()
