"""Edits of a tariff's text change one place and keep everything else, remarks included."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mains.engine.tariff import read_tariff
from mains.tariffs.values.document_text import (
    UnableToEditText,
    append_entry,
    append_item,
    copy_item,
    insert_item,
    remove,
    scalar_text,
    scalar_texts,
    set_text,
)

PACKS = Path(__file__).parents[2] / "src/mains/packs"
DOCUMENTS = sorted(PACKS.glob("*/tariffs/*.yaml"))
TEXT = """\
# Household, by order 56.
tariff: home   # the code
title: {en: Home, ru: "Дом: тариф"}
service: electricity
currency: EUR
unit: kWh
components:
  - name: energy
    formula: "tiers(usage, energy)"   # slab

  # VAT follows
  - {name: vat, kind: tax, formula: vat * charges}
versions:
  - valid_from: 2024-01-01
    valid_to: 2025-01-01
    prices:
      energy: {unit: EUR/kWh, tiers: [[100, 0.20], [null, 0.30]]}   # order 56
      standing:
        unit: EUR/day
        value: 0.40
      vat: 19 %
    note: >-
      Folded text
      in two lines.
"""


def lines_changed(before: str, after: str) -> list[tuple[str, str]]:
    pairs = zip(before.splitlines(), after.splitlines(), strict=True)
    return [(old, new) for old, new in pairs if old != new]


def test_a_price_is_replaced_in_its_place() -> None:
    path = ("versions", 0, "prices", "energy", "tiers", 0, 1)
    changed = set_text(TEXT, path, "0.21")
    assert lines_changed(TEXT, changed) == [
        (
            "      energy: {unit: EUR/kWh, tiers: [[100, 0.20], [null, 0.30]]}   # order 56",
            "      energy: {unit: EUR/kWh, tiers: [[100, 0.21], [null, 0.30]]}   # order 56",
        )
    ]


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        (("components", 0, "formula"), "usage * x", '    formula: "usage * x"   # slab'),
        (("title", "en"), "Home, new", 'title: {en: "Home, new", ru: "Дом: тариф"}'),
        (("tariff",), "home: x # y", 'tariff: "home: x # y"   # the code'),
        (("versions", 0, "prices", "vat"), "", "      vat: null"),
        (("versions", 0, "note"), "Short", '    note: "Short"'),
    ],
)
def test_a_text_is_quoted_where_it_must_be(path, value, line) -> None:
    changed = set_text(TEXT, path, value)
    assert line in changed.splitlines()
    assert scalar_text(changed, path) == (value or "null")


def test_an_empty_value_takes_its_place_behind_the_colon() -> None:
    assert set_text("a:\nb: 1\n", ("a",), "2") == "a: 2\nb: 1\n"
    assert set_text("{a: , b: 1}\n", ("a",), "2") == "{a: 2 , b: 1}\n"


def test_a_version_is_copied_with_its_remarks_and_a_tier_is_put_in() -> None:
    copied = set_text(copy_item(TEXT, ("versions", 0)), ("versions", 1, "valid_from"), "2025-01-01")
    copied = remove(copied, ("versions", 1, "valid_to"))
    assert copied.count("# order 56") == 2
    tiered = insert_item(copied, ("versions", 1, "prices", "energy", "tiers", 1), "[300, 0.25]")
    assert "tiers: [[100, 0.20], [300, 0.25], [null, 0.30]]" in tiered
    tariff = read_tariff(tiered)
    assert len(tariff.versions) == 2
    assert len(tariff.versions[1].tables["energy"].cells[()]) == 3


def test_entries_and_items_come_and_go_in_both_layouts() -> None:
    grown = append_entry(TEXT, ("versions", 0, "prices"), "rider", "{unit: EUR/kWh, value: 0.01}")
    grown = append_item(grown, ("components",), '{name: rider_charge, formula: "usage * rider"}')
    grown = append_entry(grown, ("title",), "de", "Haushalt")
    assert read_tariff(grown).versions[0].components[-1].name == "rider_charge"
    gone = remove(remove(grown, ("components", 2)), ("versions", 0, "prices", "rider"))
    assert remove(gone, ("title", "de")) == TEXT


def test_the_first_entry_behind_a_dash_can_go() -> None:
    assert remove("- a: 1\n  b: 2\n- c: 3\n", (0, "a")) == "- b: 2\n- c: 3\n"


def test_a_value_shared_by_an_alias_is_left_to_the_text_view() -> None:
    text = "prices:\n  a: &p {unit: EUR/kWh, value: 1}\n  b: *p\n"
    with pytest.raises(UnableToEditText, match="other places"):
        set_text(text, ("prices", "b", "value"), "2")


def test_a_bomb_of_aliases_is_refused_at_once() -> None:
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 9))
    with pytest.raises(UnableToEditText, match="entries"):
        scalar_texts("l0: &l0 [x, x, x, x, x, x, x, x, x]\n" + levels)


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.stem)
def test_every_value_of_the_packs_tariffs_can_be_set(file) -> None:
    text = file.read_text("utf-8")
    for path, value in scalar_texts(text).items():
        changed = set_text(text, path, value + "7")
        assert scalar_text(changed, path) == value + "7"
        assert len(changed.splitlines()) <= len(text.splitlines())


@settings(max_examples=150, deadline=None)
@given(value=st.text(max_size=30), at=st.integers(0, 1000))
def test_any_text_arrives_as_it_was_typed(value, at) -> None:
    paths = list(scalar_texts(TEXT))
    path = paths[at % len(paths)]
    try:
        changed = set_text(TEXT, path, value)
    except UnableToEditText:
        # YAML has no control signs and no lone surrogates; nothing else may be refused.
        assert any(not sign.isprintable() and sign not in "\n\t" for sign in value)
        return
    assert (scalar_text(changed, path) or "") == (value if value.strip() else "null")
    others = {one: text for one, text in scalar_texts(changed).items() if one != path}
    assert others == {one: text for one, text in scalar_texts(TEXT).items() if one != path}
