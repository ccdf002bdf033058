"""Towns with streets on a grid, buildings along them, premises in the buildings."""

from dataclasses import dataclass
from math import gcd

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mains.packs.definition import BuildingKind, Pack, Town
from mains.packs.population.draws import Draws, Integers

HOUSES_PER_STREET = 44
_STREET_LENGTH_M = 680
_STREET_PITCH_M = 96
_HOUSE_PITCH_M = 29
_DEGREE_M = 111_320


@dataclass(frozen=True)
class Places:
    """Buildings as a frame, and for each service point (position = id − 1) where it is.

    `building` is the position of the point's building in `buildings`; `entrance`, `floor` and `flat` count
    from 1 (0 where the building is a single premise).
    """

    towns: tuple[Town, ...]
    buildings: pl.DataFrame
    town_of_building: Integers
    size_of_building: Integers
    kind_of_building: Integers
    entrances_of_building: Integers
    floors_of_building: Integers
    building: Integers
    entrance: Integers
    floor: Integers
    flat: Integers

    @property
    def town_of_point(self) -> Integers:
        return self.town_of_building[self.building]


def choose_towns(pack: Pack, *, points: int) -> tuple[Town, ...]:
    """Towns that a population of this size fills: one of each branch first, so that small demos have a whole
    tree.
    """
    seen: dict[str, int] = {}
    ranked = []
    for position, town in enumerate(pack.towns):
        order = seen[town.branch] = seen.get(town.branch, -1) + 1
        ranked.append((order, position, town))
    count = min(len(ranked), max(2, points // 120))
    chosen = sorted(ranked, key=lambda item: item[:2])[:count]
    return tuple(town for _, _, town in sorted(chosen, key=lambda item: item[1]))


def build_places(pack: Pack, *, points: int, seed: int) -> Places:
    """Place `points` premises in the pack's towns."""
    towns = choose_towns(pack, points=points)
    shares = np.cumsum([town.weight for town in towns])
    limits = np.concatenate(([0], points * shares // shares[-1]))
    largest = max(4, points // 40)
    parts = [
        _build_town(
            pack, town, number, points=int(limits[number + 1] - limits[number]), seed=seed, largest=largest
        )
        for number, town in enumerate(towns)
    ]
    shapes = np.concatenate([shape for _, shape in parts])
    size = shapes[:, 0]
    building = np.repeat(np.arange(len(size), dtype=np.int64), size)
    position = np.arange(points, dtype=np.int64) - np.repeat(np.cumsum(size) - size, size)
    per_floor, per_entrance = shapes[building, 3], shapes[building, 3] * shapes[building, 2]
    single = shapes[building, 0] == 1
    frame = pl.concat([part for part, _ in parts]).with_row_index("id", offset=1).cast({"id": pl.Int64})
    return Places(
        towns=towns,
        buildings=frame,
        town_of_building=np.repeat(np.arange(len(towns), dtype=np.int64), [part.height for part, _ in parts]),
        size_of_building=size,
        kind_of_building=shapes[:, 4],
        entrances_of_building=shapes[:, 1],
        floors_of_building=shapes[:, 2],
        building=building,
        entrance=np.where(single, 0, position // per_entrance + 1),
        floor=np.where(single, 0, position % per_entrance // per_floor + 1),
        flat=np.where(single, 0, position + 1),
    )


def premise_kinds(pack: Pack) -> tuple[str, ...]:
    """Kinds of premise in the order that `kind_of_building` counts them."""
    return tuple(pack.population.premises)


def _build_town(
    pack: Pack, town: Town, number: int, *, points: int, seed: int, largest: int
) -> tuple[pl.DataFrame, NDArray[np.int64]]:
    """The town's buildings, and for each: premises, entrances, floors, flats per floor, kind of premise."""
    shapes = _building_shapes(
        pack, town, points=points, largest=largest, draws=Draws(seed=seed, stream=f"town {number}")
    )
    count = len(shapes)
    street, house = np.divmod(np.arange(count, dtype=np.int64), HOUSES_PER_STREET)
    latitude, longitude = _coordinates(
        town, street=street, house=house, draws=Draws(seed=seed, stream=f"place {number}")
    )
    names = _street_names(pack, count=int(street[-1]) + 1 if count else 0, turn=number * 17)
    frame = pl.DataFrame(
        {
            "city": np.full(count, town.name, dtype=object),
            "street": names[street],
            "house": (house + 1).astype(str).astype(object),
            "postal_code": np.full(count, town.postal_code, dtype=object),
            "latitude": latitude,
            "longitude": longitude,
        },
        schema_overrides={
            "city": pl.String,
            "street": pl.String,
            "house": pl.String,
            "postal_code": pl.String,
        },
    )
    return frame, shapes


def _building_shapes(pack: Pack, town: Town, *, points: int, largest: int, draws: Draws) -> NDArray[np.int64]:
    """Buildings drawn until they hold exactly `points` premises; the last one is cut to fit."""
    kinds = pack.population.buildings
    weights = [kind.rural if town.location == "rural" else kind.urban for kind in kinds]
    # Every building has a premise, so that many are always enough; few would be for a town of houses alone.
    chosen = draws.pick(weights, points)
    shapes = np.empty((points, 5), dtype=np.int64)
    for position, kind in enumerate(kinds):
        rows = np.flatnonzero(chosen == position)
        shapes[rows, 1:4] = _drawn_shape(kind, draws=draws, count=len(rows))
        shapes[rows, 4] = premise_kinds(pack).index(kind.premise)
    shapes[:, 0] = np.minimum(shapes[:, 1] * shapes[:, 2] * shapes[:, 3], largest)
    ends = np.cumsum(shapes[:, 0])
    needed = int(np.searchsorted(ends, points)) + 1 if points else 0
    shapes = shapes[:needed]
    if needed:
        shapes[-1, 0] -= int(ends[needed - 1]) - points
    shapes[:, 1] = -(-shapes[:, 0] // (shapes[:, 2] * shapes[:, 3]))
    return shapes


def _drawn_shape(kind: BuildingKind, *, draws: Draws, count: int) -> NDArray[np.int64]:
    ranges = (kind.entrances, kind.floors, kind.flats_per_floor)
    return np.stack([draws.integers(low, high, count) for low, high in ranges], axis=1)


def _coordinates(
    town: Town, *, street: Integers, house: Integers, draws: Draws
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Streets lie side by side in columns about the town's centre, turned by its bearing; houses on both
    sides.
    """
    count = len(street)
    streets = int(street[-1]) + 1 if count else 1
    columns = max(1, round((streets * _STREET_PITCH_M / _STREET_LENGTH_M) ** 0.5))
    rows = -(-streets // columns)
    row, column = np.divmod(street, columns)
    along = (column - columns / 2) * _STREET_LENGTH_M + (house // 2 + 0.5) * _HOUSE_PITCH_M
    across = (row - rows / 2) * _STREET_PITCH_M + np.where(house % 2 == 0, -17.0, 17.0)
    along = along + draws.integers(-40, 40, count) / 10
    across = across + draws.integers(-30, 30, count) / 10
    turn = np.deg2rad(town.bearing)
    east = along * np.cos(turn) - across * np.sin(turn)
    north = along * np.sin(turn) + across * np.cos(turn)
    latitude = np.round(town.latitude + north / _DEGREE_M, 6)
    longitude = np.round(town.longitude + east / (_DEGREE_M * np.cos(np.deg2rad(town.latitude))), 6)
    return latitude, longitude


def _street_names(pack: Pack, *, count: int, turn: int) -> NDArray[np.object_]:
    """`count` different street names; when the lists are used up the next quarter begins."""
    names, forms = pack.names.streets, pack.names.street_forms
    stride = next(step for step in (11, 13, 17, 19) if gcd(step, len(names)) == 1)
    result = []
    for position in range(count):
        # A stride that is prime to the number of names meets each once in a round; the form turns with every
        # round.
        name = (position * stride + turn) % len(names)
        again, form = divmod(position // len(names), len(forms))
        street = forms[(form + name) % len(forms)].format(name=names[name])
        result.append(pack.wording.more_streets.format(street=street, number=again + 1) if again else street)
    return np.array(result, dtype=object)
