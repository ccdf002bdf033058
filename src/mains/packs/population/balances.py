"""Meters at nodes of the demo: houses, transformers and feeders that count more, now and then less, than their members.

What a node's meter shows follows from what its members really used, metered or not, and from the node's own loss, so
that readings that come late or never disturb the balance as they would in life.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mains.base.buckets import bucket_column
from mains.metering.values import ReadingSource, Zone
from mains.packs.definition import Pack, add_months
from mains.packs.population.accounts import Slice
from mains.packs.population.demand import RegisterUse
from mains.packs.population.draws import Draws, Integers
from mains.packs.population.meters import ONE_DAY, Meters, Registers, installed_on
from mains.packs.population.rest_points import RestFrames, make_rest_points
from mains.packs.population.utility import SINCE, Utility
from mains.packs.profiles import BalanceProfile

_PER_MILLE = 1000
_COMMON_M2_PER_FLAT = (6, 11)
_NODE_USE = {"node_id": pl.Int64, "month": pl.Date, "use_wh": pl.Int64}


@dataclass(frozen=True, kw_only=True)
class BalanceFrames:
    """Rows of the node meters for each table; facts have days instead of `valid`, as in `SliceFrames`."""

    points: pl.DataFrame
    meters: pl.DataFrame
    registers: pl.DataFrame
    installations: pl.DataFrame
    readings: pl.DataFrame
    rules: pl.DataFrame
    rests: RestFrames | None


def node_use_rows(
    part: Slice, meters: Meters, registers: Registers, *, use: RegisterUse, node: Integers, is_seasonal: bool
) -> pl.DataFrame:
    """What the slice's points really used in each month, by the node that they hang on: node_id, month, use_wh."""
    months = use.demand.months
    register = np.flatnonzero(registers.zone != Zone.EXPORT)
    meter = registers.meter[register]
    opened = installed_on(meters, use.demand.first_day)[meter]
    removed = np.where(
        np.isnat(meters.installed_to[meter]),
        np.datetime64("9999-01-01", "D"),
        meters.installed_to[meter] - ONE_DAY,
    )
    at = node[meters.position[meter]]
    unmetered = np.flatnonzero(~part.metered)
    # Without a season whoever has no meter uses the same in every month; with one, as the first shape does.
    weights = dict.fromkeys(months, 1000000) if not is_seasonal else use.demand.month_weights()
    frames = [pl.DataFrame(schema=_NODE_USE)]
    for month in months:
        before, last = np.datetime64(month, "D") - ONE_DAY, np.datetime64(add_months(month, 1), "D") - ONE_DAY
        start = np.minimum(np.maximum(before, opened), removed)
        end = np.minimum(np.maximum(last, opened), removed)
        used = use.until(register, end) - use.until(register, start)
        connected = part.connected_on[unmetered] <= last
        frames.append(
            pl.DataFrame(
                {
                    "node_id": np.concatenate((at, node[unmetered])),
                    "use_wh": np.concatenate(
                        (used, part.monthly_kwh[unmetered] * weights[month] // 1000 * connected)
                    ),
                }
            ).select("node_id", month=pl.lit(month), use_wh="use_wh")
        )
    return pl.concat(frames).group_by("node_id", "month").agg(pl.col("use_wh").sum()).sort("node_id", "month")


def houses_sharing_meter(utility: Utility) -> NDArray[np.bool_]:
    """For each building whether its flats have one meter together and none of their own."""
    profile = utility.pack.balances
    if profile is None or not profile.replaces_meters:
        return np.zeros(len(utility.network.node_of_building), dtype=np.bool_)
    nodes = chosen_nodes(utility, profile).filter(pl.col("kind") == "building")["id"].to_numpy()
    return np.isin(utility.network.node_of_building, nodes)


def make_balances(
    utility: Utility, *, node_use: pl.DataFrame, first_meter: int, first_register: int, first_reading: int
) -> BalanceFrames | None:
    """Meters, readings and rules of the chosen nodes; ids from those given. None where the pack has no node meters."""
    profile = utility.pack.balances
    if profile is None:
        return None
    nodes = chosen_nodes(utility, profile)
    count = nodes.height
    ids = nodes.select(
        node_id="id",
        point_id=pl.int_range(count) + utility.points + 1,
        meter_id=pl.int_range(count) + first_meter,
        register_id=pl.int_range(count) + first_register,
    )
    since = utility.pack.billing.history_from
    houses = _houses(utility, nodes)
    rests = make_rest_points(utility, profile, houses=houses, first_point=utility.points + count + 1)
    return BalanceFrames(
        points=ids.select(
            id="point_id",
            code=pl.lit("NM-") + pl.col("node_id").cast(pl.String).str.zfill(6),
            service=pl.lit(utility.pack.service),
            node_id="node_id",
            connected_on=pl.lit(since),
            measures_node=pl.lit(value=True),
        ),
        meters=ids.select(
            id="meter_id",
            serial=pl.lit("20") + pl.col("meter_id").cast(pl.String).str.zfill(8),
            model=pl.lit(profile.meter_model),
            service=pl.lit(utility.pack.service),
            made_year=pl.lit(2020, pl.Int16),
            verified_on=pl.lit(date(2020, 3, 1)),
            verify_by=pl.lit(date(2030, 3, 1)),
        ),
        registers=ids.select(
            id="register_id",
            meter_id="meter_id",
            zone=pl.lit(0, pl.Int64),
            digits=pl.lit(9, pl.Int64),
            decimals=pl.lit(0, pl.Int64),
            multiplier_micro=pl.lit(1_000_000, pl.Int64),
        ),
        installations=ids.select(
            "meter_id",
            service_point_id="point_id",
            valid_from=pl.lit(since),
            valid_to=pl.lit(None, pl.Date),
            seal_number=pl.lit("N") + pl.col("meter_id").cast(pl.String).str.zfill(8),
        ),
        readings=_readings(utility.pack, ids, _counted(utility, nodes, node_use), first_id=first_reading),
        rules=_rules(utility, nodes, profile, houses=houses, rests=rests),
        rests=rests,
    )


def chosen_nodes(utility: Utility, profile: BalanceProfile) -> pl.DataFrame:
    """Nodes with a meter: id, kind, loss_per_mille; among the houses always one that leaks and one that counts less."""
    draws = Draws(seed=utility.seed, stream="node meters")
    shares = {
        "building": profile.house_share,
        "transformer": profile.transformer_share,
        "feeder": profile.feeder_share,
    }
    nodes = utility.network.nodes.filter(pl.col("kind").is_in(list(shares))).select("id", "kind").sort("id")
    kinds, count = nodes["kind"].to_numpy(), nodes.height
    chosen = np.zeros(count, dtype=np.bool_)
    for kind, share in shares.items():
        rows = np.flatnonzero(kinds == kind)
        chosen[rows] = draws.chance(share, len(rows))
        if share:
            chosen[rows[:3]] = True
    loss = np.where(kinds == "building", draws.integers(35, 95, count), draws.integers(25, 60, count))
    house = kinds == "building"
    loss = np.where(house & draws.chance(profile.theft_share, count), draws.integers(240, 420, count), loss)
    loss = np.where(
        house & draws.chance(profile.negative_share, count), draws.integers(-60, -25, count), loss
    )
    houses = np.flatnonzero(house)
    loss[houses[1:2]], loss[houses[2:3]] = 310, -45
    return nodes.with_columns(loss_per_mille=pl.Series(loss)).filter(pl.Series(chosen))


def _counted(utility: Utility, nodes: pl.DataFrame, node_use: pl.DataFrame) -> pl.DataFrame:
    """What each chosen node's meter counts in each month, with the losses of itself and of all meters below it."""
    parent_of = dict(utility.network.nodes.select("id", "parent_id").iter_rows())
    loss = dict(nodes.select("id", "loss_per_mille").iter_rows())
    months = node_use["month"].unique().sort().to_list()
    flows: dict[int, Integers] = {}
    for node_id, month, use_wh in node_use.iter_rows():
        flows.setdefault(node_id, np.zeros(len(months), dtype=np.int64))[months.index(month)] += use_wh
    counted: dict[int, Integers] = {}
    # Ids grow from the sources down to the entrances, so what is below a node is complete when its turn comes.
    for node_id in sorted(parent_of, reverse=True):
        flow = flows.pop(node_id, None)
        if flow is None:
            continue
        if node_id in loss:
            flow = flow + flow * loss[node_id] // _PER_MILLE
            counted[node_id] = flow
        above = parent_of[node_id]
        if above is not None:
            flows[above] = flows[above] + flow if above in flows else flow
    rows = [
        (node_id, month, int(used))
        for node_id, flow in counted.items()
        for month, used in zip(months, flow, strict=True)
    ]
    return pl.DataFrame(rows, schema=_NODE_USE, orient="row").sort("node_id", "month")


def _readings(pack: Pack, ids: pl.DataFrame, counted: pl.DataFrame, *, first_id: int) -> pl.DataFrame:
    """Columns of Reading: one before the first day, then the last day of each month, read remotely that night."""
    opened = pack.billing.history_from - timedelta(days=1)
    shown = pl.lit(1_000, pl.Int64) + pl.col("node_id") % 9_000
    monthly = counted.with_columns(
        value=shown + pl.col("use_wh").cum_sum().over("node_id") // 1000,
        reading_date=pl.col("month").dt.month_end(),
    )
    first = ids.select("node_id", value=shown, reading_date=pl.lit(opened))
    rows = pl.concat([first, monthly.select("node_id", "value", "reading_date")])
    six = time(6, 0)
    known = pl.col("reading_date").cast(pl.Datetime("us")) + pl.duration(days=1, hours=six.hour)
    history = pl.lit(datetime.combine(pack.billing.history_from, six, tzinfo=UTC))
    return (
        rows.join(ids, on="node_id")
        .sort("register_id", "reading_date")
        .with_row_index("id", offset=first_id)
        .select(
            pl.col("id").cast(pl.Int64),
            "register_id",
            "reading_date",
            bucket=bucket_column("point_id"),
            value_micro=pl.col("value") * 1_000_000,
            source=pl.lit(ReadingSource.REMOTE.value, pl.Int64),
            recorded_at=pl.when(pl.col("reading_date") == opened)
            .then(history)
            .otherwise(known.dt.replace_time_zone("UTC"))
            .cast(pl.Datetime("us", "UTC")),
            evidence=pl.lit(None, pl.String),
            recorded_by_id=pl.lit(None, pl.Int64),
        )
    )


def _houses(utility: Utility, nodes: pl.DataFrame) -> pl.DataFrame:
    """The buildings whose nodes have a meter: building (its position), common_area_m2."""
    of_houses = nodes.filter(pl.col("kind") == "building")["id"].to_numpy()
    building = np.flatnonzero(np.isin(utility.network.node_of_building, of_houses))
    draws = Draws(seed=utility.seed, stream="common areas")
    area = utility.places.size_of_building[building] * draws.integers(*_COMMON_M2_PER_FLAT, len(building))
    return pl.DataFrame({"building": building, "common_area_m2": area})


def _rules(
    utility: Utility,
    nodes: pl.DataFrame,
    profile: BalanceProfile,
    *,
    houses: pl.DataFrame,
    rests: RestFrames | None,
) -> pl.DataFrame:
    """Columns of BalanceRule: houses share their remainder under a cap, their managing company bears the rest."""
    managers = [utility.party_ids()[code] for code in utility.pack.managers]
    building = houses["building"].to_numpy()
    node = utility.network.node_of_building[building]
    bearer = np.array(managers, dtype=np.int64)[building % len(managers)] if managers else None
    common = {
        "norm_person_micro": pl.lit(profile.norm_person_kwh * 1_000_000, pl.Int64),
        "valid_from": pl.lit(SINCE.replace(year=2020)),
        "valid_to": pl.lit(None, pl.Date),
    }
    of_houses = pl.DataFrame(
        {"node_id": node, "common_area_m2_micro": houses["common_area_m2"] * 1_000_000}
    ).with_columns(
        # A house without a cap needs no common area either.
        **({} if profile.cap_norm_wh_m2 else {"common_area_m2_micro": pl.lit(None, pl.Int64)}),
        key=pl.lit(profile.key),
        negative=pl.lit(profile.negative),
        cap_norm_m2_micro=pl.lit(profile.cap_norm_wh_m2 * 1_000 or None, pl.Int64),
        bearer_id=pl.lit(None, pl.Int64) if bearer is None else pl.Series(bearer),
        rest_point_id=pl.lit(None, pl.Int64) if rests is None else rests.houses["point_id"],
        **common,
    )
    # What is lost above the houses is shared with nobody; whoever has no meter counts with the norm there too.
    of_lines = nodes.filter(pl.col("kind") != "building").select(
        node_id="id",
        common_area_m2_micro=pl.lit(None, pl.Int64),
        key=pl.lit("none"),
        negative=pl.lit("zero"),
        cap_norm_m2_micro=pl.lit(None, pl.Int64),
        bearer_id=pl.lit(None, pl.Int64),
        rest_point_id=pl.lit(None, pl.Int64),
        **common,
    )
    return pl.concat([of_houses.select(of_lines.columns), of_lines]).sort("node_id")
