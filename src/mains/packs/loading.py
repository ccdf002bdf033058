"""Load a pack's demo utility into an empty database: registry, meters, readings and opening balances."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

import numpy as np
import polars as pl
from adbc_driver_postgresql.dbapi import Connection

from mains.balance.actions import loading as balance_loading
from mains.base.buckets import bucket_column
from mains.base.db import adbc_connect, read_frame
from mains.base.loading import indexes_built_after
from mains.base.progress import ProgressReport, Step
from mains.billing.actions import loading as billing_loading
from mains.customers.actions import loading as customers_loading
from mains.customers.queries.records import find_party_id
from mains.kernel.errors import MainsError
from mains.ledger.actions.openings import post_opening_balances
from mains.metering.actions import loading as metering_loading
from mains.network.actions import loading as network_loading
from mains.packs.definition import Pack
from mains.packs.document_kinds import state_standard_kinds
from mains.packs.node_figures import record_node_figures
from mains.packs.population.balances import BalanceFrames, make_balances
from mains.packs.population.debts import brought_forward_on
from mains.packs.population.draws import Integers
from mains.packs.population.rest_points import RestFrames
from mains.packs.population.slices import SliceFrames, make_slices
from mains.packs.population.utility import Utility, build_utility
from mains.reporting.actions.payment_codes import store_payment_codes
from mains.reporting.actions.texts import store_document_texts
from mains.staff.actions import loading as staff_loading
from mains.tariffs.actions.loading import load_tariffs

SLICES_AHEAD = 2
OPENING_SOURCE = 1


class UnableToLoadPack(MainsError):
    """The database is not empty, or the size asked for is out of range."""


@dataclass(frozen=True, kw_only=True)
class LoadedPack:
    """What was loaded."""

    accounts: int
    service_points: int
    readings: int
    opening_items: int


def load_pack(*, pack: Pack, accounts: int, seed: int, progress: ProgressReport) -> LoadedPack:
    """Make the pack's demo utility with `accounts` accounts and load it.

    Managing companies have accounts besides. The same pack, size and seed give the same rows with the same ids.
    Registry and readings are loaded in one transaction; tariffs before it, opening balances after it. Raises
    UnableToLoadPack when there are accounts already.
    """
    if not 100 <= accounts <= 1_000_000:
        raise UnableToLoadPack(
            code="pack-size",
            message=f"A demo utility has 100 to 1,000,000 accounts, not {accounts:,}.",
            place="accounts",
            remedy="Choose a size in that range.",
        )
    known_at = datetime.combine(pack.billing.history_from, time(), tzinfo=UTC) - timedelta(days=1)
    with adbc_connect() as connection:
        _refuse_unless_empty(connection)
        tariffs = load_tariffs(documents=pack.tariff_documents, known_at=known_at)
        with progress.step("Make towns, network and organisation"):
            utility = build_utility(pack, accounts=accounts, seed=seed, tariffs=tariffs)
        tables = (
            *staff_loading.TABLES,
            *network_loading.TABLES,
            *customers_loading.TABLES,
            *metering_loading.TABLES,
            *balance_loading.TABLES,
            *billing_loading.TABLES,
        )
        with indexes_built_after(tables, connection=connection) as build_indexes:
            with progress.step("Load registry and readings", total=accounts) as step:
                _load_skeleton(utility, known_at=known_at, connection=connection)
                points, readings, managed, openings = _load_slices(
                    utility, known_at=known_at, connection=connection, step=step
                )
            with progress.step("Build indexes and check constraints"):
                build_indexes()
                connection.commit()
    store_document_texts(texts=pack.texts)
    state_standard_kinds(now=known_at)
    _store_payment_codes(pack)
    with progress.step("Bring balances forward"):
        post_opening_balances(
            balances=openings,
            source_id=OPENING_SOURCE,
            business_date=brought_forward_on(pack),
            now=datetime.combine(pack.billing.months[0], time(), tzinfo=UTC),
        )
    with progress.step("Record figures of the network"):
        record_node_figures(pack=pack, seed=seed)
    return LoadedPack(
        accounts=accounts + managed,
        service_points=points,
        readings=readings,
        opening_items=openings.height,
    )


def _refuse_unless_empty(connection: Connection) -> None:
    found = read_frame("SELECT EXISTS (SELECT FROM customers_account) AS full", connection=connection)
    if found["full"][0]:
        raise UnableToLoadPack(
            code="pack-not-empty",
            message="The database has accounts already; a pack is loaded into an empty one.",
            place="database",
            remedy="Run `mains demo --reset` to drop all its data, or name another database in MAINS_DATABASE.",
        )


def _store_payment_codes(pack: Pack) -> None:
    for party in pack.parties:
        party_id = find_party_id(code=party.code)
        assert party_id is not None  # loaded just before
        store_payment_codes(party_id=party_id, codes=list(party.payment_codes.items()))


def _load_skeleton(utility: Utility, *, known_at: datetime, connection: Connection) -> None:
    """What there is once: people, network nodes, buildings, parties."""
    pack, organisation = utility.pack, utility.organisation
    since = organisation.employed_from
    staff_loading.load_units(
        units=organisation.units, valid_from=since, known_at=known_at, connection=connection
    )
    roles = pl.DataFrame(
        [(role.code, role.name, list(role.permissions)) for role in pack.roles],
        schema=["code", "name", "permissions"],
        orient="row",
    )
    staff_loading.load_roles(roles=roles, connection=connection)
    staff_loading.load_users(
        users=organisation.users,
        assignments=organisation.assignments,
        valid_from=since,
        known_at=known_at,
        connection=connection,
    )
    network_loading.load_nodes(
        nodes=utility.network.nodes,
        service=pack.service,
        valid_from=since,
        known_at=known_at,
        connection=connection,
    )
    network_loading.load_node_states(
        states=utility.feeder_states(valid_from=since), known_at=known_at, connection=connection
    )
    network_loading.load_buildings(buildings=utility.buildings(), connection=connection)
    customers_loading.load_parties(parties=utility.parties(), connection=connection)


def _load_slices(
    utility: Utility, *, known_at: datetime, connection: Connection, step: Step
) -> tuple[int, int, int, pl.DataFrame]:
    """Make slices here and copy them in another thread, then the meters of nodes; the numbers of service points, of
    readings and of managing companies' accounts, and all opening balances."""
    points, readings, meters, registers, openings, node_use = utility.points, 0, 0, 0, [], []
    pending: list[Future[None]] = []
    with ThreadPoolExecutor(max_workers=1) as copier:
        for frames in _bucket_slices(utility):
            while len(pending) >= SLICES_AHEAD:
                pending.pop(0).result()
            pending.append(copier.submit(_copy_slice, frames, known_at=known_at, connection=connection))
            readings += frames.readings.height
            meters += frames.meters.height
            registers += frames.registers.height
            node_use.append(frames.node_use)
            openings.append(frames.openings)
            step.advance(frames.accounts.height)
        for copied in pending:
            copied.result()
    balances = make_balances(
        utility,
        node_use=pl.concat(node_use),
        first_meter=meters + 1,
        first_register=registers + 1,
        first_reading=readings + 1,
    )
    if balances is not None:
        _copy_balances(balances, known_at=known_at, connection=connection)
        points += balances.points.height
        readings += balances.readings.height
    rests = balances.rests if balances is not None else None
    managed = rests.accounts.height if rests is not None else 0
    return points + managed, readings, managed, pl.concat(openings)


def _bucket_slices(utility: Utility) -> Iterator[SliceFrames]:
    """Slices in the order of buckets, so that rows which bulk work reads together lie together on disk."""
    ids = pl.DataFrame({"id": np.arange(1, utility.points + 1, dtype=np.int64)})
    bucket: Integers = ids.select(bucket_column("id"))["id"].to_numpy().astype(np.int64)
    return make_slices(utility, bucket=bucket)


def _copy_slice(frames: SliceFrames, *, known_at: datetime, connection: Connection) -> None:
    network_loading.load_premises(
        premises=frames.premises,
        states=frames.premise_states,
        points=frames.points,
        known_at=known_at,
        connection=connection,
    )
    network_loading.load_idle_periods(idle=frames.idle, connection=connection)
    network_loading.load_conditions(conditions=frames.conditions, connection=connection)
    customers_loading.load_accounts(
        customers=frames.customers,
        accounts=frames.accounts,
        agreements=frames.agreements,
        responsibilities=frames.responsibilities,
        known_at=known_at,
        connection=connection,
    )
    metering_loading.load_meters(
        meters=frames.meters,
        registers=frames.registers,
        installations=frames.installations,
        known_at=known_at,
        connection=connection,
    )
    metering_loading.load_readings(readings=frames.readings, connection=connection)
    metering_loading.load_exceptions(exceptions=frames.exceptions, connection=connection)
    billing_loading.load_opening_balances(openings=frames.carried, connection=connection)


def _copy_balances(frames: BalanceFrames, *, known_at: datetime, connection: Connection) -> None:
    network_loading.load_node_points(points=frames.points, connection=connection)
    metering_loading.load_meters(
        meters=frames.meters,
        registers=frames.registers,
        installations=frames.installations,
        known_at=known_at,
        connection=connection,
    )
    metering_loading.load_readings(readings=frames.readings, connection=connection)
    if frames.rests is not None:
        _copy_rests(frames.rests, known_at=known_at, connection=connection)
    balance_loading.load_rules(rules=frames.rules, known_at=known_at, connection=connection)


def _copy_rests(frames: RestFrames, *, known_at: datetime, connection: Connection) -> None:
    network_loading.load_premises(
        premises=frames.premises,
        states=frames.premise_states,
        points=frames.points,
        known_at=known_at,
        connection=connection,
    )
    customers_loading.load_accounts(
        customers=frames.customers,
        accounts=frames.accounts,
        agreements=frames.agreements,
        responsibilities=frames.responsibilities,
        known_at=known_at,
        connection=connection,
    )
