"""All stages of a recalculation in one transaction, and what came of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.balance.queries.frames import read_sharing_nodes_above
from mains.billing.actions.runs import OnSlice, balance_tasks
from mains.billing.actions.slices import BalanceTask, UsageTask, refresh_balance_slice, refresh_slice
from mains.billing.queries.averages import class_averages
from mains.billing.queries.charges import SliceCharges, compute_charges
from mains.billing.queries.explain.cause_kinds import Cause
from mains.billing.queries.plans import list_changed_points, read_metering_changes
from mains.billing.values import (
    RunPlan,
    RunSlice,
    Stage,
)


@dataclass(frozen=True, kw_only=True)
class Recalculation:
    """What a recalculation posted, or would post: the open `month` that bears it, and its lines.

    `lines`: account_id, agreement_id, service_point_id, service_month, component, kind, tariff_edition_id,
    quantity_micro, amount_minor (differences). `exceptions`: account_id, service_point_id, code, message, blocking.
    `causes` are the facts behind the lines by month of use and service point, told of the preview of one account.
    `run_id` and `bill_id` are None where nothing was posted; `bill_id` is that of the one account asked for.
    """

    month: date
    known_since: datetime
    facts_as_of: datetime
    lines: pl.DataFrame
    exceptions: pl.DataFrame
    causes: Mapping[tuple[date, int], tuple[Cause, ...]] = field(default_factory=dict)
    run_id: int | None = None
    bill_id: int | None = None

    @property
    def amount_minor(self) -> int:
        """What all corrections come to; tax that is included adds nothing."""
        return int(self.lines.filter(pl.col("kind") != "tax_included")["amount_minor"].sum())


def compute_slices(
    connection: Connection,
    plan: RunPlan,
    slices: tuple[RunSlice, ...],
    *,
    now: datetime,
    service_point_ids: pl.Series | None,
    on_slice: OnSlice | None,
) -> list[SliceCharges]:
    """All stages in the connection's transaction; daily use and balances are written there, bills are not."""
    averages = class_averages(connection=connection, plan=plan)
    changes = read_metering_changes(
        connection=connection, plan=plan, service_point_ids=service_point_ids, names_points=True
    )
    for number, part in enumerate(slices, start=1):
        task = UsageTask(plan=plan, part=part, class_averages=averages, changes=changes, now=now)
        refresh_slice(connection=connection, writer=connection, task=task)
        if on_slice is not None:
            on_slice(Stage.USAGE, number, len(slices))
    nodes = None
    if service_point_ids is not None:
        nodes = read_sharing_nodes_above(connection=connection, service_point_ids=service_point_ids)
    has_shares = nodes is None or not nodes.is_empty()
    balances = _balance_tasks(plan, slices, nodes, now)
    for number, balance in enumerate(balances, start=1):
        refresh_balance_slice(connection=connection, writer=connection, task=balance)
        if on_slice is not None:
            on_slice(Stage.BALANCE, number, len(slices))
    changed = list_changed_points(
        connection=connection, plan=plan, service_point_ids=service_point_ids, has_shares=has_shares
    )
    charges = []
    for number, part in enumerate(slices, start=1):
        asked = replace(part, has_shares=has_shares)
        charges.append(compute_charges(connection=connection, plan=plan, part=asked, changed_points=changed))
        if on_slice is not None:
            on_slice(Stage.BILLS, number, len(slices))
    return charges


def _balance_tasks(
    plan: RunPlan, slices: tuple[RunSlice, ...], nodes: pl.Series | None, now: datetime
) -> list[BalanceTask]:
    """The balances to draw up again: all, or those of `nodes`, which are shared out above named service points. What is
    but a loss of the network above them is on no bill, and the next run draws it up."""
    tasks = balance_tasks(plan, slices, now)
    if nodes is None:
        return tasks
    return [] if nodes.is_empty() else [replace(task, node_ids=nodes) for task in tasks]


def told(plan: RunPlan, charges: list[SliceCharges]) -> Recalculation:
    return Recalculation(
        month=plan.month,
        known_since=plan.known_since,
        facts_as_of=plan.facts_as_of,
        lines=pl.concat([each.lines for each in charges]),
        exceptions=pl.concat([each.exceptions for each in charges]),
    )
