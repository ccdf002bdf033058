import pytest

from money_cast import Cast, build_cast


@pytest.fixture
def cast(db: None) -> Cast:
    return build_cast()
