"""A small utility for drills: a demo utility of a hundred accounts with one month billed."""

from datetime import UTC, date, datetime, time

from mains.base.progress import progress_report
from mains.billing.actions.runs import plan_run, post_run
from mains.packs.definition import Pack, read_pack
from mains.packs.loading import load_pack

PACK = "ru_communal"
SMALLEST = 100
_PER_SLICE = 10


def build_utility(*, accounts: int, seed: int, months: int = 1) -> None:
    """Load the utility into the connected, empty database and bill its first months."""
    pack = read_pack(PACK)
    with progress_report(quiet=True) as progress:
        load_pack(pack=pack, accounts=max(accounts, SMALLEST), seed=seed, progress=progress)
    for month in pack.billing.months[:months]:
        bill(pack, month)


def bill(pack: Pack, month: date) -> None:
    """Bill a month in small slices."""
    post_run(run_id=plan_month(pack, month), now=known_on(pack, month))


def second_month() -> tuple[Pack, date]:
    """The pack and the month after the one that is billed."""
    pack = read_pack(PACK)
    return pack, pack.billing.months[1]


def plan_month(pack: Pack, month: date) -> int:
    """The id of the month's run, which is there already when it was begun before."""
    run = plan_run(
        month=month,
        cycle=pack.billing.cycle,
        now=known_on(pack, month),
        issued_on=pack.billing.issue_date(month),
        due_on=pack.billing.due_date(month),
        accounts_per_slice=_PER_SLICE,
    )
    return int(run.pk)


def known_on(pack: Pack, month: date) -> datetime:
    """When the month is closed and billed."""
    return datetime.combine(pack.billing.cut_off(month), time(), tzinfo=UTC)


def account_numbers() -> list[str]:
    """Numbers of the accounts that were billed, in order."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT number FROM customers_account a"
            " WHERE EXISTS (SELECT FROM ledger_entry e WHERE e.account_id = a.id AND e.kind = 'bill') ORDER BY number"
        )
        return [str(row[0]) for row in cursor.fetchall()]
