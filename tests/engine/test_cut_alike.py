"""Which drafts cut a bill as the tariff in force does, so that a trial need not cut it twice."""

from datetime import date

import pytest

from mains.engine.segments import cut_alike
from mains.engine.tariff import Tariff, read_tariff

MARCH = (date(2026, 3, 1), date(2026, 4, 1))


def tariff(*starts: str, attribute: str = "area", default: str = "40", **root: object) -> Tariff:
    """One with a version from each day, the first of them open to the past, whose charge reads an attribute."""
    days = [*starts, None]
    return read_tariff(
        {
            "tariff": "flat",
            "service": "water",
            "unit": "m3",
            "currency": "EUR",
            "attributes": {attribute: {"type": "m2", "default": default}},
            **root,
            "versions": [
                {
                    "valid_from": start,
                    **({"valid_to": end} if end else {}),
                    "components": [{"name": "by_area", "formula": f"{attribute} * {number}.5 [EUR/m2]"}],
                }
                for number, (start, end) in enumerate(zip(starts, days[1:], strict=True), start=1)
            ],
        }
    )


IN_FORCE = tariff("2020-01-01")


def test_other_prices_and_versions_outside_the_period_cut_nothing() -> None:
    assert cut_alike(IN_FORCE, tariff("2019-01-01"), [MARCH])
    assert cut_alike(IN_FORCE, tariff("2020-01-01", "2026-04-01"), [MARCH])


@pytest.mark.parametrize(
    "draft",
    [
        tariff("2020-01-01", "2026-03-15"),
        tariff("2020-01-01", attribute="heated_area"),
        tariff("2020-01-01", default="50"),
    ],
    ids=["a version inside", "another attribute", "another default"],
)
def test_what_cuts_otherwise_is_cut_again(draft: Tariff) -> None:
    assert not cut_alike(IN_FORCE, draft, [MARCH])
    assert not cut_alike(draft, IN_FORCE, [MARCH])
