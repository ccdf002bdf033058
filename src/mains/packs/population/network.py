"""The network tree from sources to entrances, and the node that feeds each service point."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from mains.base.column_texts import text_of
from mains.packs.definition import Pack
from mains.packs.population.draws import Draws, Integers
from mains.packs.population.places import Places

POINTS_PER_SUBSTATION = 15_000
POINTS_PER_FEEDER = 1_400
POINTS_PER_TRANSFORMER = 110


@dataclass(frozen=True)
class Network:
    """nodes: id, kind, code, name, latitude, longitude, parent_id. feeders: id, band, supply_hours_day,
    changed_on, new_band, new_supply_hours_day (empty without bands). Per point and building (positions): the
    node.
    """

    nodes: pl.DataFrame
    feeders: pl.DataFrame
    node_of_point: Integers
    node_of_building: Integers
    feeder_of_point: Integers


def build_network(pack: Pack, *, places: Places, seed: int) -> Network:
    """Feed every building: source per region, substations, feeders and transformers by number of points.

    A building of one premise hangs on its transformer; a block is a node of its own, and so is each entrance
    of a block that has several.
    """
    points = len(places.building)
    sizes = {
        "substation": POINTS_PER_SUBSTATION,
        # Small demos have several feeders, so that every service band occurs.
        "feeder": min(POINTS_PER_FEEDER, max(20, points // 12)),
        "transformer": min(POINTS_PER_TRANSFORMER, max(10, points // 60)),
    }
    town = places.town_of_building
    before = _points_before_in_town(places)
    regions = list(dict.fromkeys(item.region for item in places.towns))
    region_of_town = np.array([regions.index(item.region) for item in places.towns], dtype=np.int64)
    levels: dict[str, Integers] = {"source": region_of_town[town]}
    for kind, size in sizes.items():
        # Whole buildings go together; a lower level never spans two of the level above it.
        above = levels[list(levels)[-1]]
        key = np.stack([above, town, before // size], axis=1)
        levels[kind] = np.unique(key, axis=0, return_inverse=True)[1].ravel().astype(np.int64)
    frames, node_of_building, offset = [], np.zeros(len(town), dtype=np.int64), 0
    parent = np.zeros(len(town), dtype=np.int64)
    feeder_of_building = parent
    for kind, group in levels.items():
        frames.append(
            _level(pack, kind, group=group, places=places, parent=parent, offset=offset, regions=regions)
        )
        node_of_building = group + offset + 1
        parent = node_of_building
        offset += int(group.max()) + 1
        if kind == "feeder":
            feeder_of_building = node_of_building
    blocks, node_of_building = _blocks(places, transformer=node_of_building, offset=offset)
    entrances, node_of_point = _entrances(
        places, node_of_building=node_of_building, offset=offset + blocks.height
    )
    return Network(
        nodes=pl.concat([*frames, blocks, entrances]),
        feeders=_feeder_states(pack, feeders=np.unique(feeder_of_building), seed=seed),
        node_of_point=node_of_point,
        node_of_building=node_of_building,
        feeder_of_point=feeder_of_building[places.building],
    )


_NODE: dict[str, type[pl.DataType]] = {
    "id": pl.Int64,
    "kind": pl.String,
    "code": pl.String,
    "name": pl.String,
    "latitude": pl.Float64,
    "longitude": pl.Float64,
    "parent_id": pl.Int64,
}
_CODES = {"source": "S", "substation": "PS", "feeder": "F", "transformer": "T"}


def _as_nodes(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(pl.col(name).cast(kind) for name, kind in _NODE.items())


def _points_before_in_town(places: Places) -> Integers:
    before = np.cumsum(places.size_of_building) - places.size_of_building
    first = np.searchsorted(places.town_of_building, np.arange(len(places.towns)), side="left")
    return before - before[first][places.town_of_building]


def _level(
    pack: Pack,
    kind: str,
    *,
    group: Integers,
    places: Places,
    parent: Integers,
    offset: int,
    regions: list[str],
) -> pl.DataFrame:
    """One row per group of buildings, placed in the middle of them."""
    region_names = {unit.code: unit.name for unit in pack.units}
    towns = [town.name for town in places.towns]
    rows = (
        places.buildings.select("latitude", "longitude")
        .with_columns(
            group=pl.Series(group, dtype=pl.Int64),
            parent_id=pl.Series(parent, dtype=pl.Int64),
            town=pl.Series(places.town_of_building, dtype=pl.Int64),
        )
        .group_by("group")
        .agg(
            pl.col("latitude").mean().round(6),
            pl.col("longitude").mean().round(6),
            pl.col("parent_id").first(),
            pl.col("town").first(),
        )
        .sort("group")
        .with_columns(number=pl.int_range(pl.len()).over("town") + 1)
    )
    pattern = getattr(pack.wording, kind)
    names = [
        pattern.format(town=towns[town], number=number, region=region_names[places.towns[town].region])
        for town, number in rows.select("town", "number").iter_rows()
    ]
    assert kind != "source" or rows.height == len(regions), "There is one source for each region."
    return rows.select(
        id=pl.col("group") + offset + 1,
        kind=pl.lit(kind),
        code=text_of(f"{_CODES[kind]}-{{}}", (pl.col("group") + 1).cast(pl.String).str.zfill(5)),
        name=pl.Series(names, dtype=pl.String),
        latitude="latitude",
        longitude="longitude",
        parent_id=pl.when(pl.col("parent_id") > 0).then("parent_id"),
    )


def _blocks(places: Places, *, transformer: Integers, offset: int) -> tuple[pl.DataFrame, Integers]:
    """Nodes of the buildings with several premises; the node of every building."""
    rows = np.flatnonzero(places.size_of_building > 1)
    node_of_building = transformer.copy()
    node_of_building[rows] = offset + 1 + np.arange(len(rows), dtype=np.int64)
    frame = places.buildings[rows].select(
        id=pl.Series(node_of_building[rows], dtype=pl.Int64),
        kind=pl.lit("building"),
        code=text_of("B-{}", pl.col("id").cast(pl.String).str.zfill(6)),
        name=pl.concat_str("street", "house", separator=", "),
        latitude="latitude",
        longitude="longitude",
        parent_id=pl.Series(transformer[rows], dtype=pl.Int64),
    )
    return _as_nodes(frame), node_of_building


def _entrances(places: Places, *, node_of_building: Integers, offset: int) -> tuple[pl.DataFrame, Integers]:
    """Nodes of the entrances of blocks that have more than one; the node of every service point."""
    count = np.where(places.entrances_of_building > 1, places.entrances_of_building, 0)
    first = offset + 1 + np.cumsum(count) - count
    building = np.repeat(np.arange(len(count), dtype=np.int64), count)
    node = offset + 1 + np.arange(len(building), dtype=np.int64)
    entrance = node - first[building] + 1
    frame = places.buildings[building].select(
        id=pl.Series(node, dtype=pl.Int64),
        kind=pl.lit("entrance"),
        code=text_of(
            "B-{}-{}", pl.col("id").cast(pl.String).str.zfill(6), pl.Series(entrance, dtype=pl.Int64)
        ),
        name=pl.concat_str(
            "street", "house", pl.Series(entrance, dtype=pl.Int64).cast(pl.String), separator=", "
        ),
        latitude="latitude",
        longitude="longitude",
        parent_id=pl.Series(node_of_building[building], dtype=pl.Int64),
    )
    has_entrances = count[places.building] > 0
    node_of_point = np.where(
        has_entrances, first[places.building] + places.entrance - 1, node_of_building[places.building]
    )
    return _as_nodes(frame), node_of_point


def _feeder_states(pack: Pack, *, feeders: Integers, seed: int) -> pl.DataFrame:
    """The service band of each feeder; some move to another band in the middle of a billed month."""
    schema = {
        "id": pl.Int64,
        "band": pl.String,
        "supply_hours_day": pl.Int64,
        "changed_on": pl.Date,
        "new_band": pl.String,
        "new_supply_hours_day": pl.Int64,
    }
    bands = pack.population.bands
    if not bands:
        return pl.DataFrame(schema=schema)
    draws = Draws(seed=seed, stream="bands")
    names = list(bands)
    weights = [weight for weight, _ in bands.values()]
    drawn = draws.pick(weights, len(feeders))
    drawn[: len(names)] = np.arange(len(names))[: len(feeders)]
    moved = draws.chance(pack.population.changed_bands_share, len(feeders))
    moved[: min(2, len(feeders))] = True
    days = draws.days(_second_day(pack.billing.months[0]), _last_day(pack), len(feeders))
    better = (drawn + 1) % len(names)
    hours = np.array([hours for _, hours in bands.values()], dtype=np.int64)
    band = np.array(names, dtype=object)
    return pl.DataFrame(
        {
            "id": feeders,
            "band": band[drawn],
            "supply_hours_day": hours[drawn],
            "changed_on": pl.Series(days).cast(pl.Date),
            "new_band": band[better],
            "new_supply_hours_day": hours[better],
        },
        schema=schema,
    ).with_columns(changed_on=pl.when(pl.Series(moved)).then("changed_on"))


def _second_day(month: date) -> date:
    return month.replace(day=2)


def _last_day(pack: Pack) -> date:
    return pack.billing.months[-1].replace(day=20)
