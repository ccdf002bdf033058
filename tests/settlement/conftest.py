"""The money cast with a chain: Lumen collects for Lumen Power and Spring Water; House Care manages Anna's house, where
Grid has a part of what is paid for electricity."""

import pytest

from mains.customers.models import Agreement, Party
from money_cast import Cast, build_cast
from settlement_cast import withdraw_manager


@pytest.fixture
def cast(db) -> Cast:
    cast = build_cast()
    for code, name, kind in (("care", "House Care", "manager"), ("grid", "Grid", "supplier")):
        cast.parties[code] = Party.objects.create(code=code, name=name, kind=kind).pk
    withdraw_manager(cast)
    assert Agreement.objects.filter(manager__isnull=False, superseded_at__isnull=True).count() == 2
    return cast
