"""Every worked example of the shared collection is a case file, with its kind kept and its figures expected."""

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from mains.engine.case import Case, read_case

CASES = Path(__file__).parent.parent / "cases"
COLLECTION = Path(__file__).parents[3] / "shared" / "tariffs" / "examples.json"
# Example: kind, the cases that carry it, the figures it expects.
EXAMPLES = {
    "tr-gas-buildup-izgaz-1": ("published", "tr-gas-buildup-izgaz-1", "1.435691 1.694115"),
    "tr-gas-buildup-izgaz-2": ("published", "tr-gas-buildup-izgaz-2", "1.716318 2.025255"),
    "tr-gas-buildup-izgaz-3": ("published", "tr-gas-buildup-izgaz-3", "5.223734 6.268481"),
    "tr-gas-buildup-izgaz-4": ("published", "tr-gas-buildup-izgaz-4", "5.583274 6.699929"),
    "tr-gas-free25-value": ("published", "tr-gas-free25-value", "153.25"),
    "tr-deposit-igdas-2015": ("published", "tr-deposit-igdas-2015", "443"),
    "tr-el-tier-2022-09": ("published", "tr-electricity-two-tiers-2022-09", "415 155.4 570.4"),
    "ru-saving-two-zone": ("published", "ru-one-zone-year ru-two-zone-year", "7128 4056 3072"),
    "ng-cap-r1": ("published", "ng-r1-lifeline", "200"),
    "us-jackson-1": ("published", "us-jackson-readings", "1110 105.56"),
    "us-leak-cedarhill": ("published", "us-cedarhill-leak", "5"),  # thousands of gallons
    "metrix-proration": ("published", "us-metrix-weighted-proration", "17 48.6 18 51.4"),
    "jp-tiers-320": ("published", "jp-three-tiers-320", "6741"),
    "kr-soltools-350": ("published", "kr-kepco-2024-350", "56190 3150 1750 6269 2310 71269"),
    "in-kseb-396": ("published", "in-kseb-396-bimonthly", "1779.4"),
    "gh-lifeline": ("published", "gh-lifeline-2022-09", "5.82 5.00"),
    "kenya-2009": ("published", "ke-small-bill-2009", "16 43.84 11.04"),
    "gb-shell-gas": ("published", "gb-gas-conversion", "22"),
    "us-therm": ("published", "us-therm-factor", "40"),
    "osage-roundup": ("published", "us-osage-round-up", "56.00 0.72"),
    "tr-daily-late-1.6": ("published", "tr-daily-late-rate", "0.053"),
    "rollover-helpscout": ("derived", "us-rollover", "25"),
    "drv-ru-crimea-2022h2-150": ("derived", "ru-crimea-2022h2-150", "541.50"),
    "drv-ru-crimea-2022h2-151": ("derived", "ru-crimea-2022h2-151", "546.07"),
    "drv-ru-crimea-2022h2-800": ("derived", "ru-crimea-2022h2-800", "3512.00"),
    "drv-ru-crimea-2022h2-801": ("derived", "ru-crimea-2022h2-801", "3518.07"),
    "drv-ru-crimea-2022h2-1000": ("derived", "ru-crimea-2022h2-1000", "4726.00"),
    "drv-ru-crimea-2021-900": ("derived", "ru-crimea-2021-900", "3435.50"),
    "drv-ru-odn-meter": ("derived", "ru-odn-house-meter", "1200 15.00 54.15"),
    "drv-ru-norm-k": ("derived", "ru-norm-with-coefficient", "504.00 756.00 252.00"),
    "drv-ru-penalty-simple": ("derived", "ru-penalty-simple", "190.00 73.08 263.08"),
    "drv-ng-lor": ("derived", "ng-loss-of-revenue", "314250.00 23568.75 337818.75 447818.75"),
    "drv-cn-luoyang-refund": ("derived", "cn-luoyang-refund", "16.20 129.60"),
    "drv-cn-linyi-refund": ("derived", "cn-linyi-refund", "24.58"),
    "drv-cn-anshan-height": ("derived", "cn-anshan-storey", "2496.00"),
    "drv-cn-xian-height": ("derived", "cn-xian-storey", "2227.20"),
    "drv-cn-xinxiang-settle": (
        "derived",
        "cn-xinxiang-settlement-low cn-xinxiang-settlement-high",
        "567.00 1467.00 423.00 2187.00 0.00",
    ),
    "drv-cn-dingzhou-late": ("derived", "cn-dingzhou-late cn-dingzhou-early", "20 80.00 1990.00"),
    "drv-tr-iski-right": ("derived", "tr-iski-human-right", "3.0 285.07"),
    "drv-tr-late-45": ("derived", "tr-late-45-days", "37.50"),
    "drv-mu-ratchet": ("derived", "mu-demand-ratchet", "122800.00 14880.00"),
    "drv-kz-rudny-split": ("derived", "kz-rudny-change-2022-09", "112 128"),
}


def case_of(name: str) -> Case:
    text = (CASES / f"{name}.yaml").read_text(encoding="utf-8")
    return read_case(text, name=name, open_tariff=lambda file: (CASES / file).read_text(encoding="utf-8"))


def figures(case: Case) -> Iterator[Fraction]:
    """Every number which the case expects, without its sign."""
    for service in case.services:
        expected = service.expected
        lines = (number for line in expected.lines for number in (line.amount, line.quantity))
        several = (*expected.components.values(), *expected.quantities.values(), *expected.balances.values())
        yield from (abs(number) for number in (expected.total, *several, *lines) if number is not None)


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_is_a_case(example: str) -> None:
    kind, names, expected = EXAMPLES[example]
    cases = [case_of(name) for name in names.split()]
    assert {case.kind for case in cases} == {kind}
    found = {number for case in cases for number in figures(case)}
    assert {Fraction(figure) for figure in expected.split()} & found


def test_no_example_is_missing() -> None:
    """The collection lies beside the checkout where examples are collected; elsewhere the list stands for itself."""
    assert len(EXAMPLES) >= 42
    if COLLECTION.exists():
        assert {entry["id"] for entry in json.loads(COLLECTION.read_text(encoding="utf-8"))} == set(EXAMPLES)


def test_there_are_enough_cases() -> None:
    assert len(list(CASES.glob("*.yaml"))) >= 150
