"""Rating alone: a year of hourly use under time-of-use prices with tiers and demand charges, beside NREL's engine.

`Utilityrate5` of PySAM is a C++ engine of the same job. It is an optional package (requirements/bench.txt).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from time import perf_counter, process_time
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from mains.base.progress import ProgressReport
from mains.engine.columns import TariffSet, compile_tariffs, rate_columns
from mains.engine.intervals import measure_columns
from mains.engine.segments import cut_segments
from mains.engine.tariff import read_tariff
from mains.packs.shapes import daily_weights, hour_shares, list_meters

# NREL's year begins on a Monday, has 365 days and knows no summer time: the clock of UTC in 2018.
YEAR = 2018
HOURS = 8760
_CHUNK = 1000
_SHAPES = ("uk_electricity_small", "uk_electricity_medium", "uk_electricity_large", "il_electricity_cooled")
_ENDLESS = 10**9
Loads = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
# Nearer to half a cent than this is a tie which binary floats cannot decide.
_TIE = 1e-6
COMPONENTS = ("energy", "demand_tou", "demand_flat", "fixed")


@dataclass(frozen=True)
class Timed:
    """Amounts in cents [account, month, component]; seconds passed, and seconds of all processors together."""

    cents: Loads
    seconds: float
    processor_seconds: float


@dataclass(frozen=True)
class PeerTimed:
    """Amounts as the peer gives them [account, month, component]; seconds of computing alone, by the clock and of the
    processor, and by the clock with handing over the load.
    """

    amounts: Floats
    seconds: float
    processor_seconds: float
    handing_seconds: float


@cache
def benchmark_tariff() -> TariffSet:
    text = files(__package__).joinpath("rating.yaml").read_text(encoding="utf-8")
    return compile_tariffs([read_tariff(text)])


def make_loads(*, accounts: int, seed: int) -> Iterator[Loads]:
    """Watt-hours [account, hour] of the year, in chunks: the packs' daily and hourly shapes, each account with its own
    size and its own noise.
    """
    draw = np.random.default_rng(seed)
    shapes = np.stack([_shape(name) for name in _SHAPES])
    for first in range(0, accounts, _CHUNK):
        count = min(_CHUNK, accounts - first)
        base = shapes[np.arange(first, first + count) % len(_SHAPES)]
        size = draw.integers(40, 400, (count, 1))
        noise = draw.integers(60, 141, (count, HOURS))
        yield base * size * noise // 10_000


def _shape(name: str) -> Loads:
    """Watt-hours of each hour of the year of one shape."""
    meter = list_meters().filter(pl.col("shape_code") == name).row(0, named=True)
    weights = daily_weights().filter(pl.col("shape_code") == name)["weights"][0].to_list()
    del weights[59]  # 29 February
    of_shape = hour_shares().filter(pl.col("shape_code") == name)
    shares = {
        month: np.array(hours, dtype=np.int64)
        for month, hours in of_shape.select("month", "shares").iter_rows()
    }
    year = int(meter["mean_daily_use_milli"]) * 365
    days = pl.date_range(date(YEAR, 1, 1), date(YEAR, 12, 31), eager=True)
    hours = [
        year * weight // 1_000_000 * shares[day.month] // 10_000
        for day, weight in zip(days, weights, strict=True)
    ]
    return np.concatenate(hours).astype(np.int64)


# --- ours


def rate_ours(loads: Loads) -> Timed:
    """From intervals to lines, by way of use per zone, demands and segments."""
    tariffs = benchmark_tariff()
    items, intervals = _frames(loads)
    begun, working = perf_counter(), process_time()
    measured = measure_columns(tariffs=tariffs, items=items, intervals=intervals)
    segments = cut_segments(
        items=items.drop("point_id"),
        tariffs=tariffs,
        attributes=measured.attributes,
        usage=measured.usage,
    )
    rated = rate_columns(tariffs=tariffs, segments=segments)
    seconds, processor_seconds = perf_counter() - begun, process_time() - working
    if len(measured.refused) or len(rated.refused):
        raise RuntimeError(f"Not rated: {measured.refused} {rated.refused}")
    wide = rated.lines.pivot(on="component", index="item_id", values="amount_minor")
    cents = wide.sort("item_id").select(COMPONENTS).to_numpy()
    return Timed(cents.reshape(-1, 12, len(COMPONENTS)), seconds, processor_seconds)


def _frames(loads: Loads) -> tuple[pl.DataFrame, pl.DataFrame]:
    count = len(loads)
    months = [date(YEAR, month, 1) for month in range(1, 13)]
    items = pl.DataFrame(
        {
            "item_id": pl.Series(range(count * 12), dtype=pl.Int64),
            "point_id": np.repeat(np.arange(count), 12),
            "tariff": ["bench-tou"] * (count * 12),
            "period_from": months * count,
            "period_to": [*months[1:], date(YEAR + 1, 1, 1)] * count,
        }
    )
    intervals = pl.DataFrame(
        {
            "point_id": np.arange(count),
            "register": ["usage"] * count,
            "start_at": [datetime(YEAR, 1, 1, tzinfo=UTC)] * count,
            "step_minutes": [60] * count,
            "values_micro": pl.Series(loads * 1000).cast(pl.List(pl.Int64)),
        },
        schema_overrides={"start_at": pl.Datetime("us", "UTC")},
    )
    return items, intervals


# --- NREL's


def rate_peer(model: Any, loads: Loads) -> PeerTimed:
    """The same by `Utilityrate5`, one model object for all accounts."""
    amounts: list[list[tuple[float, ...]]] = []
    executing = working = handing = 0.0
    for load in loads:
        kilowatts = (load / 1000).tolist()
        begun = perf_counter()
        model.Load.load = kilowatts
        handed, before = perf_counter(), process_time()
        model.execute(0)
        done, after = perf_counter(), process_time()
        working += after - before
        executing += done - handed
        handing += done - begun
        amounts.append(_peer_amounts(model.Outputs))
    return PeerTimed(np.array(amounts), executing, working, handing)


def _peer_amounts(outputs: Any) -> list[tuple[float, ...]]:
    series = (
        outputs.year1_monthly_ec_charge_without_system,
        outputs.year1_monthly_dc_tou_without_system,
        outputs.year1_monthly_dc_fixed_without_system,
        outputs.year1_monthly_fixed_without_system,
    )
    return [tuple(values[month] for values in series) for month in range(12)]


def _peer_model() -> Any:
    """A model of the same prices. Raises ImportError when PySAM is not installed."""
    from PySAM import Utilityrate5

    model = Utilityrate5.new()
    rates = model.ElectricityRates
    off, peak, shoulder = 1, 2, 3
    weekday = [[off] * 7 + [shoulder] * 9 + [peak] * 5 + [off] * 3]
    summer = [month in range(6, 10) for month in range(1, 13)]
    # Winter periods are three further ones, as the prices differ.
    rates.ur_ec_sched_weekday = [[zone + (0 if hot else 3) for zone in weekday[0]] for hot in summer]
    rates.ur_ec_sched_weekend = [[off + (0 if hot else 3)] * 24 for hot in summer]
    prices = {
        1: (0.11, 0.15),
        2: (0.34, 0.39),
        3: (0.19, 0.235),
        4: (0.10, 0.14),
        5: (0.24, 0.29),
        6: (0.17, 0.21),
    }
    rates.ur_ec_tou_mat = [
        [zone, tier, limit, 0, price, 0]
        for zone, (low, high) in prices.items()
        for tier, limit, price in ((1, 400, low), (2, _ENDLESS, high))
    ]
    rates.ur_dc_enable = 1
    rates.ur_dc_sched_weekday = weekday * 12
    rates.ur_dc_sched_weekend = [[off] * 24] * 12
    # All periods need the same limits there, so those without tiers have two at one price.
    rates.ur_dc_tou_mat = [
        [zone, tier, limit, price]
        for zone, pair in {off: (0, 0), peak: (6.5, 9.25), shoulder: (3.125, 3.125)}.items()
        for tier, limit, price in ((1, 5, pair[0]), (2, _ENDLESS, pair[1]))
    ]
    rates.ur_dc_flat_mat = [
        row for month in range(12) for row in ([month, 1, 10, 2.5], [month, 2, _ENDLESS, 4.75])
    ]
    plain: dict[str, Any] = {
        "ur_metering_option": 0, "ur_monthly_fixed_charge": 12.5, "ur_monthly_min_charge": 0,
        "ur_annual_min_charge": 0, "ur_nm_yearend_sell_rate": 0, "ur_nm_credit_month": 0,
        "ur_nm_credit_rollover": 0, "ur_en_ts_sell_rate": 0, "ur_ts_sell_rate": [0], "ur_en_ts_buy_rate": 0,
        "ur_ts_buy_rate": [0], "ur_sell_eq_buy": 0, "ur_enable_billing_demand": 0, "en_electricity_rates": 1,
        "rate_escalation": [0],
    }  # fmt: skip
    for name, value in plain.items():
        setattr(rates, name, value)
    model.SystemOutput.gen = [0.0] * HOURS
    model.SystemOutput.degradation = [0]
    model.Lifetime.analysis_period = 1
    model.Lifetime.inflation_rate = 0
    model.Lifetime.system_use_lifetime_output = 0
    return model


# --- both


def time_rating(*, accounts: int, seed: int, progress: ProgressReport) -> dict[str, Any]:
    """Both engines over the same accounts in one run, and every amount that differs."""
    ours_cents, ours_seconds, ours_processor = [], 0.0, 0.0
    different: list[dict[str, object]] = []
    executing = working = handing = 0.0
    peer, remedy = _peer_or_remedy()
    with progress.step("Rate account-years", total=accounts) as step:
        for loads in make_loads(accounts=accounts, seed=seed):
            ours = rate_ours(loads)
            ours_seconds += ours.seconds
            ours_processor += ours.processor_seconds
            ours_cents.append(int(ours.cents.sum()))
            if peer is not None:
                other = rate_peer(peer, loads)
                executing += other.seconds
                working += other.processor_seconds
                handing += other.handing_seconds
                different.extend(find_differences(ours.cents, other.amounts))
            step.advance(len(loads))
    compared = accounts * 12 * len(COMPONENTS)
    return {
        "accounts": accounts,
        "seed": seed,
        "intervals_per_account": HOURS,
        "total_cents": sum(ours_cents),
        "mains_ms_per_account": ours_seconds * 1000 / accounts,
        "mains_processor_ms_per_account": ours_processor * 1000 / accounts,
        "pysam_ms_per_account": None if peer is None else executing * 1000 / accounts,
        "pysam_processor_ms_per_account": None if peer is None else working * 1000 / accounts,
        "pysam_with_load_ms_per_account": None if peer is None else handing * 1000 / accounts,
        "pysam_version": None if peer is None else version("nrel-pysam"),
        "pysam_remedy": remedy,
        "compared": compared if peer is not None else 0,
        "different": len(different),
        "different_by_a_tie": sum(bool(item["tie"]) for item in different),
        "differences": different[:20],
    }


def _peer_or_remedy() -> tuple[Any, str]:
    try:
        return _peer_model(), ""
    except ImportError:
        return None, "Install it: .venv/bin/pip install --require-hashes -r requirements/bench.txt"


def find_differences(ours: Loads, peer: Floats) -> list[dict[str, object]]:
    """Amounts that are not the same cent. `tie`: the peer's is half a cent as nearly as its numbers tell."""
    rounded = np.floor(peer * 100 + 0.5).astype(np.int64)
    found = []
    for account, month, component in np.argwhere(ours != rounded):
        amount = float(peer[account, month, component])
        half = abs(amount * 100 - np.floor(amount * 100) - 0.5)
        found.append(
            {
                "account": int(account),
                "month": int(month) + 1,
                "component": COMPONENTS[component],
                "ours_cents": int(ours[account, month, component]),
                "peer": repr(amount),
                "tie": bool(half < _TIE),
            }
        )
    return found
