"""Every account touched since the last run."""

from datetime import datetime

from django.db import connection as django_connection
from django.db import transaction

from mains.base.db import adbc_connect, read_frame
from mains.billing.actions.recalculations.drafts import CYCLE_LOCK, draft_run, last_account_id, reserve_ids_of
from mains.billing.actions.recalculations.stages import Recalculation, compute_slices, told
from mains.billing.actions.run_order import UnableToPlanRun, refuse_unfinished
from mains.billing.actions.runs import OnSlice, RunSummary, post_run, prepare_partitions
from mains.billing.models import BillRun
from mains.billing.queries.plans import get_plan, get_run
from mains.billing.queries.touched import find_touched_accounts, list_points_of_use, name_slices
from mains.billing.values import ACCOUNTS_PER_SLICE, RunKind, RunStatus, count_slices


def list_cycles() -> list[str]:
    """Cycles that have a billed month to recalculate."""
    posted = BillRun.objects.filter(kind=RunKind.MONTHLY, status=RunStatus.POSTED)
    return sorted(set(posted.values_list("cycle", flat=True)))


class TooManyTouched(UnableToPlanRun):
    """Facts are about more accounts than may be corrected unasked."""

    def __init__(self, *, touched: int, accounts_max: int, cycle: str) -> None:
        super().__init__(
            code="too-many-touched",
            message=f"{touched} accounts are touched, and at most {accounts_max} are corrected unasked.",
            place=f"cycle {cycle}",
            remedy="Look at what changed, and post the recalculation if it is right.",
        )
        self.touched = touched


def plan_recalculation(
    *,
    cycle: str = "monthly",
    now: datetime,
    created_by_id: int | None = None,
    accounts_per_slice: int = ACCOUNTS_PER_SLICE,
    is_unasked: bool = False,
    accounts_max: int | None = None,
) -> BillRun | None:
    """Plan the recalculation of every account of the cycle touched by facts recorded up to `now`, or return the one
    that is not finished. None when nobody is touched.

    `is_unasked`: nobody asked for it, so it needs a new fact: accounts that an earlier run could not compute are not
    tried again and again. Raises UnableToPlanRun: no month is billed yet, or a monthly run is not finished;
    TooManyTouched: facts are about more than `accounts_max`; whose share of a remainder follows is not counted.
    """
    with transaction.atomic():
        with django_connection.cursor() as cursor:
            cursor.execute(CYCLE_LOCK, {"cycle": f"billing cycle {cycle}"})
        unfinished = BillRun.objects.filter(cycle=cycle, kind=RunKind.RECALCULATION)
        begun = unfinished.exclude(status=RunStatus.POSTED).first()
        if begun is not None:
            return begun
        draft = draft_run(cycle=cycle, now=now, created_by_id=created_by_id)
        with adbc_connect() as connection:
            draft.last_account_id = last_account_id(connection)
            plan = get_plan(run=draft)
            found = find_touched_accounts(connection=connection, plan=plan, is_owed_counted=not is_unasked)
            accounts = found.accounts
            if accounts.is_empty():
                return None
            if accounts_max is not None and found.told > accounts_max:
                raise TooManyTouched(touched=found.told, accounts_max=accounts_max, cycle=cycle)
            if is_unasked and plan.owing_run_ids:
                accounts = find_touched_accounts(connection=connection, plan=plan).accounts
            draft.slice_count = count_slices(len(accounts), accounts_per_slice=accounts_per_slice)
            reserve_ids_of(connection, draft, accounts)
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
    is_unasked: bool = False,
    accounts_max: int | None = None,
) -> RunSummary | None:
    """Correct every touched account of the cycle; None when nobody is touched.

    Safe to call again after any interruption and by two processes at once: every slice is posted exactly once. Raises
    as `plan_recalculation` does, and takes `is_unasked` and `accounts_max` as it does.
    """
    run = plan_recalculation(
        cycle=cycle,
        now=now,
        created_by_id=created_by_id,
        is_unasked=is_unasked,
        accounts_max=accounts_max,
    )
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
        draft = draft_run(cycle=cycle, now=now, created_by_id=None)
    with adbc_connect() as connection:
        draft.last_account_id = last_account_id(connection)
        plan = get_plan(run=draft)
        prepare_partitions(connection=connection, month=plan.month)
        accounts = find_touched_accounts(connection=connection, plan=plan).accounts
        points = list_points_of_use(connection=connection, plan=plan, accounts=accounts)
        slices = name_slices(accounts, points, count=count_slices(len(accounts)))
        charges = compute_slices(connection, plan, slices, now=now, service_point_ids=None, on_slice=on_slice)
    return told(plan, charges)


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
