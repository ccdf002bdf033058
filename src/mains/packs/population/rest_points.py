"""Accounts of the demo's managing companies for what houses use beyond the cap: one for each house with a meter."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from mains.base.column_texts import text_of
from mains.customers.values import Category, CustomerKind
from mains.network.values import PremiseKind
from mains.packs.population.accounts import account_numbers
from mains.packs.population.draws import Integers
from mains.packs.population.utility import SINCE, Utility
from mains.packs.profiles import BalanceProfile

_OPEN = {"valid_to": pl.lit(None, pl.Date)}


@dataclass(frozen=True, kw_only=True)
class RestFrames:
    """Rows for each table; facts have days instead of `valid`, as in `SliceFrames`. `houses`: building (its position),
    common_area_m2, point_id."""

    houses: pl.DataFrame
    premises: pl.DataFrame
    premise_states: pl.DataFrame
    points: pl.DataFrame
    customers: pl.DataFrame
    accounts: pl.DataFrame
    agreements: pl.DataFrame
    responsibilities: pl.DataFrame


def make_rest_points(
    utility: Utility, profile: BalanceProfile, *, houses: pl.DataFrame, first_point: int
) -> RestFrames | None:
    """For each of `houses` (building, common_area_m2) a point at its common areas and the managing company's account;
    None where the pack names no tariff or no managing companies.

    Accounts and customers follow those of the population, points begin at `first_point`.
    """
    managers = utility.pack.managers
    if not profile.rest_tariff or not managers:
        return None
    count = houses.height
    manager = houses["building"].to_numpy() % len(managers)
    at = _first_positions(utility, houses["building"].to_numpy())
    ids = houses.select(
        "building",
        "common_area_m2",
        point_id=pl.int_range(count, dtype=pl.Int64) + first_point,
        account_id=pl.int_range(count, dtype=pl.Int64) + utility.accounts + 1,
        customer_id=pl.Series(utility.accounts + 1 + manager),
        manager=pl.Series(manager),
        organisation_id=pl.Series(utility.organisation.team_of_point[at]),
        officer_id=pl.Series(utility.organisation.officer_of_point[at]),
    )
    opened = utility.pack.billing.history_from
    return RestFrames(
        houses=ids.select("building", "common_area_m2", "point_id"),
        premises=_premises(ids),
        premise_states=_states(utility, ids),
        points=_points(utility, ids, opened),
        customers=_customers(utility, ids),
        accounts=_accounts(utility, ids, opened),
        agreements=_agreements(utility, ids, utility.tariffs[profile.rest_tariff], opened),
        responsibilities=ids.filter(pl.col("officer_id") > 0).select(
            "account_id", "officer_id", valid_from=pl.lit(opened), **_OPEN
        ),
    )


def _first_positions(utility: Utility, building: Integers) -> Integers:
    """A point of each building, whose unit serves the managing company there."""
    buildings, first = np.unique(utility.places.building, return_index=True)
    found: Integers = first[np.searchsorted(buildings, building)]
    return found


def _premises(ids: pl.DataFrame) -> pl.DataFrame:
    return ids.select(
        id="point_id",
        building_id=pl.col("building") + 1,
        kind=pl.lit(PremiseKind.COMMON.value),
        entrance=pl.lit(""),
        floor=pl.lit(None, pl.Int64),
        flat=pl.lit(""),
    )


def _states(utility: Utility, ids: pl.DataFrame) -> pl.DataFrame:
    locations = np.array([town.location for town in utility.places.towns], dtype=object)
    town = utility.places.town_of_point[_first_positions(utility, ids["building"].to_numpy())]
    return ids.select(
        premise_id="point_id",
        residents=pl.lit(0, pl.Int64),
        rooms=pl.lit(0, pl.Int64),
        floor_area_m2_micro=pl.col("common_area_m2") * 1_000_000,
        heated_area_m2_micro=pl.lit(0, pl.Int64),
        storey_height_mm=pl.lit(2700, pl.Int64),
        cooker=pl.lit("electric"),
        meter_possible=pl.lit(value=False),
        location=pl.Series(locations[town], dtype=pl.String),
        valid_from=pl.lit(SINCE),
        **_OPEN,
    )


def _points(utility: Utility, ids: pl.DataFrame, opened: date) -> pl.DataFrame:
    return ids.select(
        id="point_id",
        code=pl.lit("CA-") + pl.col("point_id").cast(pl.String).str.zfill(7),
        premise_id="point_id",
        service=pl.lit(utility.pack.service),
        node_id=pl.Series(utility.network.node_of_building[ids["building"].to_numpy()]),
        connected_on=pl.lit(opened),
        takes_rest=pl.lit(value=True),
    )


def _customers(utility: Utility, ids: pl.DataFrame) -> pl.DataFrame:
    parties = {party.code: party for party in utility.pack.parties}
    managers = [parties[code] for code in utility.pack.managers]
    named = ids.select("customer_id", "manager").unique().sort("customer_id")
    return named.select(
        id="customer_id",
        kind=pl.lit(CustomerKind.ORGANISATION.value),
        name=pl.Series([managers[each].name for each in named["manager"]], dtype=pl.String),
        tax_number=pl.Series([managers[each].tax_number for each in named["manager"]], dtype=pl.String),
        phone=pl.lit(utility.pack.wording.phone)
        + (pl.col("customer_id") % 10_000_000).cast(pl.String).str.zfill(7),
        email=pl.lit(""),
        language=pl.lit(utility.pack.language),
    )


def _accounts(utility: Utility, ids: pl.DataFrame, opened: date) -> pl.DataFrame:
    numbers = account_numbers(ids["account_id"].to_numpy(), digits=utility.pack.sequence_digits)
    return ids.select(
        "customer_id",
        "organisation_id",
        id="account_id",
        number=numbers,
        opened_on=pl.lit(opened),
        closed_on=pl.lit(None, pl.Date),
        cycle=pl.lit(utility.pack.billing.cycle),
    )


def _agreements(utility: Utility, ids: pl.DataFrame, tariff_id: int, opened: date) -> pl.DataFrame:
    parties = utility.party_ids()
    managers = [parties[code] for code in utility.pack.managers]
    contract = utility.pack.wording.contract.replace("{year}", "{}").replace("{number}", "{}")
    return ids.select(
        "account_id",
        service_point_id="point_id",
        tariff_id=pl.lit(tariff_id, pl.Int64),
        category=pl.lit(Category.COMMERCIAL.value),
        load_class=pl.lit(""),
        provider_id=pl.lit(parties[utility.pack.provider], pl.Int64),
        manager_id=pl.Series([managers[each] for each in ids["manager"]], dtype=pl.Int64),
        contract_number=text_of(
            contract, pl.lit(opened.year), pl.col("account_id").cast(pl.String).str.zfill(7)
        ),
        valid_from=pl.lit(opened),
        **_OPEN,
    )
