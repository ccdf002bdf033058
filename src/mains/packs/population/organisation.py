"""The organisation tree down to teams, the people who work in it, and who answers for which service point."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from mains.packs.definition import Pack
from mains.packs.population.draws import Draws, Integers
from mains.packs.population.people import person_names
from mains.packs.population.places import Places

POINTS_PER_CENTRE = 30_000
POINTS_PER_TEAM = 7_500
POINTS_PER_OFFICER = 850


@dataclass(frozen=True)
class Organisation:
    """Frames for the staff context, and for each service point its team and its officer's user id.

    units: id, code, name, kind, parent_id. users: id, username, first_name, last_name, phone, language.
    assignments: user_id, organisation_id, role (code).
    """

    units: pl.DataFrame
    users: pl.DataFrame
    assignments: pl.DataFrame
    team_of_point: Integers
    officer_of_point: Integers
    employed_from: date

    def unit_id(self, code: str) -> int:
        return int(self.units.row(by_predicate=pl.col("code") == code, named=True)["id"])


def build_organisation(pack: Pack, *, places: Places, seed: int, employed_from: date) -> Organisation:
    """The pack's units as far as towns fill them, with centres and teams by the number of points."""
    builder = _Builder(pack)
    builder.add_named_units(places)
    towns = places.town_of_point
    first = np.searchsorted(towns, np.arange(len(places.towns)), side="left")
    last = np.searchsorted(towns, np.arange(len(places.towns)), side="right")
    teams = np.empty(len(towns), dtype=np.int64)
    officers = np.empty(len(towns), dtype=np.int64)
    for number, town in enumerate(places.towns):
        span = slice(int(first[number]), int(last[number]))
        teams[span], officers[span] = builder.add_town(town.name, town.branch, points=span.stop - span.start)
    return Organisation(
        units=pl.DataFrame(builder.units, schema=_UNITS, orient="row"),
        users=_named_users(pack, builder.people, seed=seed),
        assignments=pl.DataFrame(
            [(user, unit, role) for user, unit, role, _ in builder.people],
            schema={"user_id": pl.Int64, "organisation_id": pl.Int64, "role": pl.String},
            orient="row",
        ),
        team_of_point=teams,
        officer_of_point=officers,
        employed_from=employed_from,
    )


_UNITS = {"id": pl.Int64, "code": pl.String, "name": pl.String, "kind": pl.String, "parent_id": pl.Int64}


class _Builder:
    """Collects units and people while walking down the tree; ids count from 1."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self.units: list[tuple[int, str, str, str, int | None]] = []
        self.people: list[tuple[int, int, str, str]] = []
        self.id_of: dict[str, int] = {}

    def add_unit(self, code: str, name: str, kind: str, parent: str | None) -> int:
        number = len(self.units) + 1
        self.units.append((number, code, name, kind, self.id_of[parent] if parent else None))
        self.id_of[code] = number
        return number

    def add_person(self, unit: int, role: str, username: str) -> int:
        number = len(self.people) + 1
        self.people.append((number, unit, role, username))
        return number

    def add_named_units(self, places: Places) -> None:
        used = {code for town in places.towns for code in (town.region, town.branch)}
        for unit in self.pack.units:
            if unit.parent is not None and unit.code not in used:
                continue
            number = self.add_unit(unit.code, unit.name, unit.kind, unit.parent)
            if unit.parent is None:
                for role, username in (
                    ("administrator", "administrator"),
                    ("accountant", "accountant"),
                    ("tariff_specialist", "tariffs"),
                    ("supervisor", "supervisor"),
                ):
                    self.add_person(number, role, username)
            elif unit.kind == "region":
                self.add_person(number, "supervisor", f"supervisor.{unit.code.lower()}")

    def add_town(self, town: str, branch: str, *, points: int) -> tuple[Integers, Integers]:
        """Team and officer of each of the town's points, in the order of its streets."""
        words = self.pack.wording
        centres = max(1, -(-points // POINTS_PER_CENTRE))
        teams = max(centres, -(-points // POINTS_PER_TEAM))
        officers = max(teams, -(-points // POINTS_PER_OFFICER))
        centre_codes = []
        for centre in range(centres):
            code = f"{branch}-S{len(self.units) + 1}"
            name = words.centre.format(town=town) + (f" {centre + 1}" if centres > 1 else "")
            number = self.add_unit(code, name, "centre", branch)
            self.add_person(number, "clerk", f"clerk.{code.lower()}")
            self.add_person(number, "cashier", f"cashier.{code.lower()}")
            centre_codes.append(code)
        team_ids, officer_ids = np.empty(teams, dtype=np.int64), np.empty(officers, dtype=np.int64)
        for team in range(teams):
            centre_code = centre_codes[team * centres // teams]
            name = words.team.format(town=town, number=team + 1)
            team_ids[team] = self.add_unit(f"{centre_code}-T{team + 1}", name, "team", centre_code)
        for officer in range(officers):
            unit = int(team_ids[officer * teams // officers])
            officer_ids[officer] = self.add_person(unit, "field_officer", f"officer.{len(self.people) + 1}")
        officer_of = np.arange(points, dtype=np.int64) * officers // max(points, 1)
        return team_ids[officer_of * teams // officers], officer_ids[officer_of]


def _named_users(pack: Pack, people: list[tuple[int, int, str, str]], *, seed: int) -> pl.DataFrame:
    draws = Draws(seed=seed, stream="staff")
    named = person_names(pack, count=len(people), draws=draws)
    return pl.DataFrame(
        {
            "id": [number for number, _, _, _ in people],
            "username": [username for _, _, _, username in people],
            "first_name": named["given"],
            "last_name": named["family"],
            "phone": [f"{pack.wording.phone}9{number:06d}" for number, _, _, _ in people],
            "language": [pack.language] * len(people),
        },
        schema_overrides={"id": pl.Int64},
    )
