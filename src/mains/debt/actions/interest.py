"""Post late interest: what the facts say now, less what was posted before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl
from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from mains.base.columns import append_frame, fetch_frame
from mains.debt.models import InterestLine, InterestRun
from mains.debt.queries.basis import read_facts
from mains.debt.queries.causes import with_causes
from mains.debt.queries.interest import Interest, count_interest, posted_by_item
from mains.debt.queries.terms import list_terms
from mains.kernel.errors import MainsError
from mains.ledger.actions.allocation import allocate_credits, lock_allocation
from mains.ledger.actions.days import hold_open_days
from mains.ledger.actions.posting import ENTRY_SCHEMA, POSTING_SCHEMA, post_transaction
from mains.ledger.actions.reallocation import reallocate
from mains.ledger.queries.open_items import last_credit_days
from mains.ledger.values import Control, EntryKind, TransactionKind

_PLACE = ["organisation_id", "provider_id", "service"]
_SUPPLY = ["account_id", *_PLACE]
# So many accounts are held in memory at once and posted as one transaction.
_CHUNK = 20_000


class UnableToPostInterest(MainsError):
    """Interest cannot be posted so; nothing was."""


@dataclass(frozen=True, kw_only=True)
class PostedInterest:
    """What a run posted in minor units, the part of it that corrects earlier runs, and items without a rate."""

    run_id: int
    accounts: int
    lines: int
    amount_minor: int
    correction_minor: int
    refused: int


def post_interest(
    *, until: date, now: datetime, account_ids: Sequence[int] | None = None, actor_id: int | None = None
) -> PostedInterest:
    """Post each debt's interest until the end of `until`, less what was posted for it before, to its account.

    Every chunk of accounts is a transaction of its own: after an interruption another run posts what is missing.
    Doing it again posts nothing more. Raises UnableToPostInterest: a day to come, one before an earlier run, no terms.
    """
    before = InterestRun.objects.aggregate(last=Max("until"))["last"]
    _check_day(until, before=before, now=now)
    run = InterestRun.objects.create(until=until, recorded_at=now, recorded_by_id=actor_id)
    wanted = _accounts(until) if account_ids is None else sorted(set(account_ids))
    made = [
        _post_chunk(run, wanted[start : start + _CHUNK], part=part, before=before, now=now)
        for part, start in enumerate(range(0, len(wanted), _CHUNK))
    ]
    return PostedInterest(
        run_id=run.pk,
        accounts=sum(one.accounts for one in made),
        lines=sum(one.lines for one in made),
        amount_minor=sum(one.amount_minor for one in made),
        correction_minor=sum(one.correction_minor for one in made),
        refused=sum(one.refused for one in made),
    )


def _check_day(until: date, *, before: date | None, now: datetime) -> None:
    place = f"interest until {until.isoformat()}"
    if until >= timezone.localdate(now):
        raise UnableToPostInterest(
            code="interest-day",
            message="Interest is posted for days that have passed.",
            place=place,
            remedy="Give yesterday or an earlier day.",
        )
    if before is not None and until < before:
        raise UnableToPostInterest(
            code="interest-posted-further",
            message=f"Interest is posted through {before.isoformat()} already.",
            place=place,
            remedy="Give that day or a later one; corrections of earlier days are posted with it.",
            params={"day": before.isoformat()},
        )
    if not list_terms():
        raise UnableToPostInterest(
            code="interest-no-terms",
            message="There is no rule of late interest.",
            place=place,
            remedy="State one: mains ledger interest terms.",
        )


def _accounts(until: date) -> list[int]:
    """Accounts that have a debt due before the day, or interest that may have to be corrected."""
    frame = fetch_frame(
        """
        SELECT account_id FROM ledger_entry WHERE amount_minor > 0 AND due_date < %(until)s
        UNION SELECT account_id FROM debt_interestline ORDER BY 1
        """,
        {"until": until},
        schema={"account_id": pl.Int64},
    )
    return frame["account_id"].to_list()


@transaction.atomic
def _post_chunk(
    run: InterestRun, account_ids: list[int], *, part: int, before: date | None, now: datetime
) -> PostedInterest:
    _one_at_a_time()
    lock_allocation()
    facts = read_facts(account_ids=account_ids)
    found = count_interest(facts, until=run.until)
    lines = _differences(found, account_ids=account_ids)
    if before is not None and not lines.is_empty():
        earlier = count_interest(facts, until=before)
        lines = with_causes(lines, earlier, account_ids=account_ids)
    opened = hold_open_days(kind=TransactionKind.INTEREST)
    day = max(run.until, opened or run.until)
    if not lines.is_empty():
        entries = _post(run, lines, part=part, day=day, now=now)
        _keep_lines(run, lines, entries)
        touched = entries["account_id"].unique().sort().to_list()
        # Interest taken back, and interest dated before money that is there, change what earlier money covers.
        late = sorted(last_credit_days(account_ids=touched, since=day))
        allocate_credits(account_ids=sorted(set(touched).difference(late)), now=now)
        if late:
            reallocate(account_ids=late, now=now)
    return PostedInterest(
        run_id=run.pk,
        accounts=lines["account_id"].n_unique(),
        lines=lines.height,
        amount_minor=_sum(lines["amount_minor"]),
        correction_minor=_sum(lines["correction_minor"]),
        refused=found.refused.height,
    )


def _differences(found: Interest, *, account_ids: list[int]) -> pl.DataFrame:
    """Interest less what was posted, by item; what cannot be counted for want of a rate stays as it was posted."""
    posted = posted_by_item(account_ids=account_ids).join(found.refused, on="item_id", how="anti")
    places = fetch_frame(
        "SELECT id, organisation_id FROM customers_account WHERE id = ANY(%(ids)s)",
        {"ids": account_ids},
        schema={"account_id": pl.Int64, "organisation_id": pl.Int64},
    )
    counted = found.lines.join(
        found.items.select("item_id", "account_id", "provider_id", "service"), on="item_id"
    )
    return (
        counted.join(
            posted, on=["item_id", "account_id", "provider_id", "service"], how="full", coalesce=True
        )
        .with_columns(
            pl.col("total_minor").fill_null(0),
            pl.col("posted_minor").fill_null(0),
            pl.col("days").fill_null(0),
        )
        .with_columns(
            amount_minor=pl.col("total_minor") - pl.col("posted_minor"),
            correction_minor=pl.lit(0, pl.Int64),
            cause=pl.lit("days"),
        )
        .filter(pl.col("amount_minor") != 0)
        .join(places, on="account_id")
        .sort("account_id", "item_id")
    )


def _post(run: InterestRun, lines: pl.DataFrame, *, part: int, day: date, now: datetime) -> pl.DataFrame:
    """One entry per account, provider and service whose lines do not cancel out: account_id … service, entry_id."""
    sums = (
        lines.group_by(_SUPPLY)
        .agg(pl.col("amount_minor").sum(), pl.col("correction_minor").sum())
        .filter(pl.col("amount_minor") != 0)
        .sort(_SUPPLY)
    )
    entries = sums.with_columns(
        kind=pl.lit(EntryKind.INTEREST.value),
        due_date=pl.lit(None, pl.Date),
        document_id=pl.lit(run.pk, pl.Int64),
    ).select(*ENTRY_SCHEMA)
    penalties = (
        sums.group_by(_PLACE)
        .agg(-pl.col("amount_minor").sum())
        .sort(_PLACE)
        .with_columns(control=pl.lit(Control.PENALTY.value))
        .select(*POSTING_SCHEMA)
    )
    posted = post_transaction(
        kind=TransactionKind.INTEREST,
        source_id=run.pk,
        part=part,
        business_date=day,
        entries=entries,
        counterparts=penalties,
        now=now,
        narrative=f"Late interest until {run.until.isoformat()}",
    )
    ids = posted.entry_ids
    return sums.select(*_SUPPLY, entry_id=pl.int_range(ids.start, ids.stop, dtype=pl.Int64))


def _keep_lines(run: InterestRun, lines: pl.DataFrame, entries: pl.DataFrame) -> None:
    append_frame(
        lines.join(entries, on=_SUPPLY, how="left", maintain_order="left").select(
            "entry_id",
            "account_id",
            "provider_id",
            "service",
            "item_id",
            "terms_id",
            "days",
            "total_minor",
            "amount_minor",
            "correction_minor",
            "cause",
            run_id=pl.lit(run.pk, pl.Int64),
        ),
        InterestLine._meta.db_table,
    )


def _one_at_a_time() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('debt_interest'))")


def _sum(amounts: pl.Series) -> int:
    return int(amounts.cast(pl.Int128).sum())
