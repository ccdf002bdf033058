"""Rates of the US Utility Rate Database are read as tariffs; NREL's own model gives the same bills."""

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from mains.engine.case import UnableToReadCase, read_case, run_case
from mains.engine.exact import rate_exact

WEEKDAY = [[0] * 16 + [1] * 5 + [0] * 3] * 12
WEEKEND = [[0] * 24] * 12
RATE: dict[str, Any] = {
    "label": "made-up",
    "name": "Commercial time of use",
    "energyratestructure": [
        [{"max": 500, "unit": "kWh", "rate": 0.10}, {"rate": 0.12, "adj": 0.005, "unit": "kWh"}],
        [{"max": 500, "unit": "kWh", "rate": 0.30}, {"rate": 0.35, "unit": "kWh"}],
    ],
    "energyweekdayschedule": WEEKDAY,
    "energyweekendschedule": WEEKEND,
    "demandratestructure": [[{"rate": 0}], [{"max": 5, "rate": 4}, {"rate": 6}]],
    "demandweekdayschedule": WEEKDAY,
    "demandweekendschedule": WEEKEND,
    "demandrateunit": "kW",
    "flatdemandstructure": [[{"rate": 2}], [{"rate": 3, "max": 1e38}]],
    "flatdemandmonths": [0] * 5 + [1] * 4 + [0] * 3,
    "flatdemandunit": "kW",
    "fixedchargefirstmeter": 25,
    "fixedchargeunits": "$/month",
    "mincharge": 30,
    "minchargeunits": "$/month",
}


def bill(
    rate: dict[str, Any], *, period: str, values: str, start: str, history: str = ""
) -> dict[str, Fraction]:
    text = (
        f"case: urdb\nkind: derived\nsource: here\ntariff: {{urdb: rate.json, time_zone: UTC}}\n"
        f"facts:\n  period: {period}\n  intervals: {{start: {start}, step: 60 min, values: {values}}}\n{history}"
    )
    made = read_case(text, name="urdb", open_tariff=lambda _: json.dumps(rate))
    run_case(made)
    protocol = rate_exact(tariff=made.services[0].tariff, facts=made.services[0].facts)
    return {line.component: Fraction(line.amount_minor or 0, 100) for line in protocol.lines}


def test_a_rate_is_billed_as_it_says() -> None:
    # May 2023 at 1 kW: 744 kWh, of these 23 × 5 = 115 in period 1; one hour of 8 kW on a weekday at 17 o'clock more.
    found = bill(RATE, period="2023-05", values="[17 x 1, 8, 726 x 1]", start="2023-05-01")
    total, peak = Fraction(751), Fraction(122)
    energy = ((total - peak) * (500 * Fraction("0.1") + (total - 500) * Fraction("0.125")) / total
              + peak * (500 * Fraction("0.3") + (total - 500) * Fraction("0.35")) / total)  # fmt: skip
    assert found["energy_charge"] == round(energy, 2)
    assert found["demand_charge"] == 5 * 4 + 3 * 6
    assert found["flat_demand_charge"] == 8 * 2
    assert found["fixed_charge"] == 25
    assert found["minimum_charge"] == 0


def test_the_month_decides_the_flat_demand() -> None:
    found = bill(RATE, period="2023-06", values="[720 x 2]", start="2023-06-01")
    assert found["flat_demand_charge"] == 2 * 3


def test_a_small_bill_is_raised_to_the_minimum() -> None:
    found = bill(RATE, period="2023-06", values="[720 x 0]", start="2023-06-01")
    assert found["minimum_charge"] == 5


def test_hours_of_use_and_ratchet() -> None:
    rate: dict[str, Any] = {
        "label": "hours-use",
        "energyratestructure": [
            [{"max": 100, "unit": "kWh/kW", "rate": 0.2}, {"unit": "kWh/kW", "rate": 0.1}]
        ],
        "energyweekdayschedule": WEEKEND,
        "energyweekendschedule": WEEKEND,
        "flatdemandstructure": [[{"rate": 10}]],
        "flatdemandmonths": [0] * 12,
        "demandratchetpercentage": [0.75] * 12,
        "demandwindow": 60,
    }
    # The hours are of the billing demand: 75 % of 16 kW, more than the measured 10.
    history = "  history: {kw: {2023-01: 16}}\n"
    found = bill(rate, period="2023-06", values="[10, 719 x 2]", start="2023-06-01", history=history)
    assert found["energy_charge"] == 1200 * Fraction("0.2") + 248 * Fraction("0.1")
    assert found["flat_demand_charge"] == 12 * 10


def hours_in_steps(first: str) -> list[dict[str, Any]]:
    """Hours of use, the first 200 in steps of kWh: Georgia Power's form, with the prices of NREL's tests."""
    return [
        {"max": 200, "unit": "kWh/kW", "rate": first},
        {"max": 3000, "unit": "kWh", "rate": "0.132655"},
        {"max": 10000, "unit": "kWh", "rate": "0.120303"},
        {"max": 200000, "unit": "kWh", "rate": "0.102607"},
        {"unit": "kWh", "rate": "0.079109"},
        {"max": 400, "unit": "kWh/kW", "rate": "0.013627"},
        {"max": 600, "unit": "kWh/kW", "rate": "0.010275"},
        {"unit": "kWh/kW", "rate": "0.00771"},
    ]


SUMMER = [[1] * 24] * 5 + [[0] * 24] * 4 + [[1] * 24] * 3
STEPS: dict[str, Any] = {
    "label": "hours-in-steps",
    "energyratestructure": [hours_in_steps("0.031718"), hours_in_steps("0.028813")],
    "energyweekdayschedule": SUMMER,
    "energyweekendschedule": SUMMER,
}
# Limits and prices of NREL's test_block_step_tiers, for peaks of 658 kW in January and 1413 kW in June.
JANUARY = [(3000, "0.132655"), (10000, "0.120303"), (131600, "0.102607"), (263200, "0.013627"),
           (394800, "0.010275"), (400000, "0.00771")]  # fmt: skip
JUNE = [(3000, "0.132655"), (10000, "0.120303"), (200000, "0.102607"), (282600, "0.079109"),
        (565200, "0.013627"), (847800, "0.010275"), (900000, "0.00771")]  # fmt: skip


@pytest.mark.parametrize(
    ("period", "values", "tiers"),
    [
        ("2018-01", "[658, 742 x 537.5, 517]", JANUARY),
        ("2018-06", "[1413, 718 x 1250, 1087]", JUNE),
    ],
)
def test_steps_of_kwh_inside_hours_of_use(period: str, values: str, tiers: list[tuple[int, str]]) -> None:
    found = bill(STEPS, period=period, values=values, start=f"{period}-01")
    lower = [0, *(limit for limit, _ in tiers)]
    expected = sum(
        (limit - below) * Fraction(price) for below, (limit, price) in zip(lower, tiers, strict=False)
    )
    assert abs(found["energy_charge"] - expected) <= Fraction(1, 200)


def test_each_period_has_its_share_of_steps_and_hours() -> None:
    # 300 kW of the same hours in both periods: a quarter of the use costs the prices of period 1.
    rate = STEPS | {
        "energyratestructure": [
            hours_in_steps("0.03"),
            [tier | {"rate": f"{2 * Decimal(tier['rate']):f}"} for tier in hours_in_steps("0.03")],
        ],
        "energyweekdayschedule": [[0] * 18 + [1] * 6] * 12,
        "energyweekendschedule": [[0] * 18 + [1] * 6] * 12,
    }
    whole = bill(STEPS, period="2018-06", values="[720 x 300]", start="2018-06-01")["energy_charge"]
    found = bill(rate, period="2018-06", values="[720 x 300]", start="2018-06-01")["energy_charge"]
    assert abs(found - whole * (Fraction(3, 4) + 2 * Fraction(1, 4))) <= Fraction(1, 50)


def test_a_lookback_raises_later_months() -> None:
    rate = {
        "label": "lookback",
        "flatdemandstructure": [[{"rate": 10}]],
        "flatdemandmonths": [0] * 12,
        "lookbackpercent": 0.8,
        "lookbackrange": 3,
    }
    history = "  history: {kw: {2023-02: 90, 2023-03: 50}}\n"
    case: dict[str, Any] = {"period": "2023-06", "values": "[720 x 2]", "start": "2023-06-01"}
    assert bill(rate, history=history, **case)["flat_demand_charge"] == Fraction(8, 10) * 50 * 10
    summer = {"lookbackrange": 0, "lookbackmonths": [0, 1] + [0] * 10}
    assert bill(rate | summer, history=history, **case)["flat_demand_charge"] == Fraction(8, 10) * 90 * 10


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"energyweekdayschedule": [[0] * 24] * 11}, "urdb"),
        ({"energyweekdayschedule": [[7] * 24] * 12}, "urdb"),
        ({"coincidentratestructure": [[{"rate": 3}]]}, "urdb"),
        ({"fixedchargeunits": "$/therm"}, "urdb"),
        ({"flatdemandmonths": [5] * 12}, "urdb"),
        ({"demandrateunit": "hp"}, "urdb"),
        ({"flatdemandstructure": [[{"rate": 3, "max": 100}]], "flatdemandmonths": [0] * 12}, "urdb"),
        ({"energyratestructure": [[{"rate": "cheap"}], [{"rate": 1}]]}, "not-a-number"),
        ({"demandratchetpercentage": [0.5] * 6 + [0.9] * 6}, "urdb"),
        ({"demandratchetpercentage": [0.5] * 12}, "urdb"),
        ({"lookbackpercent": 0.5}, "urdb"),
        ({"lookbackpercent": 80, "demandratestructure": None}, "urdb"),
        ({"energyratestructure": [[{"max": 9, "rate": 1}, {"unit": "kWh/kW", "rate": 2}]] * 2}, "urdb"),
        ({"energyratestructure": [[{"max": 9, "rate": 1, "unit": "kWh daily"}, {"unit": "kWh", "rate": 2}]] * 2},
         "urdb"),
        ({"energyratestructure": [[{"max": 9, "rate": 1, "unit": "kWh/kW"}, {"max": 3, "unit": "kWh", "rate": 2},
                                   {"unit": "kWh/kW", "rate": 2}]] * 2}, "urdb"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(change: dict[str, Any], code: str) -> None:
    with pytest.raises(UnableToReadCase) as caught:
        bill(RATE | change, period="2023-05", values="[744 x 1]", start="2023-05-01")
    assert caught.value.code == code
    assert caught.value.remedy


def test_the_clock_must_be_named() -> None:
    text = "case: urdb\nkind: derived\nsource: here\ntariff: {urdb: rate.json}\nfacts: {period: 2023-05}\n"
    with pytest.raises(UnableToReadCase) as caught:
        read_case(text, name="urdb", open_tariff=lambda _: json.dumps(RATE))
    assert caught.value.code == "time-zone-missing"


# --- NREL's model, where it is installed (requirements/bench.txt)

NREL_DEFAULTS = ["PVWattsResidential", "PVWattsCommercial"]


def urdb_of(rates: Any) -> dict[str, Any]:
    """NREL's matrices (periods and months counted from 1 and 0) as a rate of the URDB."""

    def structure(rows: Any, *, price: int, limit: int = 2) -> list[list[dict[str, Any]]]:
        periods = sorted({int(row[0]) for row in rows})
        return [
            [{"max": row[limit], "rate": row[price], "unit": "kWh"} for row in rows if int(row[0]) == period]
            for period in periods
        ]

    def schedule(rows: Any) -> list[list[int]]:
        return [[int(hour) - 1 for hour in row] for row in rows]

    made: dict[str, Any] = {
        "label": "nrel",
        "energyratestructure": structure(rates.ur_ec_tou_mat, price=4),
        "energyweekdayschedule": schedule(rates.ur_ec_sched_weekday),
        "energyweekendschedule": schedule(rates.ur_ec_sched_weekend),
        "fixedchargefirstmeter": rates.ur_monthly_fixed_charge,
    }
    if rates.ur_dc_enable:
        made |= {
            "demandratestructure": structure(rates.ur_dc_tou_mat, price=3),
            "demandweekdayschedule": schedule(rates.ur_dc_sched_weekday),
            "demandweekendschedule": schedule(rates.ur_dc_sched_weekend),
            "flatdemandstructure": structure(rates.ur_dc_flat_mat, price=3),
            "flatdemandmonths": list(range(12)),
        }
    return made


@pytest.mark.parametrize("name", NREL_DEFAULTS)
def test_nrels_own_rates_give_nrels_bills(name: str) -> None:
    peer = pytest.importorskip("PySAM.Utilityrate5", reason="PySAM is not installed")
    model = peer.default(name)
    hours = [round(Decimal(hour), 6) for hour in model.Load.load]
    model.Load.load = [float(hour) for hour in hours]
    model.SystemOutput.gen = [0.0] * 8760
    model.Lifetime.system_use_lifetime_output = 0
    model.Lifetime.analysis_period = 1
    model.execute(0)
    rate = urdb_of(model.ElectricityRates)
    services = "".join(
        f"  - {{tariff: {{urdb: rate.json, time_zone: UTC}}, facts: {{period: 2018-{month:02}}}}}\n"
        for month in range(1, 13)
    )
    text = (
        f"case: {name}\nkind: derived\nsource: NREL PySAM\nservices:\n{services}"
        "facts: {intervals: {file: load.csv, start: 2018-01-01, step: 60 min}}\n"
    )
    files = {"rate.json": json.dumps(rate), "load.csv": "\n".join(map(str, hours))}
    result = run_case(read_case(text, name=name, open_tariff=files.__getitem__))
    theirs = model.Outputs.year1_monthly_utility_bill_wo_sys
    for protocol, amount in zip(result.protocols, theirs, strict=True):
        lines = sum(1 for line in protocol.lines if line.is_posted)
        # Mains rounds each line to the cent, NREL none.
        assert abs(Fraction(protocol.total_minor, 100) - Fraction(amount)) <= Fraction(lines, 200)


DAILY = [{"max": limit, "unit": "kWh daily", "rate": rate} for limit, rate in ((200, 0.11), (260, 0.15))]
LIKE_NRELS: dict[str, dict[str, Any]] = {
    "steps": STEPS,
    "steps by period": STEPS | {"energyweekdayschedule": WEEKDAY, "energyweekendschedule": WEEKEND},
    "kWh daily by period": STEPS
    | {
        "energyratestructure": [
            [*DAILY, {"unit": "kWh daily", "rate": 0.27}],
            [*({**tier, "rate": 2 * tier["rate"]} for tier in DAILY), {"unit": "kWh daily", "rate": 0.52}],
        ],
        "energyweekdayschedule": WEEKDAY,
        "energyweekendschedule": WEEKEND,
    },
    "lookback": {
        "label": "lookback",
        "energyratestructure": [
            [{"max": 200, "unit": "kWh/kW", "rate": 0.1}, {"unit": "kWh/kW", "rate": 0.05}]
        ],
        "energyweekdayschedule": WEEKEND,
        "energyweekendschedule": WEEKEND,
        "flatdemandstructure": [[{"max": 20, "rate": 8.5}, {"rate": 6}], [{"rate": 11.25}]],
        "flatdemandmonths": [0] * 5 + [1] * 4 + [0] * 3,
        "lookbackpercent": 0.9,
        "lookbackrange": 11,
    },
}


@pytest.mark.parametrize("name", LIKE_NRELS)
def test_nrels_model_agrees_on_rates_like_those_of_its_tests(name: str) -> None:
    peer = pytest.importorskip("PySAM.Utilityrate5", reason="PySAM is not installed")
    tools = pytest.importorskip("PySAM.UtilityRateTools", reason="PySAM is not installed")
    rate = json.loads(json.dumps(LIKE_NRELS[name]), parse_float=float)
    for tier in (tier for period in rate["energyratestructure"] for tier in period):
        tier["rate"] = float(tier["rate"])
    hours = [(hour * 37 % 101) + 200 * (hour // 730 % 12 in (5, 6, 7)) for hour in range(8760)]
    model = peer.default("PVWattsCommercial")
    model.Load.load = hours
    model.SystemOutput.gen = [0.0] * 8760
    model.Lifetime.system_use_lifetime_output = 0
    model.Lifetime.analysis_period = 1
    model.ElectricityRates.ur_dc_enable = 0
    model.ElectricityRates.ur_monthly_fixed_charge = 0
    for key, value in tools.URDBv8_to_ElectricityRates(json.loads(json.dumps(rate))).items():
        model.value(key, value)
    if "lookbackpercent" in rate:
        # Its importer leaves the month's own demand out; the model itself can count it.
        model.value("ur_billing_demand_lookback_percentages", [[90, 1]] * 12)
        model.value("ur_yearzero_usage_peaks", [0] * 12)
    model.execute(0)
    services = "".join(
        f"  - {{tariff: {{urdb: rate.json, time_zone: UTC}}, facts: {{period: 2018-{month:02}}}}}\n"
        for month in range(1, 13)
    )
    text = (
        f"case: {name}\nkind: derived\nsource: NREL PySAM\nservices:\n{services}"
        "facts: {history: {}, intervals: {file: load.csv, start: 2018-01-01, step: 60 min}}\n"
    )
    files = {"rate.json": json.dumps(LIKE_NRELS[name]), "load.csv": "\n".join(map(str, hours))}
    result = run_case(read_case(text, name=name, open_tariff=files.__getitem__))
    theirs = model.Outputs.utility_bill_wo_sys_ym[1]
    for protocol, amount in zip(result.protocols, theirs, strict=True):
        assert abs(Fraction(protocol.total_minor, 100) - Fraction(amount)) <= Fraction(
            len(protocol.lines), 200
        )
