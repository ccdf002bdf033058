"""The on-site bill itself: readings and bill in one transaction, once per key, or the same and nothing kept."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import date, datetime

import polars as pl
from adbc_driver_manager.dbapi import Connection
from django.db import models
from django.db.models import Max

from mains.billing.actions.on_site.orders import (
    OnSiteOrder,
    UnableToBillOnSite,
    check_order,
    check_visit_day,
    visit_day,
)
from mains.billing.actions.open_month import (
    after_last_run,
    check_blocked,
    check_forecast,
    corrected_pairs,
    draft_single,
    hold_cycle,
    take_readings,
)
from mains.billing.actions.recalculations.one_account import charges_of_account, reader_of
from mains.billing.actions.recalculations.posting import post_in_one
from mains.billing.actions.runs import DUE_DAYS
from mains.billing.actions.settlements.orders import list_supplies, registers_on
from mains.billing.models import BillRun, OnSiteBill
from mains.billing.queries.explain.cause_kinds import Cause
from mains.billing.queries.explain.causes import find_causes
from mains.billing.queries.plans import get_plan
from mains.billing.queries.settled import read_left_supplies
from mains.billing.values import RunKind
from mains.ledger.queries.current_account import current_account
from mains.metering.actions.usage import begin_month

_NO_LINES = pl.DataFrame(
    schema={"service_month": pl.Date, "component": pl.String, "kind": pl.String, "amount_minor": pl.Int64}
)


@dataclass(frozen=True, kw_only=True)
class OnSiteResult:
    """What an on-site bill posted, or would post, in the open `month`. Money in minor units, owed by the account.

    `billed_through` is the last day that it covers. `lines` as those of a Recalculation, empty when the bill `was_made`
    before: the same call again. `run_id` and `bill_id` are None where nothing was posted. `printed_minor` is what the
    bill made without a connection said.
    """

    month: date
    billed_through: date
    amount_minor: int
    balance_before_minor: int
    lines: pl.DataFrame
    quantity_micro: int = 0
    estimated_days: int = 0
    causes: Mapping[tuple[date, int], tuple[Cause, ...]] = field(default_factory=dict)
    run_id: int | None = None
    bill_id: int | None = None
    was_made: bool = False
    printed_minor: int | None = None

    @property
    def balance_after_minor(self) -> int:
        """What is owed with the bill; negative is a credit."""
        return self.balance_before_minor + self.amount_minor

    @property
    def differs_minor(self) -> int:
        """By how much the posted bill is more than the one that was printed without a connection."""
        return 0 if self.printed_minor is None else self.amount_minor - self.printed_minor


def preview_on_site(*, order: OnSiteOrder, now: datetime) -> OnSiteResult:
    """What `bill_on_site` would post, by the very steps of it; nothing is kept. Raises as it does."""
    check_order(order)
    with _held(order, now=now, keeps=False) as connection:
        return _made_before(order) or _billed(connection, order, actor=None, now=now, keeps=False)


def bill_on_site(
    *, order: OnSiteOrder, now: datetime, actor: models.Model | None, expected_minor: int | None = None
) -> OnSiteResult:
    """Record the readings of a visit and bill the account's open month up to its day: all of it is kept, or nothing.

    The same key again returns the same bill and changes nothing. A visit of a month that is billed by now corrects that
    month instead. `expected_minor` is the amount that a person saw in the preview. Raises UnableToBillOnSite: a key
    that came with another wish, a doubtful or missing reading, a day to come; UnableToPlanRun: no month of the
    account's cycle is billed, or a run of it is not finished.
    """
    check_order(order)
    made = _made_before(order)
    if made is not None:
        return made
    with _held(order, now=now, keeps=True) as connection:
        made = _made_before(order)  # by somebody else, while we waited for the lock
        if made is not None:
            return made
        found = _billed(connection, order, actor=actor, now=now, keeps=True)
        if expected_minor is not None and found.amount_minor != expected_minor:
            raise UnableToBillOnSite(
                code="settlement-changed",
                message="Other facts became known meanwhile: the bill comes to another amount.",
                place=f"account {order.account.number}",
                remedy="Look at the new amount and post it if it is right.",
            )
        _keep(order, found, actor=actor, now=now)
        return found


def find_on_site(*, idempotency_key: str) -> OnSiteResult | None:
    """What the key has made, if anything."""
    row = OnSiteBill.objects.filter(idempotency_key=idempotency_key).first()
    return _result_of(row) if row else None


def _made_before(order: OnSiteOrder) -> OnSiteResult | None:
    row = OnSiteBill.objects.filter(idempotency_key=order.idempotency_key).first()
    if row is None:
        return None
    if row.asked_hash != order.asked_hash:
        raise UnableToBillOnSite(
            code="visit-key-used",
            message="This key made another bill before.",
            place=f"account {order.account.number}",
            remedy="Draw a new key for every visit; a bill that was wrong is corrected by the reading.",
            params={"field": "idempotency_key"},
        )
    return _result_of(row)


def _result_of(row: OnSiteBill) -> OnSiteResult:
    return OnSiteResult(
        month=row.month,
        billed_through=row.billed_through,
        amount_minor=row.amount_minor,
        balance_before_minor=row.balance_before_minor,
        lines=_NO_LINES,
        run_id=row.run_id,
        bill_id=row.bill_id,
        was_made=True,
        printed_minor=row.printed_minor,
    )


def _held(order: OnSiteOrder, *, now: datetime, keeps: bool) -> AbstractContextManager[Connection]:
    return hold_cycle(
        account=order.account,
        kind=RunKind.ON_SITE,
        now=after_last_run(cycle=order.account.cycle, now=now),
        keeps=keeps,
        check_month=_month_check(order, now),
    )


def _month_check(order: OnSiteOrder, now: datetime) -> Callable[[date], None]:
    return lambda month: check_visit_day(order, open_month=month, now=now)


def _billed(
    connection: Connection,
    order: OnSiteOrder,
    *,
    actor: models.Model | None,
    now: datetime,
    keeps: bool,
) -> OnSiteResult:
    now = after_last_run(cycle=order.account.cycle, now=now)
    draft = draft_single(
        account=order.account, kind=RunKind.ON_SITE, now=now, check_month=_month_check(order, now)
    )
    draft.created_by_id = actor.pk if actor else None
    about = visit_day(order)
    supplies = list_supplies(account=order.account, on=order.day)
    meters = registers_on([row.service_point_id for row in supplies], order.day)
    take_readings(about=about, readings=order.readings, meters=meters, actor=actor, now=now)
    draft.billed_through = max(order.day, _billed_before(order.account.id, draft.month) or order.day)
    draft.issued_on = order.day
    draft.due_on = date.fromordinal(order.day.toordinal() + DUE_DAYS)
    plan = get_plan(run=draft)
    if plan.goes_on:
        points = read_left_supplies(connection=connection, plan=plan)["service_point_id"].unique().sort()
        used = begin_month(
            connection=connection, month=plan.month, service_point_ids=points, as_of=plan.facts_as_of
        )
        check_forecast(
            about=about,
            used=used,
            meters=[meter for meter in meters if meter.service_point_id in set(points)],
            month=plan.month,
        )
    part, charges = charges_of_account(connection, plan, order.account.id, now=now)
    check_blocked(
        about=about, charges=charges, remedy="Mend what the message names; the month's run bills it."
    )
    pairs = corrected_pairs(charges, month=plan.month)
    found = OnSiteResult(
        month=plan.month,
        billed_through=draft.billed_through,
        amount_minor=int(charges.lines.filter(pl.col("kind") != "tax_included")["amount_minor"].sum()),
        balance_before_minor=current_account(account_id=order.account.id).closing_minor,
        lines=charges.lines,
        quantity_micro=int(charges.bills["quantity_micro"].sum()),
        estimated_days=max(charges.bills["estimated_days"], default=0),
        causes=find_causes(reader_of(connection), account_id=order.account.id, pairs=pairs, as_of=now),
        printed_minor=order.printed_minor,
    )
    if not keeps or (charges.lines.is_empty() and charges.carried.is_empty()):
        return found
    posted = post_in_one(connection, draft, plan, part, charges, now=now)
    bill_id = None if charges.lines.is_empty() else posted.first_bill_id
    return replace(found, run_id=posted.run_id, bill_id=bill_id)


def _billed_before(account_id: int, month: date) -> date | None:
    """The last day of the open month that an on-site bill covers already: one that arrives late takes nothing back."""
    earlier = BillRun.objects.filter(kind=RunKind.ON_SITE, account_id=account_id, month=month)
    found: date | None = earlier.aggregate(last=Max("billed_through"))["last"]
    return found


def _keep(order: OnSiteOrder, found: OnSiteResult, *, actor: models.Model | None, now: datetime) -> None:
    place = order.position
    OnSiteBill.objects.create(
        idempotency_key=order.idempotency_key,
        asked_hash=order.asked_hash,
        account_id=order.account.id,
        run_id=found.run_id,
        month=found.month,
        bill_id=found.bill_id,
        billed_through=found.billed_through,
        amount_minor=found.amount_minor,
        balance_before_minor=found.balance_before_minor,
        printed_minor=order.printed_minor,
        latitude_micro=place.latitude_micro if place else None,
        longitude_micro=place.longitude_micro if place else None,
        accuracy_m=place.accuracy_m if place else None,
        captured_at=order.captured_at,
        officer=order.officer,
        recorded_at=now,
        recorded_by_id=actor.pk if actor else None,
    )
