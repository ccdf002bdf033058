"""What the tariffs of a slice read of premises, network and meters, as dated attributes of items.

Every function takes `items` (item_id, agreement_id …, premise_id, node_id, service_point_id) and returns frames
item_id, valid_from, valid_to (null is open), value, by the name of the engine's column.
"""

from collections.abc import Mapping
from datetime import date, datetime

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.billing.queries.conditions import read_told_conditions
from mains.billing.queries.pieces import complement_of, union_of
from mains.billing.queries.run_tariffs import RunTariffs
from mains.metering.queries.frames import read_installed_zones
from mains.metering.values import Zone
from mains.network.queries.absences import cut_absent, read_absences
from mains.network.queries.bands import resolve_node_states
from mains.network.queries.frames import (
    read_node_figures,
    read_node_states,
    read_placements,
    read_premise_states,
)
from mains.network.values import FILLED_ATTRIBUTES

_OF_PREMISE = (
    "residents_micro", "rooms_micro", "floor_area_m2_micro", "heated_area_m2_micro", "storey_height_m_micro",
    "location", "cooker", "meter_possible",
)  # fmt: skip
_ABSENT = "absent_micro"
_OF_NODE = ("band", "supply_hours_day_micro")
_OF_AGREEMENT = ("category", "load_class")
_OF_METER = ("metered", "zones")
_DATED = ("item_id", "valid_from", "valid_to", "value")

_DAY_NIGHT = (1 << Zone.DAY) | (1 << Zone.NIGHT)
_THREE = (1 << Zone.PEAK) | (1 << Zone.HALF_PEAK) | (1 << Zone.NIGHT)


def read_attributes(
    *,
    connection: Connection,
    tariffs: RunTariffs,
    items: pl.DataFrame,
    agreements: pl.DataFrame,
    buckets: range,
    from_date: date,
    to_date: date,
    as_of: datetime,
) -> Mapping[str, pl.DataFrame]:
    """The attributes that any tariff of the set reads, over [from_date, to_date), as believed at `as_of`.

    `agreements` are the items' agreements, item_id, valid_from, valid_to, category, load_class.
    """
    compiled = tariffs.compiled
    wanted = {
        *compiled.text_attributes,
        *compiled.flag_attributes,
        *(f"{name}_micro" for name in compiled.number_attributes),
    }
    found: dict[str, pl.DataFrame] = {}
    if wanted & set(_OF_AGREEMENT):
        found |= _dated(agreements, wanted & set(_OF_AGREEMENT))
    if wanted & {*_OF_PREMISE, _ABSENT}:
        states = read_premise_states(
            connection=connection,
            premise_ids=items["premise_id"].unique().sort(),
            from_date=from_date,
            to_date=to_date,
            as_of=as_of,
        )
        found |= _dated(
            items.select("item_id", "premise_id").join(states, on="premise_id"), wanted & set(_OF_PREMISE)
        )
    if _ABSENT in wanted:
        absences = read_absences(
            connection=connection,
            premise_ids=items["premise_id"].unique().sort(),
            from_date=from_date,
            to_date=to_date,
            as_of=as_of,
        )
        found[_ABSENT] = _of_absences(items, states, absences)
    if wanted & set(_OF_NODE):
        states = _node_states(connection, from_date, to_date, as_of)
        found |= _dated(items.select("item_id", "node_id").join(states, on="node_id"), wanted & set(_OF_NODE))
    if names := {name for tariff in compiled.tariffs for name in tariff.read_figures} - FILLED_ATTRIBUTES:
        figures = _node_figures(connection, from_date, to_date, as_of)
        found |= _of_figures(tariffs, items, {name: figures[name] for name in sorted(names & figures.keys())})
    found |= read_told_conditions(
        connection=connection,
        tariffs=tariffs,
        items=items,
        figures=found,
        from_date=from_date,
        to_date=to_date,
        as_of=as_of,
    )
    if wanted & set(_OF_METER):
        installed = read_installed_zones(
            connection=connection,
            buckets=buckets,
            service_point_ids=outside_points(items, buckets),
            from_date=from_date,
            to_date=to_date,
            as_of=as_of,
        )
        found |= _of_meters(items, installed, wanted)
    return found


def outside_points(items: pl.DataFrame, buckets: range) -> pl.Series:
    """Service points of the items that lie in other buckets than the items' accounts."""
    is_outside = (pl.col("point_bucket") < buckets.start) | (pl.col("point_bucket") >= buckets.stop)
    return items.filter(is_outside)["service_point_id"].unique().sort()


def _dated(rows: pl.DataFrame, names: set[str]) -> dict[str, pl.DataFrame]:
    rows = rows.sort("item_id", "valid_from")  # once for all names: the segments need them so
    return {
        name: rows.lazy()
        .select("item_id", "valid_from", "valid_to", value=name)
        .filter(pl.col("value").is_not_null())
        .collect()
        for name in sorted(names)
    }


def _of_absences(items: pl.DataFrame, states: pl.DataFrame, absences: pl.DataFrame) -> pl.DataFrame:
    """How many residents are absent, in 10^-6; nought where no absence is recorded."""
    if absences.is_empty():
        nought = pl.lit(0, pl.Int64)
        return items.select("item_id", valid_from="period_from", valid_to="period_to", value=nought)
    away = cut_absent(
        states=states.join(absences.select("premise_id").unique(), on="premise_id", how="semi").select(
            "premise_id", "valid_from", "valid_to", residents=pl.col("residents_micro") // 1_000_000
        ),
        absences=absences,
    ).filter(pl.col("absent") > 0)
    periods = items.select("item_id", "premise_id", "period_from", "period_to")
    pieces = (
        periods.join(away, on="premise_id")
        .with_columns(
            valid_from=pl.max_horizontal("valid_from", "period_from"),
            valid_to=pl.min_horizontal(pl.col("valid_to").fill_null(pl.col("period_to")), "period_to"),
            value=pl.col("absent") * 1_000_000,
        )
        .filter(pl.col("valid_from") < pl.col("valid_to"))
        .select(_DATED)
    )
    nobody = complement_of(periods, pieces).with_columns(value=pl.lit(0, pl.Int64))
    return pl.concat([pieces, nobody.select(_DATED)])


def _of_figures(
    tariffs: RunTariffs, items: pl.DataFrame, figures: Mapping[str, pl.DataFrame]
) -> dict[str, pl.DataFrame]:
    """Figures of nodes by column; none for the items in whose tariff a bill leaves, or intervals give, what is called
    so."""
    found: dict[str, pl.DataFrame] = {}
    for name, resolved in figures.items():
        others = [
            tariff.code
            for tariff in tariffs.compiled.tariffs
            if name in tariff.balances or name in tariff.demands
        ]
        told = items.filter(~pl.col("tariff").cast(pl.String).is_in(others))
        rows = told.select("item_id", "node_id").join(resolved, on="node_id")
        found |= _dated(rows.rename({"value_micro": f"{name}_micro"}), {f"{name}_micro"})
    return found


_KEPT_MAX = 2  # of the last months, and of all months where a slice corrects what is long past
_Key = tuple[str, date, date, datetime]
_kept_node_states: dict[_Key, pl.DataFrame] = {}
_kept_node_figures: dict[_Key, dict[str, pl.DataFrame]] = {}


def _node_states(connection: Connection, from_date: date, to_date: date, as_of: datetime) -> pl.DataFrame:
    """Node attributes of the whole network.

    Kept for the next slice of the run: what was believed at an instant never changes.
    """
    key = (connection.adbc_current_catalog, from_date, to_date, as_of)
    if key not in _kept_node_states:
        if len(_kept_node_states) >= _KEPT_MAX:
            _kept_node_states.clear()
        _kept_node_states[key] = resolve_node_states(
            placements=read_placements(
                connection=connection, from_date=from_date, to_date=to_date, as_of=as_of
            ),
            states=read_node_states(connection=connection, from_date=from_date, to_date=to_date, as_of=as_of),
            from_date=from_date,
            to_date=to_date,
        )
    return _kept_node_states[key]


def _node_figures(
    connection: Connection, from_date: date, to_date: date, as_of: datetime
) -> dict[str, pl.DataFrame]:
    """Figures of the whole network by name: node_id, valid_from, valid_to, value_micro. Kept like the states."""
    key = (connection.adbc_current_catalog, from_date, to_date, as_of)
    if key not in _kept_node_figures:
        if len(_kept_node_figures) >= _KEPT_MAX:
            _kept_node_figures.clear()
        figures = read_node_figures(connection=connection, from_date=from_date, to_date=to_date, as_of=as_of)
        found: dict[str, pl.DataFrame] = {}
        if not figures.is_empty():
            placements = read_placements(
                connection=connection, from_date=from_date, to_date=to_date, as_of=as_of
            )
            for (name,), of_name in figures.group_by("name"):
                found[str(name)] = resolve_node_states(
                    placements=placements,
                    states=of_name,
                    from_date=from_date,
                    to_date=to_date,
                    values=["value_micro"],
                )
        _kept_node_figures[key] = found
    return _kept_node_figures[key]


def _of_meters(items: pl.DataFrame, installed: pl.DataFrame, wanted: set[str]) -> dict[str, pl.DataFrame]:
    """`metered` is yes while any meter is installed and no in between; `zones` follows the registers installed."""
    periods = items.select("item_id", "service_point_id", "period_from", "period_to")
    pieces = periods.join(installed, on="service_point_id").select(
        "item_id",
        "zone_bits",
        valid_from=pl.max_horizontal("valid_from", "period_from"),
        valid_to=pl.min_horizontal(pl.col("valid_to").fill_null(pl.col("period_to")), "period_to"),
    )
    pieces = pieces.filter(pl.col("valid_from") < pl.col("valid_to"))
    found: dict[str, pl.DataFrame] = {}
    if "metered" in wanted:
        covered = union_of(pieces)
        yes = covered.with_columns(value=pl.lit(value=True))
        no = complement_of(periods, covered).with_columns(value=pl.lit(value=False))
        found["metered"] = pl.concat([yes.select(_DATED), no.select(_DATED)])
    if "zones" in wanted:
        found["zones"] = _zones(pieces)
    return found


def _zones(pieces: pl.DataFrame) -> pl.DataFrame:
    """Where two meters overlap on the day of an exchange, the later one's zones count from its first day on."""
    ordered = pieces.sort("item_id", "valid_from", "valid_to").with_columns(
        next_from=pl.col("valid_from").shift(-1).over("item_id")
    )
    bits = pl.col("zone_bits")
    return (
        ordered.with_columns(
            valid_to=pl.min_horizontal("valid_to", pl.col("next_from").fill_null(pl.col("valid_to"))),
            value=pl.when(bits & _THREE == _THREE)
            .then(pl.lit("three"))
            .when(bits & _DAY_NIGHT == _DAY_NIGHT)
            .then(pl.lit("day_night"))
            .otherwise(pl.lit("total")),
        )
        .filter(pl.col("valid_from") < pl.col("valid_to"))
        .select(_DATED)
    )
