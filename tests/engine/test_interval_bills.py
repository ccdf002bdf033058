"""From intervals to bill lines: both interpreters over what both ways of measuring make of the same intervals."""

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engine.test_interpreters_agree import LINE
from tests.engine.test_intervals import by_columns, exactly, points, tariffs

from mains.engine.columns import compile_tariffs, rate_columns
from mains.engine.exact import UnableToRate, rate_exact
from mains.engine.facts import Facts
from mains.engine.segments import cut_segments
from mains.engine.tariff import Tariff, read_tariff

PRICES = {
    "energy": {"unit": "EUR/kWh", "tiers": [[100, "0.1234567"], [400, "0.2"], [None, "0.31"]]},
    "seasonal": {"unit": "EUR/kWh", "by": "season", "cold": "0.30000001", "warm": "0.2"},
    "power": {"unit": "EUR/kW", "limit_unit": "kW", "tiers": [[5, "2.5"], [None, "4.75"]]},
    "flat": "3.125 EUR/kW/month",
    "apparent_price": "1.5 EUR/kVA",
    "contracted": "7 kW",
    "hours": {"unit": "EUR/kWh", "limit_unit": "kWh/kW", "tiers": [[10, "0.05"], [None, "0.03"]]},
    "pf_step": "1.5 %",
}
FORMULAS = [
    "tiers(usage, energy)",
    "usage * seasonal",
    "tiers(kw, power)",
    "max(kw, 80 % * before) * flat * months",
    "contracted * flat * months + max(kw_half - contracted, 0) * 2 * flat * months",
    "kva * apparent_price",
    "max(kva, before_kva) * apparent_price",
    "tiers(usage, hours, scale: kw)",
    "if(usage > 0, max(0.9 - round(usage / apparent(usage, reactive) * 1 [kVAh/kWh], 0.01), 0) * 7 [EUR], 0 [EUR])",
    "apparent(usage, reactive) * 0.01 [EUR/kVAh]",
]
ZONED = [
    "tiers(usage.{0}, energy, share_of: usage) + tiers(usage.{1}, energy, share_of: usage)",
    "usage.{0} * seasonal + usage.{1} * seasonal * 2",
    "tiers(max(kw_{0}, kw_{1}), power)",
]


@st.composite
def priced_tariffs(draw) -> dict[str, object]:
    document = draw(tariffs())
    formulas = draw(st.lists(st.sampled_from(FORMULAS), min_size=1, max_size=4))
    zones = list(document.get("time_of_use", {}))
    if zones:
        zone_names = [zone for zone in zones if zone != "holy"]
        formulas.append(draw(st.sampled_from(ZONED)).format(zone_names[0], zone_names[-1]))
    each = draw(st.sampled_from(["segment", "period"]))
    components = [
        {"name": f"line{at}", "formula": formula, "each": each} for at, formula in enumerate(formulas)
    ]
    return document | {"prices": PRICES, "components": components}


def exact_lines(tariff: Tariff, facts: Facts) -> list[tuple[object, ...]]:
    try:
        protocol = rate_exact(tariff=tariff, facts=facts)
    except UnableToRate:
        return []
    return [tuple(getattr(line, name) for name in LINE) for line in protocol.lines]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(document=priced_tariffs(), data=st.data())
def test_bills_of_intervals_agree(document: dict[str, object], data) -> None:
    tariff = read_tariff(document)
    accounts = data.draw(st.lists(points(tariff.time_zone), min_size=1, max_size=3))
    measured = by_columns(tariff, accounts, [])
    items = pl.DataFrame(
        [(at, tariff.code, first, end) for at, (_, first, end) in enumerate(accounts)],
        schema={"item_id": pl.Int64, "tariff": pl.String, "period_from": pl.Date, "period_to": pl.Date},
        orient="row",
    ).filter(~pl.col("item_id").is_in(measured.refused["item_id"].implode()))
    lines: dict[int, list[tuple[object, ...]]] = {}
    if len(items):
        tariffs_made = compile_tariffs([tariff])
        segments = cut_segments(
            items=items, tariffs=tariffs_made, attributes=measured.attributes, usage=measured.usage
        )
        rated = rate_columns(tariffs=tariffs_made, segments=segments)
        for item, *line in rated.lines.select("item_id", *LINE).iter_rows():
            lines.setdefault(item, []).append(tuple(line))
    for at, (series, first, end) in enumerate(accounts):
        exact, code = exactly(tariff, series, first, end, {})
        expected = [] if code else exact_lines(tariff, Facts(first, end, exact.use, exact.attributes))
        assert lines.get(at, []) == expected
