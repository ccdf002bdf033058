"""Generated tariffs and accounts: every form of the language, and the extremes of size, sign and calendar."""

from datetime import date, timedelta
from fractions import Fraction

from hypothesis import strategies as st

from mains.engine.facts import MICRO, DatedValue, Facts, Stretch

MODES = ["half_up", "half_even", "half_down", "up", "down", "ceiling", "floor"]
FIRST_DAY = date(2023, 11, 1)
# Days at which calendars differ: leap day, month and year ends, both changes of the clock.
AWKWARD_DAYS = [
    date(2023, 11, 5), date(2023, 11, 30), date(2023, 12, 31), date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1),
    date(2024, 3, 31),
]  # fmt: skip
CALENDAR = ["month", "quarter", "year"]
# What a bill may have been left, by the names which the generated tariffs give: theirs, and those of re-rated lines.
BALANCES = ["saved", *(f"line{at}_owed" for at in range(4)), *(f"later{at}_owed" for at in range(2))]
EXTREMES = [0, 1, -1, 10**6, 999_999, 150 * 10**6, 150 * 10**6 + 1, 10**15, -(10**15), 8_640_000_123]


@st.composite
def prices(draw, *, decimals: int = 8) -> str:
    whole = draw(st.integers(0, 10**4))
    part = (
        draw(st.integers(0, 10**decimals - 1))
        if draw(st.booleans())
        else draw(st.sampled_from([0, 5 * 10 ** (decimals - 1)]))
    )
    return f"{whole}.{part:0{decimals}}"


@st.composite
def tier_lists(draw) -> dict[str, object]:
    limits = sorted(
        draw(
            st.sets(
                st.sampled_from(["0", "0.5", "50", "100", "150", "150.000001", "800", "5000"]), max_size=4
            )
        ),
        key=float,
    )
    tiers = [{"upto": limit, "price": draw(prices())} for limit in limits]
    return {"tiers": [*tiers, {"price": draw(prices())}]}


@st.composite
def tables(draw, unit: str, *, tiered: bool) -> dict[str, object]:
    def cell() -> object:
        return draw(tier_lists()) if tiered else draw(prices())

    keys = draw(st.sampled_from([[], ["band"], ["season"], ["band", "season"], ["metered"]]))
    table: dict[str, object] = {"unit": unit}
    if not keys:
        return table | (cell() if tiered else {"value": cell()})  # type: ignore[operator]
    names = {"band": ["A", "B", "*"], "season": ["summer", "winter"], "metered": ["true", "false"]}
    table["by"] = keys
    for first in names[keys[0]]:
        if first == "*" and draw(st.booleans()):
            continue
        table[first] = cell() if len(keys) == 1 else {second: cell() for second in names[keys[1]]}
    return table


CHARGES = [
    "tiers(usage, energy)",
    "tiers(usage, energy, scale: months)",
    "tiers(usage, energy, scale: days / 30, limits_to: 1)",
    "tiers(usage, energy, scale: residents)",
    "tiers(usage.night, energy, share_of: usage)",
    "tiers(usage.night, energy, share_of: usage, parts_to: 0.01)",
    "tiers(usage.day - 40, energy, share_of: usage, parts_to: 1, parts_mode: up)",
    "tiers(usage.night, energy, start: usage.day)",
    "tiers(max(usage - 25, 0), energy, limits_to: 10, limits_mode: up)",
    "tiers(usage, energy, scale: months, parts_to: 0.01)",
    "tiers(usage - 200, energy, parts_to: 1, parts_mode: half_even)",
    "block(usage, energy)",
    "step(usage, base) * months",
    "step(usage, base) * months(30.5)",
    "step(residents, stairs)",
    "fixed * days / 3 [day]",
    "fixed * share",
    "max(usage * price, fixed)",
    "min(usage.day * price, cap * days / period_days)",
    "if(metered, usage, residents * norm * months) * price",
    "if(band in ('A', 'B') and usage > 100, usage * price, -usage * price / 3)",
    "round(usage, 1, mode: half_even) * price + trunc(usage.night) * price",
    "usage * price / residents",
    "if(residents > 0, usage * price / residents, fixed)",
    "abs(usage * price) * (1 + vat)",
    "usage * price * whole_months / days_in_month * 30 [day/month]",
    "volume * price",
    "usage * unit_price",
    "unit_price * (usage + volume)",
    "if(period_from >= 2024-01-15, usage * price, fixed * months / 2 [month])",
    "if(period_to <= 2024-03-01 and period_from != 2023-12-31, usage * price, usage * price / 7)",
    "step(residents, stairs, limits: exclusive)",
    "block(usage, energy, limits: exclusive)",
    "step(usage, base, limits: exclusive, scale: months) * months",
    "max(usage - 50 - saved, 0) * price",
    "max(fixed - usage * price, 0)",
]
LATER = [
    "vat * charges",
    "vat * subtotal",
    "subtotal * vat / (1 + vat)",
    "vat * unrounded(line0)",
    "if(usage > 120, vat * line0, 0)",
]


@st.composite
def components(draw) -> list[dict[str, object]]:
    made: list[dict[str, object]] = [
        {
            "name": "volume",
            "kind": "quantity",
            "unit": "kWh",
            "formula": "usage * residents / 7",
            "round": draw(roundings(small=True)),
        },
        {
            "name": "unit_price",
            "kind": "info",
            "unit": "RUB/kWh",
            "formula": "price + price / 3",
            "round": "0.000001",
        },
    ]
    for at, formula in enumerate(draw(st.lists(st.sampled_from(CHARGES), min_size=1, max_size=4))):
        made.append(draw(options(f"line{at}", "charge", formula)))
    for at, formula in enumerate(draw(st.lists(st.sampled_from(LATER), max_size=2))):
        kind = draw(st.sampled_from(["tax", "tax_included", "subsidy"]))
        made.append(draw(options(f"later{at}", kind, formula)))
    left = draw(
        st.sampled_from(["max(saved + 30 - usage, 0)", "saved + volume", "if(metered, saved, usage.night)"])
    )
    made.append({"name": "saved", "kind": "balance", "formula": left})
    return made


@st.composite
def roundings(draw, *, small: bool = False) -> object:
    steps = ["0.000001", "1"] if small else ["0.01", "1", "0.05", "10", "0.0001"]
    return draw(
        st.one_of(
            st.just("none"),
            st.fixed_dictionaries({"to": st.sampled_from(steps), "mode": st.sampled_from(MODES)}),
        )
    )


@st.composite
def options(draw, name: str, kind: str, formula: str) -> dict[str, object]:
    made: dict[str, object] = {"name": name, "kind": kind, "formula": formula}
    if draw(st.booleans()):
        made["round"] = draw(roundings())
    if draw(st.booleans()):
        made["each"] = draw(st.sampled_from(["segment", "period"]))
    if draw(st.booleans()):
        treatments = ["split", "weight", "start", "end", "average", "next_bill"]
        if kind != "tax_included":
            treatments.append("rerate")
        made["on_change"] = draw(st.sampled_from(treatments))
        if draw(st.booleans()):
            made["average_round"] = {"to": "0.0001", "mode": draw(st.sampled_from(MODES))}
    if draw(st.integers(0, 2)) == 0:
        made["cut"] = draw(st.sampled_from(["every", *CALENDAR]))
    if draw(st.integers(0, 4)) == 0:
        made["since"] = (FIRST_DAY + timedelta(days=draw(st.integers(0, 120)))).isoformat()
    if draw(st.integers(0, 4)) == 0:
        made["until"] = (FIRST_DAY + timedelta(days=draw(st.integers(121, 240)))).isoformat()
    if draw(st.integers(0, 3)) == 0:
        made["when"] = draw(
            st.sampled_from(
                [
                    "usage > 100",
                    "not metered",
                    "band != 'A'",
                    "usage.night * 2 <= usage or residents > 2",
                    "period_from < 2024-02-29",
                ]
            )
        )
    return made


@st.composite
def tariffs(draw) -> dict[str, object]:
    """Documents; a few are refused for a good reason (tables that cannot be averaged), which callers skip."""
    starts = sorted(draw(st.sets(st.integers(0, 150), max_size=2)))
    days = [FIRST_DAY - timedelta(days=400), *(FIRST_DAY + timedelta(days=offset) for offset in starts)]
    shared = draw(components())
    versions = [
        {
            "valid_from": day.isoformat(),
            "prices": {
                "energy": draw(tables("RUB/kWh", tiered=True)),
                "base": draw(tables("RUB/month", tiered=True)),
                "stairs": {
                    "unit": "RUB",
                    "limit_unit": "number",
                    "tiers": [[1, 10], [3, draw(prices())], ["4.5", 1], [None, 7]],
                },
                "price": draw(tables("RUB/kWh", tiered=False)),
                "fixed": f"{draw(prices())} RUB/bill",
                "cap": f"{draw(prices())} RUB",
                "norm": "3.65 kWh/month",
                "vat": f"{draw(st.sampled_from(['0', '7.5', '18', '20']))} %",
            },
            **({"total": {"round": draw(roundings())}} if draw(st.booleans()) else {}),
        }
        for day in days
    ]
    return {
        "tariff": draw(st.sampled_from(["alpha", "beta"])),
        "currency": draw(st.sampled_from(["RUB", "RUB", "RUB"])),
        "unit": "kWh",
        "attributes": {
            "band": "text",
            "residents": {"type": "number", "default": draw(st.sampled_from([None, "2"]))},
            "metered": "yes/no",
        },
        "split_usage": draw(st.sampled_from(["none", "none", "1"])),
        "balances": {"saved": "kWh"},
        **({"cut": draw(st.sampled_from(CALENDAR))} if draw(st.integers(0, 3)) == 0 else {}),
        "seasons": {"summer": {"from": "01-10", "to": "02-29"}, "winter": "rest"},
        "components": shared,
        "versions": versions,
    }


@st.composite
def facts(draw) -> Facts:
    days = st.integers(0, 150).map(lambda offset: FIRST_DAY + timedelta(days=offset))
    first = draw(st.one_of(days, st.sampled_from(AWKWARD_DAYS)))
    end = first + timedelta(days=draw(st.sampled_from([1, 2, 28, 29, 30, 31, 35, 62, 90, 400])))
    zones = {}
    for zone in ("day", "night"):
        micro = draw(st.one_of(st.sampled_from(EXTREMES), st.integers(0, 2000 * 10**6)))
        zones[f"usage.{zone}"] = (Stretch(first, end, micro, f"reading {zone}"),)
    attributes = {
        "band": draw(dated(st.sampled_from(["A", "B", "C"]), first, end)),
        "residents": draw(dated(st.sampled_from([0, 1, 3, "2.5"]).map(Fraction), first, end)),
        "metered": draw(dated(st.booleans(), first, end)),
    }
    known = {name: values for name, values in attributes.items() if values}
    # Now and then nobody says what the last bill left.
    for name in BALANCES if draw(st.integers(0, 9)) else ():
        micro = draw(st.one_of(st.sampled_from(EXTREMES), st.integers(-(10**9), 10**9)))
        known[name] = (DatedValue(Fraction(micro, MICRO)),)
    return Facts(first, end, zones, known)


@st.composite
def dated(draw, values, first: date, end: date) -> tuple[DatedValue, ...]:
    """A value that holds all the time, changes once inside the period, or is not known on some days."""
    shape = draw(st.sampled_from(["always", "always", "change", "late", "never"]))
    if shape == "always" or (end - first).days < 2:
        return (DatedValue(draw(values)),)
    day = first + timedelta(days=draw(st.integers(1, (end - first).days - 1)))
    if shape == "change":
        return (DatedValue(draw(values), None, day), DatedValue(draw(values), day, None))
    return (DatedValue(draw(values), day, None),) if shape == "late" else ()
