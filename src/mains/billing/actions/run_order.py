"""Which run may be planned now, and the ids that it is given."""

from datetime import date, datetime, timedelta

from django.db import connection as django_connection

from mains.base.columns import reserve_ids
from mains.billing.models import BillRun
from mains.billing.values import RunKind, RunStatus, count_slices
from mains.kernel.errors import MainsError
from mains.kernel.identifiers import BUCKET_COUNT
from mains.kernel.period import next_month
from mains.ledger.actions.days import refuse_closed
from mains.ledger.values import TransactionKind


class UnableToPlanRun(MainsError):
    """The month cannot be billed now."""


def check_order(*, month: date, cycle: str, now: datetime) -> None:
    """Raise UnableToPlanRun when the month is not the one to bill next, or a run of the cycle is not finished, and
    UnableToPostOnDay when its books are closed."""
    if now.date() < next_month(month):
        raise UnableToPlanRun(
            code="month-not-over",
            message=f"{month:%Y-%m} is not over on {now.date()}.",
            place=f"cycle {cycle}",
            remedy=f"Bill it from {next_month(month)} on.",
        )
    refuse_closed(
        kind=TransactionKind.BILL_RUN, day=next_month(month) - timedelta(days=1), place=f"cycle {cycle}"
    )
    refuse_unfinished(cycle=cycle, kind=RunKind.RECALCULATION)
    last = BillRun.objects.filter(cycle=cycle, kind=RunKind.MONTHLY).order_by("-month").first()
    if last is None:
        return
    following = next_month(last.month)
    if last.status != RunStatus.POSTED or month != following:
        due = following if last.status == RunStatus.POSTED else last.month
        raise UnableToPlanRun(
            code="month-out-of-order",
            message=f"{due:%Y-%m} comes before {month:%Y-%m}."
            if month > due
            else f"{last.month:%Y-%m} is billed.",
            place=f"cycle {cycle}",
            remedy=f"Bill the months in order: run `mains bill run --month {due:%Y-%m} --cycle {cycle}`.",
        )
    refuse_earlier_facts(cycle=cycle, now=now)


def refuse_unfinished(*, cycle: str, kind: RunKind | None = None) -> None:
    """Raise UnableToPlanRun when a run of the cycle is not finished: what it posts must be known first."""
    unfinished = BillRun.objects.filter(cycle=cycle).exclude(status=RunStatus.POSTED)
    found = unfinished.filter(**({"kind": kind} if kind else {})).order_by("facts_as_of").first()
    if found is None:
        return
    command = "mains recalculate" if found.kind == RunKind.RECALCULATION else "mains bill run"
    raise UnableToPlanRun(
        code="run-unfinished",
        message=f"Run {found.pk} ({found.get_kind_display()}, {found.month:%Y-%m}) is not finished.",
        place=f"cycle {cycle}",
        remedy=f"Wait for it, or run `{command}` again: it goes on where it stopped.",
    )


def refuse_earlier_facts(*, cycle: str, now: datetime) -> None:
    """Raise UnableToPlanRun when a run of the cycle counts facts up to `now` or beyond."""
    last = BillRun.objects.filter(cycle=cycle).order_by("-facts_as_of").first()
    if last is not None and now <= last.facts_as_of:
        raise UnableToPlanRun(
            code="facts-out-of-order",
            message=f"The run of {last.month:%Y-%m} counts facts up to {last.facts_as_of}, after {now}.",
            place=f"cycle {cycle}",
            remedy="Plan the run at a later time.",
        )


def reserve_ids_of_month(accounts_per_slice: int) -> dict[str, int]:
    """Blocks of ids for as many accounts as there are."""
    with django_connection.cursor() as cursor:
        cursor.execute("SELECT count(*), coalesce(max(id), 0) FROM customers_account")
        accounts, last_account_id = cursor.fetchone()
        cursor.execute(
            """
            SELECT coalesce(max(n), 1) FROM (
                SELECT count(*) AS n
                FROM (SELECT DISTINCT a.account_id, t.service, a.provider_id
                      FROM customers_agreement a JOIN tariffs_tariff t ON t.id = a.tariff_id) AS items
                GROUP BY account_id
            ) AS per_account
            """
        )
        (entries_per_account,) = cursor.fetchone()
    room = max(1, accounts)
    return {
        "accounts": accounts,
        "slice_count": count_slices(accounts, accounts_per_slice=accounts_per_slice),
        "last_account_id": last_account_id,
        "entries_per_account": entries_per_account,
        "first_bill_id": reserve_ids("billing_bill_id_seq", room).start,
        "first_entry_id": reserve_ids("ledger_entry_id_seq", room * entries_per_account).start,
        "first_transaction_id": reserve_ids("ledger_transaction_id_seq", BUCKET_COUNT).start,
    }
