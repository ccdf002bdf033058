"""Try a draft tariff over the utility: planned and kept as a record, computed by slices, nothing posted."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from math import ceil
from typing import Any

from django.db import transaction

from mains.base.cluster import bulk_pool
from mains.base.db import adbc_connect
from mains.base.jobs import enqueue
from mains.base.processes import WorkerPool, core_count
from mains.billing.models import WhatIf
from mains.billing.queries.whatif.drafts import Draft, UnableToTryTariff, check_draft
from mains.billing.queries.whatif.plans import (
    average_of_classes,
    count_accounts,
    draws_on,
    months_without_use,
)
from mains.billing.queries.whatif.slices import WhatIfPlan, WhatIfTask, price_slice
from mains.billing.queries.whatif.totals import WhatIfTotals
from mains.billing.values import ACCOUNTS_PER_SLICE, WhatIfStatus, count_slices, slice_buckets
from mains.kernel.errors import MainsError
from mains.kernel.period import Period, next_month
from mains.staff.values import Scope
from mains.tariffs.queries.drafts import DraftRecord
from mains.tariffs.queries.editions import list_editions

MONTHS_MAX = 60
_IN_PROCESS_ACCOUNTS = 20_000
_MONTHS_IN_WIDE_SLICE = 3

OnPart = Callable[[int, int], None]
"""Called after each slice with the slices done and the slices in all."""


class UnableToComputeWhatIf(MainsError):
    """The what-if was cancelled, or does not wait for computation."""


def plan_whatif(
    *,
    documents: Sequence[tuple[str, str]] = (),
    drafts: Sequence[DraftRecord] = (),
    month_from: date,
    month_to: date,
    scope: Scope,
    now: datetime,
    replaces: str = "",
    created_by_id: int | None = None,
) -> WhatIf:
    """Check drafts and months and record a what-if that waits for `compute_whatif`.

    `documents` are (name, text), `drafts` those of the tariff editor as last saved; each replaces the tariff of its own
    code, a single one that of `replaces`. The months run from `month_from` to `month_to`, both included and first days;
    the accounts are those of `scope`. Facts recorded up to `now` count. Raises UnableToReadDocument, UnableToReadTariff
    or UnableToTryTariff.
    """
    months = _months(month_from, month_to)
    stored = [
        (
            draft.title,
            draft.document,
            {"draft_id": draft.id, "title": draft.title, "revision": draft.revision},
        )
        for draft in drafts
    ]
    tried = [*((name, text, {}) for name, text in documents), *stored]
    with adbc_connect() as connection:
        editions = list_editions(connection=connection, as_of=now, known_since=now)
        checked = [
            (check_draft(document=text, name=name, editions=editions, replaces=replaces), origin)
            for name, text, origin in tried
        ]
        projected = months_without_use(months=months, as_of=now)
    if not checked:
        raise UnableToTryTariff(
            code="whatif-nothing",
            message="There is no draft to try.",
            place="drafts",
            remedy="Name a file, or a draft of the tariff editor.",
        )
    codes = [draft.replaces for draft, _origin in checked]
    if len(set(codes)) < len(codes):
        raise UnableToTryTariff(
            code="whatif-twice",
            message=f"Two drafts would replace one tariff: {', '.join(codes)}.",
            place=", ".join(name for name, _text, _origin in tried),
            remedy="Try one draft for each tariff.",
        )
    return WhatIf.objects.create(
        status=WhatIfStatus.WAITING,
        month_from=month_from,
        month_to=month_to,
        projected_months=projected,
        drafts=[
            {"replaces": draft.replaces, "document": draft.document} | origin for draft, origin in checked
        ],
        organisation_ids=sorted(scope.organisation_ids) if scope.organisation_ids is not None else None,
        facts_as_of=now,
        created_at=now,
        created_by_id=created_by_id,
    )


@transaction.atomic
def start_whatif(
    *,
    documents: Sequence[tuple[str, str]] = (),
    drafts: Sequence[DraftRecord] = (),
    month_from: date,
    month_to: date,
    scope: Scope,
    now: datetime,
    replaces: str = "",
    created_by_id: int | None = None,
) -> WhatIf:
    """Plan a what-if as `plan_whatif` does, and let a worker compute it."""
    whatif = plan_whatif(
        documents=documents,
        drafts=drafts,
        month_from=month_from,
        month_to=month_to,
        scope=scope,
        now=now,
        replaces=replaces,
        created_by_id=created_by_id,
    )
    enqueue("mains.billing.jobs.whatif", key=f"what-if {whatif.pk}", whatif_id=whatif.pk)
    return whatif


def compute_whatif(
    *,
    whatif_id: int,
    now: datetime,
    on_part: OnPart | None = None,
    processes: int | None = None,
    cluster: str = "",
) -> WhatIf:
    """Compute a planned what-if and keep its result; one that is done is left as it is.

    May be called again after any interruption: it begins anew, and gives the same. With the address of a Dask
    `cluster` its workers compute, else processes of this machine. Raises UnableToComputeWhatIf when it was cancelled;
    any other error is kept with it and raised.
    """
    with transaction.atomic():
        whatif = WhatIf.objects.select_for_update().get(pk=whatif_id)
        if whatif.status == WhatIfStatus.DONE:
            return whatif
        _stop_if_cancelled(whatif)
        whatif.status, whatif.started_at, whatif.slices_done, whatif.fault = WhatIfStatus.RUNNING, now, 0, ""
        whatif.save(update_fields=["status", "started_at", "slices_done", "fault"])
    try:
        result = _compute(whatif, on_part, processes, cluster)
    except UnableToComputeWhatIf:
        raise
    except Exception as error:
        WhatIf.objects.filter(pk=whatif_id, status=WhatIfStatus.RUNNING).update(
            status=WhatIfStatus.FAILED, fault=str(error), finished_at=now
        )
        raise
    WhatIf.objects.filter(pk=whatif_id, status=WhatIfStatus.RUNNING).update(
        status=WhatIfStatus.DONE, result=result, finished_at=now
    )
    return WhatIf.objects.get(pk=whatif_id)


def cancel_whatif(*, whatif_id: int, now: datetime) -> bool:
    """Stop a what-if that waits or runs; whether there was anything to stop."""
    waiting = WhatIf.objects.filter(pk=whatif_id, status__in=(WhatIfStatus.WAITING, WhatIfStatus.RUNNING))
    return bool(waiting.update(status=WhatIfStatus.CANCELLED, finished_at=now))


def _compute(whatif: WhatIf, on_part: OnPart | None, processes: int | None, cluster: str) -> dict[str, Any]:
    with adbc_connect() as connection:
        accounts, last_account_id = count_accounts(connection=connection)
        plan = draws_on(connection=connection, plan=_plan(whatif, last_account_id), accounts=accounts)
        averages = average_of_classes(connection=connection, plan=plan, accounts=accounts)
    count = processes or (core_count() if accounts > _IN_PROCESS_ACCOUNTS else 1)
    slices = slice_buckets(
        count_slices(accounts, accounts_per_slice=_accounts_per_slice(plan, ceil(accounts / count)))
    )
    tasks = [WhatIfTask(plan=plan, buckets=buckets, class_averages=averages) for buckets in slices]
    with bulk_pool(
        processes=min(count, len(tasks)), prepare=[price_slice.__module__], threads=1, cluster=cluster
    ) as pool:
        return _add_up(pool, whatif, plan, tasks, on_part)


def _accounts_per_slice(plan: WhatIfPlan, share_of_worker: int) -> int:
    """Twice a run's, which saves an eighth of the processor time; a slice holds the days of all its projected months,
    so with many of them it stays as small as a run's."""
    if len(plan.projected_months) > _MONTHS_IN_WIDE_SLICE:
        return ACCOUNTS_PER_SLICE
    return max(1, min(2 * ACCOUNTS_PER_SLICE, share_of_worker))


def _add_up(
    pool: WorkerPool, whatif: WhatIf, plan: WhatIfPlan, tasks: Sequence[WhatIfTask], on_part: OnPart | None
) -> dict[str, Any]:
    WhatIf.objects.filter(pk=whatif.pk).update(slices=len(tasks))
    totals = WhatIfTotals(plan=plan)
    for done, (_, part) in enumerate(pool.run(price_slice, tasks), start=1):
        totals.add(part)
        if not WhatIf.objects.filter(pk=whatif.pk, status=WhatIfStatus.RUNNING).update(slices_done=done):
            whatif.refresh_from_db(fields=["status"])
            _stop_if_cancelled(whatif)
        if on_part is not None:
            on_part(done, len(tasks))
    return totals.result()


def _plan(whatif: WhatIf, last_account_id: int) -> WhatIfPlan:
    return WhatIfPlan(
        months=tuple(_months(whatif.month_from, whatif.month_to)),
        projected_months=frozenset(whatif.projected_months),
        drafts=tuple(
            Draft(replaces=draft["replaces"], document=draft["document"]) for draft in whatif.drafts
        ),
        as_of=whatif.facts_as_of,
        last_account_id=last_account_id,
        organisation_ids=frozenset(whatif.organisation_ids) if whatif.organisation_ids is not None else None,
    )


def _months(month_from: date, month_to: date) -> list[date]:
    if month_to < month_from:
        raise UnableToTryTariff(
            code="whatif-months",
            message=f"{month_to:%Y-%m} lies before {month_from:%Y-%m}.",
            place="months",
            remedy="Give the first month and then the last.",
        )
    months = [part.start for part in Period(month_from, next_month(month_to)).months()]
    if len(months) > MONTHS_MAX:
        raise UnableToTryTariff(
            code="whatif-too-long",
            message=f"{len(months)} months are too many at once.",
            place="months",
            remedy=f"Try at most {MONTHS_MAX} months, and the others after them.",
        )
    return months


def _stop_if_cancelled(whatif: WhatIf) -> None:
    if whatif.status == WhatIfStatus.CANCELLED:
        raise UnableToComputeWhatIf(
            code="whatif-cancelled",
            message="The what-if was cancelled.",
            place=f"what-if {whatif.pk}",
            remedy="Start it again if its result is wanted.",
        )
