from collections.abc import Callable

import pytest

from desk_cast import Desks, breaches, build_desks


@pytest.fixture
def desks(db: None) -> Desks:
    return build_desks()


@pytest.fixture
def sound() -> Callable[[], list[object]]:
    """The breaches of all invariants; none in sound books."""
    return breaches
