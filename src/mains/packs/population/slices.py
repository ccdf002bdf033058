"""The population slice by slice: frames in the columns of the tables, ids included."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from mains.packs.population.accounts import (
    Slice,
    account_rows,
    agreement_rows,
    customer_rows,
    draw_slice,
    idle_rows,
    premise_rows,
)
from mains.packs.population.balances import houses_sharing_meter, node_use_rows
from mains.packs.population.carried import carried_rows
from mains.packs.population.conditions import condition_rows
from mains.packs.population.debts import opening_rows
from mains.packs.population.draws import Draws, Flags, Integers
from mains.packs.population.meters import (
    draw_meters,
    installation_rows,
    list_registers,
    meter_rows,
    register_rows,
)
from mains.packs.population.mistakes import exception_rows
from mains.packs.population.places import premise_kinds
from mains.packs.population.readings import plan_readings, reading_rows, use_of_registers
from mains.packs.population.utility import Utility

POINTS_PER_SLICE = 50_000


@dataclass(frozen=True, kw_only=True)
class SliceFrames:
    """Rows of one slice for each table; facts have days instead of `valid` (see
    `mains.base.loading.copy_facts`). `node_use` is no table: the meters of nodes are made from it at the end.
    """

    premises: pl.DataFrame
    premise_states: pl.DataFrame
    points: pl.DataFrame
    customers: pl.DataFrame
    accounts: pl.DataFrame
    agreements: pl.DataFrame
    responsibilities: pl.DataFrame
    idle: pl.DataFrame
    meters: pl.DataFrame
    registers: pl.DataFrame
    installations: pl.DataFrame
    readings: pl.DataFrame
    exceptions: pl.DataFrame
    openings: pl.DataFrame
    conditions: pl.DataFrame
    carried: pl.DataFrame
    node_use: pl.DataFrame


@dataclass
class _NextIds:
    meter: int = 1
    register: int = 1
    reading: int = 1


def make_slices(utility: Utility, *, bucket: Integers) -> Iterator[SliceFrames]:
    """Slices of about 50,000 points, whole buckets each, in the order of buckets; `bucket[position]` is the
    point's.
    """
    order = np.argsort(bucket, kind="stable")
    count = max(1, round(utility.points / POINTS_PER_SLICE))
    edges = np.searchsorted(bucket[order], np.arange(count + 1) * (int(bucket.max()) + 1) // count)
    ids = _NextIds()
    shares_meter = houses_sharing_meter(utility)
    for number in range(count):
        rows = order[edges[number] : edges[number + 1]]
        if len(rows):
            yield _make_slice(utility, rows, bucket=bucket, number=number, ids=ids, shares_meter=shares_meter)


def _make_slice(
    utility: Utility,
    rows: Integers,
    *,
    bucket: Integers,
    number: int,
    ids: _NextIds,
    shares_meter: Flags,
) -> SliceFrames:
    pack, places = utility.pack, utility.places

    def draws(stream: str) -> Draws:
        return Draws(seed=utility.seed, stream=stream, part=number)

    part = draw_slice(
        pack,
        point=rows + 1,
        second_payer=utility.second_payer[rows],
        kind=places.kind_of_building[places.building[rows]],
        organisation=utility.organisation.team_of_point[rows],
        officer=utility.organisation.officer_of_point[rows],
        building=places.building[rows],
        floors=places.floors_of_building[places.building[rows]],
        shares_meter=shares_meter[places.building[rows]],
        draws=draws("slice"),
        choices=draws("choices"),
    )
    customers, customer = customer_rows(pack, part, draws=draws("customers"))
    meters = draw_meters(pack, part, first_id=ids.meter, draws=draws("meters"))
    registers = list_registers(part, meters, first_id=ids.register)
    use = use_of_registers(part, meters, registers, demand=utility.demand, draws=draws("use"))
    readings = reading_rows(
        pack,
        part,
        meters,
        registers,
        plan=plan_readings(pack, meters, demand=utility.demand, draws=draws("plan")),
        use=use,
        places=places.buildings.select("latitude", "longitude").to_numpy()[places.building[rows]],
        first_id=ids.reading,
        draws=draws("readings"),
    )
    ids.meter += len(meters.id)
    ids.register += len(registers.id)
    ids.reading += readings.height
    parties = utility.party_ids()
    agreements = agreement_rows(pack, part, tariffs=utility.tariffs, parties=parties)
    return SliceFrames(
        premises=_premises(utility, rows, part),
        premise_states=_located(utility, rows, premise_rows(pack, part, draws=draws("premises")), part),
        points=_points(utility, rows, part),
        customers=customers,
        accounts=account_rows(pack, part, customer=customer),
        agreements=agreements,
        responsibilities=_responsibilities(part),
        idle=idle_rows(part),
        meters=meter_rows(pack, meters, draws=draws("models")),
        registers=register_rows(meters, registers),
        installations=installation_rows(part, meters),
        readings=readings.with_columns(bucket=pl.Series(bucket[rows][readings["position"].to_numpy()])).drop(
            "position"
        ),
        exceptions=exception_rows(pack, part, meters, registers, readings=readings, draws=draws("mistakes")),
        openings=opening_rows(pack, part, provider_id=parties[pack.provider], draws=draws("debts")),
        conditions=condition_rows(pack, part, draws=draws("conditions")),
        carried=carried_rows(pack, part, draws=draws("carried")),
        node_use=node_use_rows(
            part,
            meters,
            registers,
            use=use,
            node=utility.network.node_of_point[rows],
            is_seasonal=pack.population.season is not None,
        ),
    )


def _premises(utility: Utility, rows: Integers, part: Slice) -> pl.DataFrame:
    """Columns of Premise; a single house has no entrance, floor or flat."""
    places = utility.places

    def text(numbers: Integers) -> pl.Expr:
        column = pl.Series(numbers).cast(pl.String)
        return pl.when(pl.Series(numbers > 0)).then(column).otherwise(pl.lit(""))

    floor = pl.Series(places.floor[rows])
    return pl.select(
        id=pl.Series(part.point),
        building_id=pl.Series(part.building + 1),
        kind=pl.Series(np.array(premise_kinds(utility.pack), dtype=object)[part.kind], dtype=pl.String),
        entrance=text(places.entrance[rows]),
        floor=pl.when(floor > 0).then(floor),
        flat=text(places.flat[rows]),
    )


def _located(utility: Utility, rows: Integers, states: pl.DataFrame, part: Slice) -> pl.DataFrame:
    """States with the location of their town: urban or rural."""
    locations = np.array([town.location for town in utility.places.towns], dtype=object)
    by_point = pl.DataFrame(
        {"premise_id": part.point, "location": locations[utility.places.town_of_point[rows]]},
        schema_overrides={"location": pl.String},
    )
    return states.join(by_point, on="premise_id", how="left", maintain_order="left")


def _points(utility: Utility, rows: Integers, part: Slice) -> pl.DataFrame:
    return pl.select(
        id=pl.Series(part.point),
        code=pl.lit("SP-") + pl.Series(part.point).cast(pl.String).str.zfill(7),
        premise_id=pl.Series(part.point),
        service=pl.lit(utility.pack.service),
        node_id=pl.Series(utility.network.node_of_point[rows]),
        connected_on=pl.Series(part.connected_on).cast(pl.Date),
    )


def _responsibilities(part: Slice) -> pl.DataFrame:
    """Who answers for each account from the day it was opened; accounts without an officer are left out."""
    second = np.flatnonzero(part.second_payer > 0)
    frame = pl.DataFrame(
        {
            "account_id": np.concatenate((part.point, part.second_payer[second])),
            "officer_id": np.concatenate((part.officer, part.officer[second])),
            "valid_from": np.concatenate((part.opened_on, part.moved_on[second])),
            "known_on": np.concatenate(
                (
                    np.full(len(part), np.datetime64("NaT", "D")),
                    part.moved_on[second] + np.timedelta64(2, "D"),
                )
            ),
        }
    )
    return frame.filter(pl.col("officer_id") > 0).with_columns(
        valid_to=pl.lit(None, pl.Date), superseded_on=pl.lit(None, pl.Date)
    )
