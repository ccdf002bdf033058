"""The settlement itself: facts and final bill in one transaction, or the same and nothing kept."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import polars as pl
from adbc_driver_manager.dbapi import Connection
from django.db import models

from mains.billing.actions.open_month import (
    check_blocked,
    check_forecast,
    corrected_pairs,
    draft_single,
    hold_cycle,
    take_readings,
)
from mains.billing.actions.recalculations.one_account import charges_of_account, reader_of
from mains.billing.actions.recalculations.posting import post_in_one
from mains.billing.actions.settlements.orders import (
    Following,
    MoveOrder,
    UnableToSettle,
    check_last_day,
    chosen_supplies,
    reading_day,
    record_moves,
    registers_on,
)
from mains.billing.models import BillRun
from mains.billing.queries.explain.cause_kinds import Cause
from mains.billing.queries.explain.causes import find_causes
from mains.billing.queries.next_prices import Unpriced, list_unpriced
from mains.billing.queries.plans import get_plan
from mains.billing.queries.settled import read_left_supplies, waits_for_shares
from mains.billing.values import RunKind
from mains.customers.queries.records import find_account_id
from mains.ledger.queries.current_account import current_account
from mains.metering.actions.usage import begin_month


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """What a settlement posted, or would post, in the open `month`. Money in minor units, owed by the account.

    `lines` as those of a Recalculation; of the open month they are what the account used until it left, of earlier
    months corrections. `causes` are the facts behind the corrections. `waits_for_shares`: the month's run will bill
    shares of common use besides. `unpriced`: supplies of whoever pays next that their tariffs have no price for.
    `run_id` and `bill_id` are None where nothing was posted.
    """

    month: date
    last_date: date
    following: Following
    lines: pl.DataFrame
    quantity_micro: int
    estimated_days: int
    balance_before_minor: int
    waits_for_shares: bool
    unpriced: tuple[Unpriced, ...] = ()
    causes: Mapping[tuple[date, int], tuple[Cause, ...]] = field(default_factory=dict)
    run_id: int | None = None
    bill_id: int | None = None

    @property
    def next_number(self) -> str:
        """The account that pays from the day after; empty where nobody does."""
        return self.following.number

    @property
    def amount_minor(self) -> int:
        """What the final bill comes to; tax that is included adds nothing."""
        return int(self.lines.filter(pl.col("kind") != "tax_included")["amount_minor"].sum())

    @property
    def balance_after_minor(self) -> int:
        """What is owed with the final bill; negative is a credit."""
        return self.balance_before_minor + self.amount_minor


def preview_settlement(*, order: MoveOrder, now: datetime) -> Settlement:
    """What `settle` would post, by the very steps of it; nothing is kept. Raises as it does."""
    with _transaction(order, now=now, keeps=False) as (connection, draft):
        return _settled(connection, draft, order, actor=None, now=now, keeps=False)


def settle(
    *, order: MoveOrder, now: datetime, actor: models.Model | None, expected_minor: int | None = None
) -> Settlement:
    """Record final readings and the change of payer, and post the final bill: all of it is kept, or nothing.

    The same order again changes nothing and posts nothing. `expected_minor` is the amount that a person saw in the
    preview. Raises UnableToSettle; UnableToPlanRun: no month of the account's cycle is billed, or a run of it is not
    finished; and what the registry refuses (UnableToMove, UnableToSignAgreement, UnableToOpenAccount …).
    """
    with _transaction(order, now=now, keeps=True) as (connection, draft):
        draft.created_by_id = actor.pk if actor else None
        found = _settled(connection, draft, order, actor=actor, now=now, keeps=True)
        if expected_minor is not None and found.amount_minor != expected_minor:
            raise UnableToSettle(
                code="settlement-changed",
                message="Other facts became known meanwhile: the final bill comes to another amount.",
                place=f"account {order.account.number}",
                remedy="Look at the new amount and post it if it is right.",
            )
        return found


@contextmanager
def _transaction(order: MoveOrder, *, now: datetime, keeps: bool) -> Iterator[tuple[Connection, BillRun]]:
    account, kind = order.account, RunKind.SETTLEMENT

    def check(month: date) -> None:
        check_last_day(order, open_month=month, now=now)

    with hold_cycle(account=account, kind=kind, now=now, keeps=keeps, check_month=check) as connection:
        yield connection, draft_single(account=account, kind=kind, now=now, check_month=check)


def _settled(
    connection: Connection,
    draft: BillRun,
    order: MoveOrder,
    *,
    actor: models.Model | None,
    now: datetime,
    keeps: bool,
) -> Settlement:
    supplies = chosen_supplies(order)
    meters = registers_on([row.service_point_id for row in supplies], order.last_date)
    about = reading_day(order)
    take_readings(about=about, readings=order.readings, meters=meters, actor=actor, now=now)
    following = record_moves(order, supplies, actor=actor, now=now)
    plan = get_plan(run=draft)
    points = read_left_supplies(connection=connection, plan=plan)["service_point_id"].unique().sort()
    used = begin_month(
        connection=connection, month=plan.month, service_point_ids=points, as_of=plan.facts_as_of
    )
    check_forecast(about=about, used=used, meters=meters, month=plan.month)
    part, charges = charges_of_account(connection, plan, order.account.id, now=now)
    check_blocked(about=about, charges=charges, remedy="Mend what the message names, then settle.")
    pairs = corrected_pairs(charges, month=plan.month)
    found = Settlement(
        month=plan.month,
        last_date=order.last_date,
        following=following,
        lines=charges.lines,
        quantity_micro=int(charges.bills["quantity_micro"].sum()),
        estimated_days=max(charges.bills["estimated_days"], default=0),
        balance_before_minor=current_account(account_id=order.account.id).closing_minor,
        waits_for_shares=waits_for_shares(connection=connection, plan=plan, lines=charges.lines),
        unpriced=_unpriced(order, following, now=now),
        causes=find_causes(reader_of(connection), account_id=order.account.id, pairs=pairs, as_of=now),
    )
    if not keeps or (charges.lines.is_empty() and charges.carried.is_empty()):
        return found
    posted = post_in_one(connection, draft, plan, part, charges, now=now)
    bill_id = None if charges.lines.is_empty() else posted.first_bill_id
    return replace(found, run_id=posted.run_id, bill_id=bill_id)


def _unpriced(order: MoveOrder, following: Following, *, now: datetime) -> tuple[Unpriced, ...]:
    """What the next payer's bill could not price. Django's connection is the transaction's: it knows who that is."""
    account_id = find_account_id(number=following.number) if following.number else None
    if account_id is None:
        return ()
    first_day = order.last_date + timedelta(days=1)
    found = list_unpriced(account_id=account_id, first_day=first_day, as_of=now)
    taken = {code for code, _tariff, _category in following.terms}
    return tuple(each for each in found if each.point_code in taken)
