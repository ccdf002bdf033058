"""Faults of balances, calendar cuts, dated components and dates in formulas: refused with clause and remedy."""

from datetime import date

import polars as pl
import pytest

from mains.engine.case import UnableToReadCase, read_case, run_case
from mains.engine.columns import compile_tariffs, rate_columns
from mains.engine.exact import UnableToRate
from mains.engine.tariff import UnableToReadTariff, read_tariff

GOOD = """
tariff: forms
currency: EUR
unit: kWh
quantities: {export: kWh}
attributes: {band: text}
balances: {credit: kWh}
prices: {price: 0.30 EUR/kWh, fee: 5 EUR/bill, table: {unit: EUR, limit_unit: kWh, tiers: [[10, 1], [null, 2]]}}
components:
  - {name: billed, kind: quantity, unit: kWh, formula: "max(usage - export - credit, 0)"}
  - {name: energy, formula: billed * price}
  - {name: monthly, formula: usage * price, cut: month}
  - {name: fee, formula: fee, since: 2024-03-01, until: 2025-01-01}
  - {name: credit, kind: balance, formula: "max(credit + export - usage, 0)"}
"""


def test_the_good_one_is_read() -> None:
    tariff = read_tariff(GOOD)
    assert [str(version.valid_from) for version in tariff.versions] == [
        "0001-01-01",
        "2024-03-01",
        "2025-01-01",
    ]
    assert tariff.printed_order == ("billed", "energy", "monthly", "fee", "credit")


@pytest.mark.parametrize(
    ("old", "new", "code", "clause"),
    [
        ("balances: {credit: kWh}", "balances: {credit: kWh, more: EUR}", "balance-missing", "components"),
        ("balances: {credit: kWh}", "balances: {other: kWh}", "balance-unknown", "components[credit]"),
        ("balances: {credit: kWh}", "balances: {credit: EUR}", "unit-mismatch", "components[billed].formula"),
        ("balances: {credit: kWh}", "balances: {credit: MWh}", "unit-unknown", "balances.credit"),
        ("balances: {credit: kWh}", "balances: {export: kWh}", "name-taken", "balances.export"),
        ('"max(credit + export - usage, 0)"', '"0 [kWh]", round: 0.0000001',
         "rounding-step", "components[credit].round"),
        ('"max(credit + export - usage, 0)"', '"0 [kWh]", round: none', "rounding-step", "components[credit].round"),
        ('"max(credit + export - usage, 0)"', '"0 [kWh]", cut: month', "balance-cut", "components[credit].cut"),
        ('"max(credit + export - usage, 0)"', '"0 [kWh]", since: 2024-01-01', "balance-dated", "components[credit]"),
        ("usage * price, cut: month", "energy, cut: month", "cut-mixed", "components[monthly]"),
        ("usage * price, cut: month", "(usage - credit) * price, cut: year", "balance-cut", "components[monthly]"),
        ("cut: month", "cut: week", "unknown-choice", "components[monthly].cut"),
        ("until: 2025-01-01", "until: 2024-02-01", "version-empty", "components[fee].until"),
        ("since: 2024-03-01", "since: spring", "date-unknown", "components[fee].since"),
        ("billed * price", "billed * price, on_change: refund", "unknown-choice", "components[energy].on_change"),
        ('kind: quantity, unit: kWh,', 'kind: quantity, unit: kWh, on_change: rerate,',
         "rerate-not-posted", "components[billed].on_change"),
        ("billed * price", "billed * price * period_from", "unit-mismatch", "components[energy].formula"),
        ("billed * price", '"if(period_from > 2024-02-30, 0, billed * price)"',
         "formula-syntax", "components[energy].formula"),
        ("billed * price", '"if(period_from > usage, 0, billed * price)"',
         "unit-mismatch", "components[energy].formula"),
        ("billed * price", '"if(band == 2024-01-01, 0, billed * price)"',
         "unit-mismatch", "components[energy].formula"),
        ("billed * price", '"max(period_from, period_to)"', "unit-mismatch", "components[energy].formula"),
        ("billed * price", '"step(usage, table, limits: open)"', "unknown-choice", "components[energy].formula"),
        ("billed * price", '"tiers(usage, table, limits: exclusive) * 1 [1/kWh]"',
         "unknown-name", "components[energy].formula"),
    ],
)  # fmt: skip
def test_fault_is_refused_with_its_clause(old: str, new: str, code: str, clause: str) -> None:
    assert GOOD.count(old) == 1
    with pytest.raises(UnableToReadTariff) as caught:
        read_tariff(GOOD.replace(old, new))
    assert (code, clause) in {(problem.code, problem.clause) for problem in caught.value.problems}
    assert all(problem.remedy for problem in caught.value.problems if problem.code == code)


CASE = f"""
case: forms
kind: derived
source: test
tariff: {GOOD.replace(chr(10), chr(10) + "  ")}
bills:
  - facts: {{period: 2024-05, usage: 10, quantities: {{export: 30}}}}
    expect: {{balances: {{credit: 20}}, total: 8.00}}
  - facts: {{period: 2024-06, usage: 10, quantities: {{export: 0}}}}
    expect: {{balances: {{credit: 10}}, total: 8.00}}
"""


def run(text: str) -> list[str]:
    result = run_case(read_case(text, name="forms", open_tariff=lambda file: file))
    return [str(mismatch) for mismatch in result.mismatches]


def test_bills_of_a_chain_open_with_what_the_last_one_left() -> None:
    assert run(CASE) == []
    assert run(CASE.replace("credit: 10}", "credit: 11}")) == ["forms: balance credit should be 11, is 10"]


def test_a_bill_may_say_itself_what_it_opens_with() -> None:
    assert run(
        CASE.replace(
            "usage: 10, quantities: {export: 0}", "usage: 10, quantities: {export: 0}, balances: {credit: 0}"
        )
    ) == [
        "forms: balance credit should be 10, is 0",
        "forms: total should be 8, is 11",
    ]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("{export: 0}", "{export: 0}, balances: {debit: 1}", "unknown-name"),
        ("{export: 0}", "{export: 0}, balances: {credit: 0.0000001}", "too-precise"),
        ("{export: 0}", "{export: 0}, attributes: {credit: 5}", "unknown-name"),
        ("{export: 0}", "{export: 0}, purchase: {money: -1}", "money"),
        ("{export: 0}", "{export: 0}, purchase: {money: 5, step: 0}", "money"),
        ("bills:", "services: []\nbills:", "key-twice"),
        ("bills:", "interest: {}\nbills:", "key-twice"),
    ],
)
def test_a_faulty_case_is_refused(old: str, new: str, code: str) -> None:
    with pytest.raises(UnableToReadCase) as caught:
        run(CASE.replace(old, new))
    assert code in {problem.code for problem in caught.value.problems}


def test_a_month_that_divides_by_zero_is_refused_not_charged_nothing() -> None:
    divided = '"usage * price / (usage - 10 [kWh]) * 1 [kWh]", cut: month'
    with pytest.raises(UnableToRate) as caught:
        run(CASE.replace("usage * price, cut: month", divided))
    assert caught.value.code == "division-by-zero"
    assert "components[monthly]" in (caught.value.place or "")


def frame_of(*rows: tuple[int, date, date, int]) -> pl.DataFrame:
    """Segments of items in the period from 1 May to 1 July: item, segment, use and credit in micro-units."""
    period = (date(2024, 5, 1), date(2024, 7, 1))
    schema = {
        "item_id": pl.Int64, "tariff": pl.String, "from_date": pl.Date, "to_date": pl.Date, "period_from": pl.Date,
        "period_to": pl.Date, "usage_micro": pl.Int64, "export_micro": pl.Int64, "credit_micro": pl.Int64,
    }  # fmt: skip
    return pl.DataFrame(
        [(item, "forms", first, end, *period, 0, 2**61, credit) for item, first, end, credit in rows],
        schema=schema,
        orient="row",
    )


def test_items_without_balance_with_too_large_a_one_or_not_cut_are_refused_alone() -> None:
    may, june, july = date(2024, 5, 1), date(2024, 6, 1), date(2024, 7, 1)
    whole = [(may, june), (june, july)]
    rows = [(item, *days, credit) for item, credit in ((1, 5), (2, None), (3, 2**62)) for days in whole]
    rated = rate_columns(
        tariffs=compile_tariffs([read_tariff(GOOD)]), segments=frame_of(*rows, (4, may, july, 5))
    )
    assert dict(rated.refused.select("item_id", "code").iter_rows()) == {
        2: "attribute-missing",
        3: "amount-too-large",
        4: "segments-not-cut",
    }
    assert rated.lines["item_id"].unique().to_list() == [1]
