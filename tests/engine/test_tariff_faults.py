"""Every faulty tariff is refused with the clause named; all faults are told at once."""

import json
from decimal import Decimal

import pytest

from mains.engine.tariff import UnableToReadDocument, UnableToReadTariff, read_document, read_tariff

GOOD = """
tariff: household
currency: RUB
unit: kWh
attributes: {band: {type: text, values: [A, B]}, residents: number}
seasons: {summer: {from: "07-01", to: "08-31"}, other: rest}
versions:
  - valid_from: 2024-01-01
    prices:
      energy: {unit: RUB/kWh, tiers: [[150, 3.61], [800, 4.57], [null, 6.07]]}
      flat: {unit: RUB/kWh, by: band, A: 2, B: 3}
      vat: 20 %
    components:
      - {name: energy, formula: "tiers(usage, energy)"}
      - {name: flat, formula: usage * flat}
      - {name: vat, kind: tax, formula: vat * charges}
  - valid_from: 2024-07-01
    prices:
      energy: {unit: RUB/kWh, tiers: [[150, 4], [800, 5], [null, 7]]}
      flat: {unit: RUB/kWh, by: band, A: 2, B: 3}
      vat: 20 %
    components:
      - {name: energy, formula: "tiers(usage, energy)"}
      - {name: flat, formula: usage * flat}
      - {name: vat, kind: tax, formula: vat * charges}
"""
SECOND = "versions[2024-07-01]"


def test_the_good_one_is_read() -> None:
    tariff = read_tariff(GOOD)
    assert [str(version.valid_to) for version in tariff.versions] == ["2024-07-01", "None"]


@pytest.mark.parametrize(
    ("old", "new", "code", "clause"),
    [
        ("valid_from: 2024-07-01", "valid_from: 2024-01-01", "version-overlap", "versions[2024-01-01]"),
        ("valid_from: 2024-01-01", "valid_from: 2024-01-01\n    valid_to: 2024-06-01",
         "version-gap", "versions[2024-01-01].valid_to"),
        ("valid_from: 2024-01-01", "valid_from: 2024-01-01\n    valid_to: 2024-08-01",
         "version-overlap", "versions[2024-01-01].valid_to"),
        ("valid_from: 2024-01-01", "valid_from: 2024-01-01\n    valid_to: 2023-08-01",
         "version-empty", "versions[2024-01-01].valid_to"),
        ("[800, 5], [null, 7]", "[800, 5]", "missing-tier", f"{SECOND}.prices.energy.tiers[1]"),
        ("[800, 5], [null, 7]", "[100, 5], [null, 7]", "tiers-order", f"{SECOND}.prices.energy.tiers[1]"),
        ("[[150, 4], [800", "[[null, 4], [800", "missing-tier", f"{SECOND}.prices.energy.tiers[0]"),
        ("RUB/kWh, tiers: [[150, 4]", "RUB/m3, tiers: [[150, 4]",
         "unit-mismatch", f"{SECOND}.components[energy].formula"),
        ("RUB/kWh, tiers: [[150, 4]", "RUB, tiers: [[150, 4]",
         "unit-mismatch", f"{SECOND}.components[energy].formula"),
        ("unit: RUB/kWh, tiers: [[150, 4]", "tiers: [[150, 4]", "missing-unit", f"{SECOND}.prices.energy"),
        ("[150, 4]", "[150, four]", "not-a-number", f"{SECOND}.prices.energy.tiers[0][1]"),
        ("by: band, A: 2, B: 3", "by: band, A: 2, C: 3", "unknown-key", "versions[2024-01-01].prices.flat.C"),
        ("by: band", "by: bond", "unknown-key", "versions[2024-01-01].prices.flat.by"),
        ("by: band", "by: residents", "number-key", "versions[2024-01-01].prices.flat.by"),
        ("usage * flat", "usage * float", "unknown-name", "versions[2024-01-01].components[flat].formula"),
        ("usage * flat", "energy * 2 + vat", "cycle", "versions[2024-01-01].components[flat].formula"),
        ("usage * flat", "usage * flat +", "formula-syntax", "versions[2024-01-01].components[flat].formula"),
        ("usage * flat", "usage * flat + residents",
         "unit-mismatch", "versions[2024-01-01].components[flat].formula"),
        ("usage * flat", "usage * energy", "unit-mismatch", "versions[2024-01-01].components[flat].formula"),
        ("usage * flat", "usage * prices.energy",
         "tiers-need-function", "versions[2024-01-01].components[flat].formula"),
        ("usage * flat", "__import__('os')", "unknown-name", "versions[2024-01-01].components[flat].formula"),
        ("usage * flat", "flat * usage / 0",
         "division-by-zero", "versions[2024-01-01].components[flat].formula"),
        ("kind: tax, formula: vat", "kind: tax, frmula: x, formula: vat",
         "unknown-key", "versions[2024-01-01].components[vat].frmula"),
        ("name: flat, formula", "name: flat, when: usage, formula",
         "unit-mismatch", "versions[2024-01-01].components[flat].when"),
        ("name: flat, formula", "name: flat, round: {to: 0}, formula",
         "rounding-step", "versions[2024-01-01].components[flat].round"),
        ("name: flat, formula", "name: energy, formula",
         "name-taken", "versions[2024-01-01].components[energy].name"),
        ("name: flat, formula", "name: flat, on_change: sometimes, formula",
         "unknown-choice", "versions[2024-01-01].components[flat].on_change"),
        ("currency: RUB", "currency: roubles", "currency-unknown", "currency"),
        ('to: "08-31"', 'to: "08-32"', "seasons", "seasons.summer"),
        (", other: rest", "", "seasons", "seasons"),
    ],
)  # fmt: skip
def test_fault_is_refused_by_clause(old: str, new: str, code: str, clause: str) -> None:
    assert old in GOOD
    with pytest.raises(UnableToReadTariff) as caught:
        read_tariff(GOOD.replace(old, new, 1))
    found = [(problem.code, problem.clause) for problem in caught.value.problems]
    assert any(name == code and where.startswith(clause) for name, where in found), found


def test_all_faults_are_told_with_their_lines() -> None:
    broken = GOOD.replace("usage * flat", "usage * float").replace("[800, 5], [null, 7]", "[800, 5]")
    with pytest.raises(UnableToReadTariff) as caught:
        read_tariff(broken)
    lines = {problem.line for problem in caught.value.problems}
    expected = {
        at for at, line in enumerate(broken.splitlines(), 1) if "float" in line or "[800, 5]]" in line
    }
    assert lines == expected
    assert all(problem.remedy for problem in caught.value.problems)


def test_binary_float_is_refused_and_exact_numbers_are_not() -> None:
    document = json.loads(json.dumps({"tariff": "t", "currency": "RUB", "unit": "kWh"}))
    components = [{"name": "energy", "formula": "usage * price"}]
    for price in (3, "3.61", Decimal("3.61")):
        read_tariff(
            {**document, "prices": {"price": {"unit": "RUB/kWh", "value": price}}, "components": components}
        )
    with pytest.raises(UnableToReadTariff) as caught:
        read_tariff(
            {**document, "prices": {"price": {"unit": "RUB/kWh", "value": 3.61}}, "components": components}
        )
    assert caught.value.problems[0].code == "float"
    assert caught.value.problems[0].clause == "prices.price.value"


def test_a_circle_over_versions_is_refused() -> None:
    first, second = GOOD, GOOD
    first = first.replace("usage * flat", "usage * flat + energy", 1)
    head, tail = first.split("  - valid_from: 2024-07-01")
    second = tail.replace("tiers(usage, energy)", "tiers(usage, energy) + flat")
    with pytest.raises(UnableToReadTariff) as caught:
        read_tariff(head + "  - valid_from: 2024-07-01" + second)
    assert [problem.code for problem in caught.value.problems] == ["cycle"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: 1\na: 2", "key-twice"),
        ("a: [1, 2", "document-syntax"),
        ("", "document-empty"),
        ("a: 2024-02-30", "date-unknown"),
        ("[" * 60 + "]" * 60, "document-depth"),
        ("a: &x [*x]", "document-depth"),
        ("x: \x00", "document-syntax"),
    ],
)
def test_broken_documents(text: str, code: str) -> None:
    with pytest.raises(UnableToReadDocument) as caught:
        read_document(text, name="case.yaml")
    assert caught.value.code == code


def test_yaml_traps_are_shut() -> None:
    document = read_document("a: no\nb: 12:30\nc: 1_000.50\nd: 010\ne: 0.1\nf: on\ng: 1e3")
    assert document == {
        "a": "no",
        "b": "12:30",
        "c": Decimal("1000.50"),
        "d": 10,
        "e": Decimal("0.1"),
        "f": "on",
        "g": "1e3",
    }


def test_yaml_tags_make_no_objects() -> None:
    assert read_document("a: !!python/object/apply:os.system ['true']") == {"a": ["true"]}
