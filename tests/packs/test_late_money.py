"""Late interest and limitation of the packs: worked by the rules as published, from what the packs state."""

from datetime import date
from fractions import Fraction

import pytest

from mains.engine.exact import Protocol
from mains.engine.interest import OpenItem, Payment, interest_exact, read_interest
from mains.packs.definition import Pack, UnableToReadPack, list_packs, read_pack


def _interest(pack: Pack, *, amount: int, due: date, until: date, paid: date | None = None) -> Protocol:
    """What the pack's only rule makes of one debt, at the rates that the pack states."""
    (clause,) = pack.late_money.interest
    rates = [one for one in pack.late_money.rates if one.code == clause.key_rate]
    stated = "".join(f"\n  - {{from: {one.valid_from}, rate: {one.percent} %}}" for one in rates)
    rule = read_interest(f"{clause.rule}\nrates:{stated}\n" if rates else clause.rule)
    payments = (Payment(paid_date=paid, amount_minor=amount),) if paid else ()
    item = OpenItem(key="1", amount_minor=amount, due_date=due, payments=payments)
    return interest_exact(rule=rule, items=[item], until=until)


def _minor(protocol: Protocol) -> int:
    return sum(line.amount_minor for line in protocol.lines)


@pytest.mark.parametrize("code", list_packs())
def test_every_clause_has_its_source_and_every_rate_its_rule(code: str) -> None:
    clauses = read_pack(code).late_money
    assert clauses.limitation
    assert all(one.proof for one in (*clauses.rates, *clauses.interest, *clauses.limitation))
    assert {one.code for one in clauses.rates} <= {one.key_rate for one in clauses.interest}


def test_russia_charges_nothing_for_thirty_days_then_a_three_hundredth_of_the_rate_of_the_day_of_payment() -> (
    None
):
    pack = read_pack("ru_communal")
    due = date(2021, 2, 10)
    assert _minor(_interest(pack, amount=1_000_000, due=due, until=date(2021, 3, 12))) == 0
    # 60 days at 1/300 and 10 at 1/130, at 5 %, the rate of 21 May, for all of them.
    paid = _interest(pack, amount=1_000_000, due=due, until=date(2021, 6, 7), paid=date(2021, 5, 21))
    exact = Fraction(1_000_000) * Fraction(5, 100) * (Fraction(60, 300) + Fraction(10, 130))
    assert _minor(paid) == int(exact + Fraction(1, 2))


def test_turkey_charges_months_whole_and_days_by_thirtieths() -> None:
    pack = read_pack("tr_gas")
    found = _interest(pack, amount=100_000, due=date(2023, 8, 31), until=date(2023, 10, 15))
    assert _minor(found) == 3_750, "one month and 15 days at 2.5 %"


def test_china_charges_a_thousandth_a_day() -> None:
    pack = read_pack("cn_heat")
    found = _interest(pack, amount=200_000, due=date(2015, 1, 20), until=date(2015, 2, 9))
    assert _minor(found) == 4_000


def test_a_misspelt_clause_is_named(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mains.packs import definition

    folder = tmp_path / "ng_electricity"
    folder.mkdir()
    source = definition.FOLDER / "ng_electricity"
    written = (
        (source / "pack.yaml").read_text("utf-8").replace("interruption: part_payment", "interruptions: x")
    )
    (folder / "pack.yaml").write_text(written, "utf-8")
    (folder / "names.yaml").write_bytes((source / "names.yaml").read_bytes())
    monkeypatch.setattr(definition, "FOLDER", tmp_path)
    with pytest.raises(UnableToReadPack) as refused:
        read_pack("ng_electricity")
    assert "late_money, limitation" in refused.value.place
