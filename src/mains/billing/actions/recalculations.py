"""Recalculate billed months between two monthly runs: what the facts now say less what was posted, in the open month.

A recalculation of all touched accounts is planned, cut into slices and posted as a monthly run is. That of one account
is a single transaction: all of it is kept, or nothing.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import polars as pl
from adbc_driver_manager.dbapi import Connection
from django.db import connection as django_connection
from django.db import transaction

from mains.base.db import adbc_connect, copy_frame, execute, read_frame
from mains.billing.actions.runs import (
    DUE_DAYS,
    OnSlice,
    RunSummary,
    UnableToPlanRun,
    post_run,
    prepare_partitions,
    refuse_earlier_facts,
    refuse_unfinished,
)
from mains.billing.actions.slices import BillsTask, UsageTask, refresh_slice, write_bills
from mains.billing.models import BillRun
from mains.billing.queries.averages import class_averages
from mains.billing.queries.charges import SliceCharges, compute_charges
from mains.billing.queries.explain.causes import Cause, Reader, find_causes
from mains.billing.queries.plans import (
    get_plan,
    get_run,
    list_changed_installations,
    list_changed_points,
)
from mains.billing.queries.touched import list_touched_accounts, list_touched_points, name_slices
from mains.billing.values import (
    ACCOUNTS_PER_SLICE,
    RunKind,
    RunPlan,
    RunSlice,
    RunStatus,
    Stage,
    count_slices,
)
from mains.customers.queries.frames import read_points_of_accounts
from mains.kernel.errors import MainsError
from mains.kernel.period import next_month

_CYCLE_LOCK = "SELECT pg_advisory_xact_lock(hashtext(%(cycle)s))::text"


class UnableToRecalculate(MainsError):
    """What would be posted is not what was seen before."""


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


def list_cycles() -> list[str]:
    """Cycles that have a billed month to recalculate."""
    posted = BillRun.objects.filter(kind=RunKind.MONTHLY, status=RunStatus.POSTED)
    return sorted(set(posted.values_list("cycle", flat=True)))


def plan_recalculation(
    *,
    cycle: str = "monthly",
    now: datetime,
    created_by_id: int | None = None,
    accounts_per_slice: int = ACCOUNTS_PER_SLICE,
) -> BillRun | None:
    """Plan the recalculation of every account of the cycle touched by facts recorded up to `now`, or return the one
    that is not finished. None when nobody is touched.

    Raises UnableToPlanRun: no month is billed yet, or a monthly run is not finished.
    """
    with transaction.atomic():
        with django_connection.cursor() as cursor:
            cursor.execute(_CYCLE_LOCK, {"cycle": f"billing cycle {cycle}"})
        unfinished = BillRun.objects.filter(cycle=cycle, kind=RunKind.RECALCULATION)
        found = unfinished.exclude(status=RunStatus.POSTED).first()
        if found is not None:
            return found
        draft = _draft(cycle=cycle, now=now, created_by_id=created_by_id)
        with adbc_connect() as connection:
            draft.last_account_id = _last_account_id(connection)
            accounts = list_touched_accounts(connection=connection, plan=get_plan(run=draft))
            if accounts.is_empty():
                return None
            draft.slice_count = count_slices(len(accounts), accounts_per_slice=accounts_per_slice)
            _reserve(connection, draft, accounts)
            connection.commit()
        draft.save(force_insert=True)
        # In the transaction of the run itself: a run without its accounts, or the reverse, is never seen.
        with (
            django_connection.cursor() as cursor,
            cursor.copy("COPY billing_billrunaccount (run_id, position, account_id) FROM STDIN") as copy,
        ):
            for position, account_id in enumerate(accounts):
                copy.write_row((draft.pk, position, account_id))
    return draft


def recalculate(
    *,
    cycle: str = "monthly",
    now: datetime,
    on_slice: OnSlice | None = None,
    processes: int | None = None,
    created_by_id: int | None = None,
) -> RunSummary | None:
    """Correct every touched account of the cycle; None when nobody is touched.

    Safe to call again after any interruption and by two processes at once: every slice is posted exactly once. Raises
    as `plan_recalculation` does.
    """
    run = plan_recalculation(cycle=cycle, now=now, created_by_id=created_by_id)
    if run is None:
        return None
    return post_run(run_id=run.pk, now=now, on_slice=on_slice, processes=processes)


def preview_recalculation(
    *, cycle: str = "monthly", now: datetime, on_slice: OnSlice | None = None
) -> Recalculation:
    """Compute the recalculation of all touched accounts of the cycle in full and post nothing.

    Raises as `plan_recalculation` does.
    """
    with transaction.atomic():
        refuse_unfinished(cycle=cycle)
        draft = _draft(cycle=cycle, now=now, created_by_id=None)
    with adbc_connect() as connection:
        draft.last_account_id = _last_account_id(connection)
        plan = get_plan(run=draft)
        prepare_partitions(connection=connection, month=plan.month)
        accounts = list_touched_accounts(connection=connection, plan=plan)
        points = list_touched_points(connection=connection, plan=plan)
        slices = name_slices(accounts, points, count=count_slices(len(accounts)))
        charges = _compute(connection, plan, slices, now=now, service_point_ids=None, on_slice=on_slice)
    return _told(plan, charges)


def preview_account(*, account_id: int, now: datetime) -> Recalculation:
    """What `recalculate_account` would post now; nothing is written. Raises as it does."""
    with _one_account(account_id, now) as (connection, draft):
        plan = get_plan(run=draft)
        _, charges = _of_account(connection, plan, account_id, now=now)
        pairs = charges.lines.select("service_month", "service_point_id").unique().sort(pl.all()).rows()
        # In the same transaction, which alone knows the daily use that would be written.
        causes = find_causes(_reader(connection), account_id=account_id, pairs=pairs, as_of=now)
        connection.rollback()
    return replace(_told(plan, [charges]), causes=causes)


def recalculate_account(
    *, account_id: int, now: datetime, created_by_id: int | None = None, expected_minor: int | None = None
) -> Recalculation:
    """Correct one account's billed months by the facts recorded up to `now`; nothing is written when there is nothing
    to correct. Reads only what belongs to the account.

    `expected_minor` is what a person saw in the preview. Raises UnableToPlanRun: the account's cycle has no billed
    month, or a run of it is not finished; UnableToRecalculate: by now it comes to another amount.
    """
    with _one_account(account_id, now) as (connection, draft):
        draft.created_by_id = created_by_id
        plan = get_plan(run=draft)
        part, charges = _of_account(connection, plan, account_id, now=now)
        if charges.lines.is_empty():
            connection.rollback()
            return _told(plan, [charges])
        _check_expected(_told(plan, [charges]), expected_minor)
        with adbc_connect() as other:  # partitions are there for all, whatever becomes of this transaction
            prepare_partitions(connection=other, month=plan.month)
        _reserve(connection, draft, part.account_ids if part.account_ids is not None else pl.Series([]))
        _insert_run(connection, draft, account_id)
        plan = replace(
            plan,
            run_id=draft.pk,
            first_bill_id=draft.first_bill_id,
            first_entry_id=draft.first_entry_id,
            entries_per_account=draft.entries_per_account,
            first_transaction_id=draft.first_transaction_id,
        )
        task = BillsTask(plan=plan, part=part, changed_points=pl.DataFrame(), now=now)
        write_bills(writer=connection, task=task, charges=charges)
        _mark_usage(connection, plan, now)
        connection.commit()
    return replace(_told(plan, [charges]), run_id=plan.run_id, bill_id=plan.first_bill_id)


def posted_by(*, run_id: int) -> Recalculation:
    """What a recalculation posted. Raises UnableToFindRun."""
    run = get_run(run_id=run_id)
    plan = get_plan(run=run)
    with adbc_connect() as connection:
        lines = read_frame(
            """
            SELECT b.account_id, l.agreement_id, l.service_point_id, l.service_month, l.component, l.kind,
                   l.tariff_edition_id, l.quantity_micro, l.amount_minor
            FROM billing_bill b JOIN billing_billline l ON l.month = b.month AND l.bill_id = b.id
            WHERE b.month = %(month)s AND b.run_id = %(run)s ORDER BY b.id, l.line
            """,
            {"month": run.month, "run": run.pk},
            connection=connection,
        )
        exceptions = read_frame(
            "SELECT account_id, service_point_id, code, message, blocking FROM billing_billexception"
            " WHERE run_id = %(run)s ORDER BY id",
            {"run": run.pk},
            connection=connection,
        )
    return Recalculation(
        month=run.month,
        known_since=plan.known_since,
        facts_as_of=run.facts_as_of,
        lines=lines,
        exceptions=exceptions,
        run_id=run.pk,
    )


def _check_expected(found: Recalculation, expected_minor: int | None) -> None:
    if expected_minor is not None and found.amount_minor != expected_minor:
        raise UnableToRecalculate(
            code="recalculation-changed",
            message="Other facts became known meanwhile: the recalculation comes to another amount.",
            remedy="Look at the new amount and post it if it is right.",
        )


def _reader(connection: Connection) -> Reader:
    def read(statement: str, params: Mapping[str, object]) -> list[dict[str, object]]:
        return read_frame(statement, params, connection=connection).to_dicts()

    return read


@contextmanager
def _one_account(account_id: int, now: datetime) -> Iterator[tuple[Connection, BillRun]]:
    """A connection that holds the cycle's lock until its transaction ends, and the run to be."""
    with adbc_connect() as connection:
        found = read_frame(
            "SELECT cycle FROM customers_account WHERE id = %(id)s", {"id": account_id}, connection=connection
        )
        cycle = str(found["cycle"][0])
        read_frame(_CYCLE_LOCK, {"cycle": f"billing cycle {cycle}"}, connection=connection)
        refuse_unfinished(cycle=cycle)
        draft = _draft(cycle=cycle, now=now, created_by_id=None)
        draft.account_id = account_id
        draft.last_account_id = account_id
        yield connection, draft


def _draft(*, cycle: str, now: datetime, created_by_id: int | None) -> BillRun:
    """The run, not stored yet and without ids. Raises UnableToPlanRun."""
    refuse_unfinished(cycle=cycle)
    monthly = BillRun.objects.filter(cycle=cycle, kind=RunKind.MONTHLY, status=RunStatus.POSTED)
    last = monthly.order_by("-month").first()
    if last is None:
        raise UnableToPlanRun(
            code="nothing-billed",
            message="No month is billed yet: there is nothing to recalculate.",
            place=f"cycle {cycle}",
            remedy="Bill the first month: mains bill run --month YYYY-MM.",
        )
    refuse_earlier_facts(cycle=cycle, now=now)
    return BillRun(
        kind=RunKind.RECALCULATION,
        month=next_month(last.month),
        cycle=cycle,
        status=RunStatus.PLANNED,
        facts_as_of=now,
        issued_on=now.date(),
        due_on=now.date() + timedelta(days=DUE_DAYS),
        created_at=now,
        created_by_id=created_by_id,
        first_bill_id=0,
        first_entry_id=0,
        first_transaction_id=0,
        entries_per_account=1,
        slice_count=1,
        accounts=1,
        last_account_id=0,
    )


def _of_account(
    connection: Connection, plan: RunPlan, account_id: int, *, now: datetime
) -> tuple[RunSlice, SliceCharges]:
    accounts = pl.Series("account_id", [account_id], dtype=pl.Int64)
    points = read_points_of_accounts(connection=connection, account_ids=accounts, as_of=plan.facts_as_of)
    (part,) = name_slices(accounts, points, count=1)
    (charges,) = _compute(connection, plan, (part,), now=now, service_point_ids=points, on_slice=None)
    return part, charges


def _compute(
    connection: Connection,
    plan: RunPlan,
    slices: tuple[RunSlice, ...],
    *,
    now: datetime,
    service_point_ids: pl.Series | None,
    on_slice: OnSlice | None,
) -> list[SliceCharges]:
    """Both stages in the connection's transaction; daily use is written there, bills are not."""
    averages = class_averages(connection=connection, plan=plan)
    installed = list_changed_installations(
        connection=connection, plan=plan, service_point_ids=service_point_ids
    )
    points_of_none = pl.Series("service_point_id", [], dtype=pl.Int64)  # named points are read whole anyway
    for number, part in enumerate(slices, start=1):
        task = UsageTask(
            plan=plan,
            part=part,
            class_averages=averages,
            installed=installed,
            backdated=points_of_none,
            now=now,
        )
        refresh_slice(connection=connection, writer=connection, task=task)
        if on_slice is not None:
            on_slice(Stage.USAGE, number, len(slices))
    changed = list_changed_points(connection=connection, plan=plan, service_point_ids=service_point_ids)
    charges = []
    for number, part in enumerate(slices, start=1):
        charges.append(compute_charges(connection=connection, plan=plan, part=part, changed_points=changed))
        if on_slice is not None:
            on_slice(Stage.BILLS, number, len(slices))
    return charges


def _told(plan: RunPlan, charges: list[SliceCharges]) -> Recalculation:
    return Recalculation(
        month=plan.month,
        known_since=plan.known_since,
        facts_as_of=plan.facts_as_of,
        lines=pl.concat([each.lines for each in charges]),
        exceptions=pl.concat([each.exceptions for each in charges]),
    )


def _last_account_id(connection: Connection) -> int:
    found = read_frame("SELECT coalesce(max(id), 0) AS last FROM customers_account", connection=connection)
    return int(found["last"][0])


def _reserve(connection: Connection, draft: BillRun, accounts: pl.Series) -> None:
    """Give the run its blocks of ids, for exactly these accounts."""
    found = read_frame(
        """
        SELECT coalesce(max(n), 1) AS entries FROM (
            SELECT count(*) AS n
            FROM (SELECT DISTINCT a.account_id, t.service, a.provider_id
                  FROM customers_agreement a JOIN tariffs_tariff t ON t.id = a.tariff_id
                  WHERE a.account_id = ANY(%(accounts)s::bigint[])) AS items
            GROUP BY account_id
        ) AS per_account
        """,
        {"accounts": accounts},
        connection=connection,
    )
    draft.accounts = len(accounts)
    draft.entries_per_account = int(found["entries"][0])
    ids = read_frame(
        """
        SELECT mains_reserve_ids('billing_bill_id_seq'::regclass, %(bills)s) AS bill,
               mains_reserve_ids('ledger_entry_id_seq'::regclass, %(entries)s) AS entry,
               mains_reserve_ids('ledger_transaction_id_seq'::regclass, %(slices)s) AS transaction
        """,
        {
            "bills": draft.accounts,
            "entries": draft.accounts * draft.entries_per_account,
            "slices": draft.slice_count,
        },
        connection=connection,
    )
    draft.first_bill_id, draft.first_entry_id, draft.first_transaction_id = ids.row(0)


def _insert_run(connection: Connection, draft: BillRun, account_id: int) -> None:
    """Store the run, posted, and its account in the connection's transaction."""
    draft.status, draft.posted_at = RunStatus.POSTED, draft.facts_as_of
    columns = [field.attname for field in BillRun._meta.concrete_fields if not field.primary_key]
    row = {name: getattr(draft, name) for name in columns}
    placed = ", ".join(f"%({name})s" for name in columns)
    found = read_frame(
        f"INSERT INTO billing_billrun ({', '.join(columns)}) VALUES ({placed}) RETURNING id",
        {
            name: str(value) if isinstance(value, RunKind | RunStatus) else value
            for name, value in row.items()
        },
        connection=connection,
    )
    draft.pk = int(found["id"][0])
    execute(
        "INSERT INTO billing_billrunaccount (run_id, position, account_id) VALUES (%(run)s, 0, %(account)s)",
        {"run": draft.pk, "account": account_id},
        connection=connection,
    )


def _mark_usage(connection: Connection, plan: RunPlan, now: datetime) -> None:
    mark = pl.DataFrame(
        {
            "run_id": [plan.run_id],
            "stage": [Stage.USAGE.value],
            "bucket": [0],
            "rows_written": [0],
            "amount_minor": [0],
            "done_at": [now],
        }
    )
    copy_frame(mark, "billing_billrunbucket", connection=connection)
