"""What a demo utility has once, before its customers: towns, network, organisation, parties."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from mains.packs.definition import Pack
from mains.packs.population.accounts import split_facts
from mains.packs.population.demand import Demand, make_demand
from mains.packs.population.draws import Draws, Integers
from mains.packs.population.network import Network, build_network
from mains.packs.population.organisation import Organisation, build_organisation
from mains.packs.population.places import Places, build_places

SINCE = date(1996, 1, 1)


@dataclass(frozen=True)
class Utility:
    """The skeleton of a demo utility of `accounts` accounts at `points` service points.

    `second_payer[position]` is the account that takes over the point with id position + 1, 0 where none does.
    """

    pack: Pack
    seed: int
    accounts: int
    points: int
    tariffs: dict[str, int]
    places: Places
    network: Network
    organisation: Organisation
    demand: Demand
    second_payer: Integers

    def party_ids(self) -> dict[str, int]:
        return {party.code: number for number, party in enumerate(self.pack.parties, start=1)}

    def parties(self) -> pl.DataFrame:
        """Columns of Party."""
        rows = [
            (number, *(getattr(party, name) for name in _PARTY))
            for number, party in enumerate(self.pack.parties, start=1)
        ]
        schema = {"id": pl.Int64, **dict.fromkeys(_PARTY, pl.String)}
        return pl.DataFrame(rows, schema=schema, orient="row")

    def buildings(self) -> pl.DataFrame:
        """Columns of Building."""
        return self.places.buildings.with_columns(
            node_id=pl.Series(self.network.node_of_building, dtype=pl.Int64)
        )

    def feeder_states(self, *, valid_from: date) -> pl.DataFrame:
        """Columns of NodeState and the days of a fact; a change of band was decided two days before it began."""
        feeders = self.network.feeders
        frame = feeders.select(
            "band", "supply_hours_day", "changed_on", node_id="id", valid_from=pl.lit(valid_from, pl.Date)
        )
        changes = {"band": feeders["new_band"], "supply_hours_day": feeders["new_supply_hours_day"]}
        return split_facts(frame, changed_on="changed_on", changes=changes, delay_days=-2)


_PARTY = (
    *("code", "name", "kind", "tax_number", "bank_name", "bank_code", "bank_account"),
    "correspondent_account",
)


def build_utility(pack: Pack, *, accounts: int, seed: int, tariffs: dict[str, int]) -> Utility:
    """Plan a utility with exactly `accounts` accounts; some points have two, one after the other."""
    movers = round(accounts * pack.population.mover_share)
    points = accounts - movers
    moving = Draws(seed=seed, stream="movers").choose(points, movers)
    second_payer = np.zeros(points, dtype=np.int64)
    second_payer[moving] = points + 1 + np.arange(movers, dtype=np.int64)
    places = build_places(pack, points=points, seed=seed)
    return Utility(
        pack=pack,
        seed=seed,
        accounts=accounts,
        points=points,
        tariffs=tariffs,
        places=places,
        network=build_network(pack, places=places, seed=seed),
        organisation=build_organisation(pack, places=places, seed=seed, employed_from=SINCE),
        demand=make_demand(
            calendar=pack.billing,
            shape_codes=pack.population.load_shapes,
            zone_hours=pack.population.zone_hours,
            season=pack.population.season,
        ),
        second_payer=second_payer,
    )
