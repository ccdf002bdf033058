"""What an opening balance would change, seen before anybody records it; nothing is kept."""

from dataclasses import dataclass
from datetime import date, datetime

import polars as pl
from django.db import transaction

from mains.base.db import adbc_connect, read_frame
from mains.base.shared_connection import shared_connection
from mains.billing.actions.openings import record_opening_balance
from mains.billing.actions.recalculations.drafts import CYCLE_LOCK, draft_run
from mains.billing.actions.recalculations.one_account import charges_of_account
from mains.billing.actions.recalculations.stages import Recalculation, told
from mains.billing.actions.runs import prepare_partitions
from mains.billing.models import BillRun
from mains.billing.queries.explain.evidence import load_items
from mains.billing.queries.explain.items import rate_items
from mains.billing.queries.plans import get_plan
from mains.billing.values import POSTED_LINE_KINDS, RunKind, RunStatus
from mains.customers.queries.records import AccountRecord
from mains.kernel.errors import MainsError
from mains.metering.actions.usage import begin_month


@dataclass(frozen=True, kw_only=True)
class OpeningOrder:
    """What somebody states: as `record_opening_balance` takes it."""

    account: AccountRecord
    service_point_id: int
    balance: str
    month: date
    value_micro: int
    proof: str


@dataclass(frozen=True, kw_only=True)
class LineChange:
    """A line of the bill to come, in minor units: without the opening balance, and with it."""

    component: str
    kind: str
    tariff_edition_id: int
    before_minor: int
    after_minor: int


@dataclass(frozen=True, kw_only=True)
class BillToCome:
    """The bill of a month that is not billed yet, for one service point, by the use that is known and forecast so far.

    `is_unknown_before`: without the opening balance it cannot be computed, for nobody knows what it opens with.
    """

    month: date
    lines: tuple[LineChange, ...]
    is_unknown_before: bool

    @property
    def before_minor(self) -> int:
        """What it comes to without the opening balance."""
        return sum(line.before_minor for line in self.lines)

    @property
    def after_minor(self) -> int:
        """What it comes to with it."""
        return sum(line.after_minor for line in self.lines)


@dataclass(frozen=True, kw_only=True)
class OpeningPreview:
    """Of a billed month the `corrections` of it and of all that follow; else the `bill` to come. Neither of a month
    after the next one to be billed: nothing of it is known yet."""

    corrections: Recalculation | None = None
    bill: BillToCome | None = None


def preview_opening_balance(*, order: OpeningOrder, now: datetime) -> OpeningPreview:
    """What recording the balance would change, by the very steps of it; nothing is kept.

    Raises UnableToRecordOpening, and what a recalculation and the pricing of the bill raise.
    """
    with transaction.atomic():
        _record(order, now)  # what is refused is refused before anything is prepared
        transaction.set_rollback(True)
    with adbc_connect() as other:  # partitions are there for all, whatever becomes of this transaction
        prepare_partitions(connection=other, month=order.month)
    with transaction.atomic():
        found = _preview(order, now)
        transaction.set_rollback(True)
    return found


def _preview(order: OpeningOrder, now: datetime) -> OpeningPreview:
    account = order.account
    connection = shared_connection()
    read_frame(CYCLE_LOCK, {"cycle": f"billing cycle {account.cycle}"}, connection=connection)
    last = (
        BillRun.objects.filter(cycle=account.cycle, kind=RunKind.MONTHLY, status=RunStatus.POSTED)
        .order_by("-month")
        .first()
    )
    if last is not None and order.month <= last.month:
        _record(order, now)
        draft = draft_run(cycle=account.cycle, now=now, created_by_id=None)
        draft.account_id = draft.last_account_id = account.id
        plan = get_plan(run=draft)
        _part, charges = charges_of_account(connection, plan, account.id, now=now)
        return OpeningPreview(corrections=told(plan, [charges]))
    open_month = (
        order.month if last is None else draft_run(cycle=account.cycle, now=now, created_by_id=None).month
    )
    if order.month != open_month:
        _record(order, now)
        return OpeningPreview()
    points = pl.Series("service_point_id", [order.service_point_id], dtype=pl.Int64)
    begin_month(connection=connection, month=order.month, service_point_ids=points, as_of=now)
    try:
        before = _amounts(order, now)
    except MainsError:
        before = None
    _record(order, now)
    after = _amounts(order, now)
    return OpeningPreview(bill=_compared(order.month, before, after))


def _record(order: OpeningOrder, now: datetime) -> None:
    record_opening_balance(
        account_id=order.account.id,
        service_point_id=order.service_point_id,
        balance=order.balance,
        month=order.month,
        value_micro=order.value_micro,
        actor=None,
        now=now,
        proof=order.proof,
    )


_Key = tuple[str, str, int]


def _amounts(order: OpeningOrder, now: datetime) -> dict[_Key, int]:
    """The lines of the service point's bill by the exact interpreter, in the bill's order."""
    items = load_items(account_ids=[order.account.id], month=order.month, as_of=now)
    own = [item for item in items if item.service_point_id == order.service_point_id]
    found: dict[_Key, int] = {}
    for rated in rate_items(own).values():
        assert rated.item.edition is not None, "What is rated has a tariff."
        for line in rated.lines():
            if line.kind in POSTED_LINE_KINDS:
                key = (line.component, line.kind, rated.item.edition.id)
                found[key] = found.get(key, 0) + (line.amount_minor or 0)
    return found


def _compared(month: date, before: dict[_Key, int] | None, after: dict[_Key, int]) -> BillToCome:
    known = before or {}
    return BillToCome(
        month=month,
        lines=tuple(
            LineChange(
                component=key[0],
                kind=key[1],
                tariff_edition_id=key[2],
                before_minor=known.get(key, 0),
                after_minor=after.get(key, 0),
            )
            for key in dict.fromkeys([*after, *known])
        ),
        is_unknown_before=before is None,
    )
