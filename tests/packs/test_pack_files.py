"""Packs as they are read from their folders."""

from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest
import yaml

from mains.engine.tariff import read_tariff
from mains.packs import definition
from mains.packs.definition import UnableToReadPack, list_packs, read_pack
from mains.staff.values import Permission

PACKS = ["cn_heat", "ng_electricity", "ru_communal", "tr_gas"]


def test_all_packs_are_listed() -> None:
    assert list_packs() == PACKS


@pytest.mark.parametrize("code", PACKS)
def test_names_in_a_pack_fit_together(code: str) -> None:
    pack = read_pack(code)
    parties = {party.code for party in pack.parties}
    assert pack.provider in parties
    assert set(pack.managers) <= parties
    assert {permission for role in pack.roles for permission in role.permissions} == set(Permission.values)
    kinds = {kind.premise for kind in pack.population.buildings}
    assert kinds == set(pack.population.premises)
    assert set(pack.population.zones) == set(pack.population.meter_models)
    assert len({town.name for town in pack.towns}) == len(pack.towns)


@pytest.mark.parametrize("code", PACKS)
def test_every_tariff_document_is_accepted_and_every_agreement_finds_one(code: str) -> None:
    pack = read_pack(code)
    tariffs = {read_tariff(text).code: read_tariff(text) for text in pack.tariff_documents.values()}
    assert set(tariffs) == set(pack.tariff_documents)
    for tariff in pack.tariff_of.values():
        in_force = [
            version
            for version in tariffs[tariff].versions
            if version.valid_from <= pack.billing.months[0]
            and (version.valid_to is None or version.valid_to > pack.billing.months[0])
        ]
        assert len(in_force) == 1


def test_prices_are_the_published_ones() -> None:
    """Against the published table of Crimea, first half of 2021, including 5.71, which no rounding of 1.5 ×
    3.81 gives.
    """
    three = read_tariff(read_pack("ru_communal").tariff_documents["ru-electricity-three-zone"]).versions[0]
    prices = three.tables["energy"].cells["peak", "household"]
    assert isinstance(prices, tuple)
    assert [(tier.upto, tier.figure) for tier in prices] == [
        (150, Fraction("4.56")),
        (800, Fraction("5.71")),
        (None, Fraction("7.55")),
    ]


def test_band_a_follows_the_notices_of_2024() -> None:
    bands = read_tariff(read_pack("ng_electricity").tariff_documents["ng-electricity-bands"])
    found = [(version.valid_from, version.tables["price"].cells["A", "non_md"]) for version in bands.versions]
    assert found == [
        (date(2024, 4, 3), Fraction(225)),
        (date(2024, 5, 6), Fraction("206.80")),
        (date(2024, 7, 1), Fraction("209.50")),
    ]


def test_an_unknown_pack_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnableToReadPack) as caught:
        read_pack("uk_water")
    assert "cn_heat, ng_electricity, ru_communal, tr_gas" in caught.value.remedy


def test_a_misspelt_clause_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = definition.FOLDER / "ng_electricity"
    copy = tmp_path / "ng_electricity"
    copy.mkdir()
    data = yaml.safe_load((source / "pack.yaml").read_text("utf-8"))
    data["population"]["debtors_share"] = data["population"].pop("debtor_share")
    (copy / "pack.yaml").write_text(yaml.safe_dump(data), "utf-8")
    (copy / "names.yaml").write_bytes((source / "names.yaml").read_bytes())
    monkeypatch.setattr(definition, "FOLDER", tmp_path)
    with pytest.raises(UnableToReadPack) as caught:
        read_pack("ng_electricity")
    assert caught.value.place == "ng_electricity/pack.yaml: population"
    assert "debtors_share" in caught.value.message
    assert "debtor_share" in caught.value.message


@pytest.mark.parametrize("code", PACKS)
def test_every_tariff_and_component_has_a_title_in_six_languages(code: str) -> None:
    spoken = {"en", "ru", "tr", "zh", "de", "fr"}
    for text in read_pack(code).tariff_documents.values():
        tariff = read_tariff(text)
        titles = {tariff.code: tariff.title}
        for version in tariff.versions:
            titles |= {component.name: component.title for component in version.components}
        assert {name: set(title) for name, title in titles.items() if not spoken <= set(title)} == {}
