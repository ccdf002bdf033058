"""Who is touched by what became known since the last run, and the slices of a recalculation over them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.balance.queries.frames import read_sharers
from mains.base.db import read_frame
from mains.billing.models import BillRun
from mains.billing.queries.carried import read_changed_openings
from mains.billing.queries.plans import list_changed_facts, list_changed_points, read_metering_changes
from mains.billing.queries.posted import read_owed_accounts
from mains.billing.queries.run_tariffs import compile_editions
from mains.billing.queries.settled import read_left_supplies
from mains.billing.values import RunPlan, RunSlice, split_evenly
from mains.customers.queries.frames import read_holders
from mains.kernel.period import next_month
from mains.metering.queries.frames import read_newly_read_points
from mains.tariffs.queries.editions import list_editions


@dataclass(frozen=True, kw_only=True)
class Touched:
    """`accounts`, ordered by bucket and id, and how many of them a fact is about (`told`): the others have but a share
    of a remainder that follows from their neighbours' use."""

    accounts: pl.Series
    told: int


def find_touched_accounts(*, connection: Connection, plan: RunPlan, is_owed_counted: bool = True) -> Touched:
    """Accounts of the cycle that may owe another amount than was posted for a billed month, or for days of the open
    one for which they were settled, by what became known since the last run. Some of them will turn out to owe what
    they did.

    With `is_owed_counted` also those that a run since the last monthly one could not compute, whether or not anything
    became known of them.
    """
    if not plan.billed_months:
        return Touched(accounts=pl.Series("account_id", [], dtype=pl.Int64), told=0)
    changed = list_changed_points(connection=connection, plan=plan)["service_point_id"]
    used = list_touched_points(connection=connection, plan=plan)
    points = pl.concat([changed, used]).unique()
    told = pl.concat([points, _sharers(connection, plan, points.clear())]).unique().sort()
    sharers = pl.concat([told, _sharers(connection, plan, points)]).unique().sort()
    tariffs = compile_editions(
        list_editions(connection=connection, as_of=plan.facts_as_of, known_since=plan.known_since)
    ).editions.filter(pl.col("changed_from").is_not_null())
    owed = read_owed_accounts(connection=connection, run_ids=plan.owing_run_ids if is_owed_counted else ())
    settled = _touched_settled(connection, plan, used, tariffs)
    holders = partial(
        read_holders,
        connection=connection,
        cycle=plan.cycle,
        from_date=plan.billed_months[0],
        to_date=plan.month,
        as_of=plan.facts_as_of,
        last_account_id=plan.last_account_id,
        tariffs=tariffs.select("tariff_id", "changed_from"),
        account_ids=pl.concat([owed, settled]).unique().sort(),
    )
    accounts = holders(service_point_ids=sharers)
    if len(sharers) == len(told):
        return Touched(accounts=accounts, told=len(accounts))
    return Touched(accounts=accounts, told=len(holders(service_point_ids=told)))


def _sharers(connection: Connection, plan: RunPlan, points: pl.Series) -> pl.Series:
    """Whose share may be another by the use of the points; without any, by rules and by where nodes hang."""
    return read_sharers(
        connection=connection,
        service_point_ids=points,
        known_since=plan.usage_known_since,
        as_of=plan.facts_as_of,
    )


def _touched_settled(
    connection: Connection, plan: RunPlan, used: pl.Series, tariffs: pl.DataFrame
) -> pl.Series:
    """Accounts of whose days in the open month, billed by a final settlement, other facts are known."""
    supplies = read_left_supplies(connection=connection, plan=plan)
    following = next_month(plan.month)
    points = supplies["service_point_id"].unique().sort()
    touched = [used]
    if not points.is_empty() and plan.known_since < plan.facts_as_of:
        facts = list_changed_facts(
            connection=connection,
            plan=plan,
            from_date=plan.month,
            to_date=following,
            service_point_ids=points,
        )
        openings = read_changed_openings(
            connection=connection,
            known_since=plan.known_since,
            as_of=plan.facts_as_of,
            service_point_ids=points,
        )
        touched += [facts["service_point_id"], openings["service_point_id"]]
    repriced = tariffs.filter(pl.col("changed_from") < following)["tariff_id"]
    return (
        supplies.filter(
            pl.col("service_point_id").is_in(pl.concat(touched).implode())
            | pl.col("tariff_id").is_in(repriced.implode())
        )["account_id"]
        .unique()
        .sort()
    )


def list_touched_points(*, connection: Connection, plan: RunPlan) -> pl.Series:
    """Service points whose daily use may have changed by what became known since it was last kept up to date, or rests
    on what one account's run knew in between."""
    read = read_newly_read_points(
        connection=connection, known_since=plan.usage_known_since, as_of=plan.facts_as_of
    )["service_point_id"]
    changes = read_metering_changes(connection=connection, plan=plan, names_points=True)
    return (
        pl.concat([read, changes.days["service_point_id"], changes.since["service_point_id"]]).unique().sort()
    )


def get_named_slices(*, run: BillRun, plan: RunPlan, connection: Connection) -> tuple[RunSlice, ...]:
    """The slices of a recalculation: its accounts in the order of positions, and the service points of whose use it
    looks after.

    A service point may belong to accounts of several slices, so points are dealt out by themselves.
    """
    accounts = read_frame(
        "SELECT account_id FROM billing_billrunaccount WHERE run_id = %(run)s ORDER BY position",
        {"run": run.pk},
        connection=connection,
    )["account_id"]
    points = list_points_of_use(connection=connection, plan=plan, accounts=accounts)
    return name_slices(accounts, points, count=run.slice_count)


def list_points_of_use(*, connection: Connection, plan: RunPlan, accounts: pl.Series) -> pl.Series:
    """Service points whose daily use a recalculation of the accounts brings up to date: all that are touched, and those
    that an account has left in the open month, for which it was settled."""
    left = read_left_supplies(connection=connection, plan=plan, account_ids=accounts)["service_point_id"]
    return pl.concat([list_touched_points(connection=connection, plan=plan), left]).unique().sort()


def name_slices(accounts: pl.Series, points: pl.Series, *, count: int) -> tuple[RunSlice, ...]:
    """`count` slices over accounts and points, each as equal as can be."""
    places: Sequence[tuple[range, range]] = list(
        zip(split_evenly(len(accounts), count), split_evenly(len(points), count), strict=True)
    )
    return tuple(
        RunSlice(
            buckets=range(number, number + 1),
            first_position=of_accounts.start,
            posted=(),
            account_ids=accounts[of_accounts.start : of_accounts.stop],
            service_point_ids=points[of_points.start : of_points.stop],
        )
        for number, (of_accounts, of_points) in enumerate(places)
    )
