"""Two documents compared by meaning: what a price was, what it is, and which days it touches."""

from datetime import date
from fractions import Fraction

import pytest

from mains.tariffs.queries.checking import check_document
from mains.tariffs.queries.starters import STARTERS, starter_text
from mains.tariffs.values.differences import Change, changes_of_the_past, compare_tariffs
from tariff_cast import HOME, NEXT_VERSION, TODAY


def changes(before: str, after: str) -> tuple[Change, ...]:
    old, new = check_document(before), check_document(after)
    assert old.tariff, old.faults
    assert new.tariff, new.faults
    return compare_tariffs(old.tariff, new.tariff, (old.document, new.document))


def test_the_same_meaning_is_no_difference() -> None:
    rewritten = HOME.replace("[[100, 0.20], [null, 0.30]]", "{100: 0.20, rest: 0.3}").replace(
        "tiers(usage, energy)", "tiers(usage,  energy)"
    )
    assert changes(HOME, rewritten + "# remark\n") == ()


def test_a_price_rises_by_percent() -> None:
    (change,) = changes(HOME, HOME.replace("0.20]", "0.21]"))
    assert (change.kind, change.version) == ("price-changed", date(2024, 1, 1))
    assert (change.subject, change.part) == ("energy", "≤ 100 kWh")
    assert (change.before, change.after, change.percent) == ("0.2", "0.21", Fraction(5))
    assert changes_of_the_past([change], today=TODAY) == (change,)


def test_a_version_added_is_compared_with_the_one_before_it() -> None:
    added, price = changes(HOME, HOME + NEXT_VERSION)
    assert (added.kind, added.version) == ("version-added", date(2024, 7, 1))
    assert (price.kind, price.percent) == ("price-changed", Fraction(10))
    assert changes_of_the_past([added, price], today=TODAY) == ()
    assert len(changes_of_the_past([added, price], today=date(2024, 7, 1))) == 2
    (removed,) = changes(HOME + NEXT_VERSION, HOME)
    assert removed.kind == "version-removed"


def test_an_end_that_the_next_version_gives_as_well_is_no_difference() -> None:
    ended = HOME.replace("    prices:", "    valid_to: 2024-07-01\n    prices:")
    kinds = [change.kind for change in changes(ended, HOME + NEXT_VERSION)]
    assert kinds == ["version-added", "price-changed"]
    (moved,) = changes(ended, HOME)
    assert (moved.kind, moved.before, moved.after) == ("version-moved", "2024-07-01", "")
    assert changes_of_the_past([moved], today=TODAY) == ()
    assert changes_of_the_past([moved], today=date(2024, 7, 1)) == (moved,)


@pytest.mark.parametrize(
    ("old", "new", "kind", "subject", "is_priced"),
    [
        ("vat * charges}", "vat * (charges - 1)}", "component-changed", "vat_charge", True),
        ("kind: tax", "kind: tax, round: 0.05", "component-changed", "vat_charge", True),
        ("{en: Home}", "{en: House}", "heading-changed", "title", False),
        ("unit: kWh\n", "unit: kWh\non_change: end\n", "heading-changed", "on_change", True),
        ("unit: kWh\n", "unit: kWh\nattributes: {area: m2}\n", "heading-changed", "attributes", False),
        ("[[100, 0.20],", "[[120, 0.20],", "tiers-changed", "energy", True),
        ("      vat: 20 %\n", "      vat: 20 %\n      rider: 1 EUR/kWh\n", "price-added", "rider", True),
        (
            "  - {name: vat_charge",
            "  - {name: fee, formula: '1 [EUR]'}\n  - {name: vat_charge",
            "component-added",
            "fee",
            True,
        ),
    ],
)
def test_each_kind_of_difference_is_named(old, new, kind, subject, is_priced) -> None:
    (change,) = changes(HOME, HOME.replace(old, new))
    assert (change.kind, change.subject, change.is_priced) == (kind, subject, is_priced)
    back = changes(HOME.replace(old, new), HOME)
    assert len(back) == 1


@pytest.mark.parametrize("starter", STARTERS)
def test_every_starter_is_a_tariff(starter) -> None:
    text = starter_text(starter=starter, code="new-one", currency="EUR", valid_from=date(2025, 1, 1))
    checked = check_document(text, code="new-one")
    assert checked.faults == ()
    assert checked.tariff
    assert (checked.tariff.currency, checked.tariff.versions[0].valid_from) == ("EUR", date(2025, 1, 1))


def test_what_is_no_tariff_has_faults_with_lines() -> None:
    assert [fault.code for fault in check_document(HOME, code="other").faults] == ["tariff-code"]
    (fault,) = check_document(HOME.replace("service: electricity\n", "")).faults
    assert fault.code == "service-missing"
    (fault,) = check_document("tariff: [x\n").faults
    assert (fault.code, fault.line) == ("document-syntax", 2)
    cycle = HOME.replace("vat * charges", "vat * vat_charge").replace(
        "tiers(usage, energy)", "tiers(usage, energy) + vat_charge"
    )
    assert {fault.code for fault in check_document(cycle).faults} == {"cycle"}


def test_bombs_and_deep_formulas_are_refused() -> None:
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 9))
    (fault,) = check_document("l0: &l0 [x, x]\n" + levels).faults
    assert fault.code == "document-too-long"
    (fault,) = check_document("# " + "x" * 1_000_000).faults
    assert fault.code == "document-too-long"
    deep = HOME.replace("vat * charges", "(" * 3000 + "vat" + ")" * 3000)
    assert check_document(deep).faults
