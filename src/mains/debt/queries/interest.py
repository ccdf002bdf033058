"""Late interest of accounts as their facts have it now, what was posted, and what explains it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, cast

import polars as pl
from django.db.models import Max

from mains.base.columns import fetch_frame
from mains.debt.models import InterestRun
from mains.debt.queries.basis import Facts, basis_of_interest, read_facts
from mains.debt.queries.rests import list_rests, without_rests
from mains.debt.queries.terms import TermsRecord, list_terms
from mains.engine.exact import Protocol
from mains.engine.interest import InterestRule, OpenItem, Payment, interest_columns, interest_exact

_ONE = timedelta(days=1)
_COUNTED: dict[str, type[pl.DataType]] = {
    "item_id": pl.Int64,
    "terms_id": pl.Int64,
    "days": pl.Int32,
    "total_minor": pl.Int64,
}
_CATEGORY = """
    SELECT DISTINCT ON (g.account_id, p.service) g.account_id, p.service, g.category
    FROM customers_agreement g JOIN network_servicepoint p ON p.id = g.service_point_id
    WHERE g.account_id = ANY(%(account_ids)s)
      AND g.recorded_at <= coalesce(%(as_of)s::timestamptz, 'infinity')
      AND (g.superseded_at IS NULL OR g.superseded_at > %(as_of)s::timestamptz)
    ORDER BY g.account_id, p.service, upper(g.valid) DESC NULLS FIRST, g.id
"""


@dataclass(frozen=True)
class Interest:
    """`lines`: item_id, terms_id, days, total_minor of items that bear any; `items` and `payments` as they were counted
    (with terms_id); `refused`: item_id, code, message, where no rate is in force."""

    lines: pl.DataFrame
    items: pl.DataFrame
    payments: pl.DataFrame
    refused: pl.DataFrame


@dataclass(frozen=True, kw_only=True)
class PostedLine:
    """What a run posted for an item, in minor units."""

    run_id: int
    until: date
    recorded_at: datetime
    item_id: int
    service: str
    due_date: date
    days: int
    total_minor: int
    amount_minor: int
    correction_minor: int
    cause: str


def interest_until(*, account_ids: Sequence[int], until: date, as_of: datetime | None = None) -> Interest:
    """Interest of the accounts' debts from their due dates to the end of `until`, by columns; nothing is posted.

    Debts follow the terms of their due date; with `as_of`, everything as it was known then.
    """
    return count_interest(read_facts(account_ids=account_ids, as_of=as_of), until=until)


def count_interest(facts: Facts, *, until: date) -> Interest:
    """As `interest_until`, on facts that were read before."""
    account_ids, as_of = facts.account_ids, facts.as_of
    basis = basis_of_interest(facts, until=until)
    terms = list_terms(as_of=as_of)
    items = with_terms(
        basis.items.filter(pl.col("due_date") < until), terms, account_ids=account_ids, as_of=as_of
    )
    rests = list_rests(account_ids=account_ids, as_of=as_of)
    counted, refused = [], []
    for one in terms:
        of_terms = items.filter(pl.col("terms_id") == one.terms_id)
        if of_terms.is_empty():
            continue
        lines, odd = interest_columns(
            rule=one.rule,
            items=of_terms.select("item_id", "amount_minor", "due_date"),
            payments=basis.payments.join(of_terms.select("item_id"), on="item_id", how="semi"),
            until=until,
        )
        lines = pl.concat([lines, *_rested(one.rule, of_terms, basis.payments, rests, until=until)])
        counted.append(
            lines.group_by("item_id", maintain_order=True)
            .agg(days=pl.col("days").sum(), total_minor=pl.col("amount_minor").sum())
            .with_columns(terms_id=pl.lit(one.terms_id, pl.Int64))
            .select(pl.col(name).cast(kind) for name, kind in _COUNTED.items())
        )
        refused.append(odd.select("item_id", "code", "message"))
    none = pl.DataFrame(schema={"item_id": pl.Int64, "code": pl.String, "message": pl.String})
    return Interest(
        lines=pl.concat([pl.DataFrame(schema=_COUNTED), *counted]),
        items=items,
        payments=basis.payments,
        refused=pl.concat([none, *refused]),
    )


def _rested(
    rule: InterestRule, items: pl.DataFrame, payments: pl.DataFrame, rests: pl.DataFrame, *, until: date
) -> Iterator[pl.DataFrame]:
    """Lines that take back the interest of days on which it rests: until the last of them, less until the day before
    the first."""
    windows = rests.join(items.select("item_id", "amount_minor", "due_date"), on="item_id").filter(
        pl.col("from_date") <= pl.lit(until)
    )
    for (first, after), group in windows.group_by("from_date", "to_date", maintain_order=True):
        assert isinstance(first, date)
        last = until if after is None else min(until, cast("date", after) - _ONE)
        for day, sign in ((last, -1), (first - _ONE, 1)):
            overdue = group.filter(pl.col("due_date") < pl.lit(day)).select(
                "item_id", "amount_minor", "due_date"
            )
            if overdue.is_empty():
                continue
            lines, _ = interest_columns(
                rule=rule,
                items=overdue,
                payments=payments.join(overdue.select("item_id"), on="item_id", how="semi"),
                until=day,
            )
            yield lines.with_columns(pl.col("days", "amount_minor") * sign)


def with_terms(
    items: pl.DataFrame, terms: Sequence[TermsRecord], *, account_ids: Sequence[int], as_of: datetime | None
) -> pl.DataFrame:
    """Items with terms_id: of their service and category, else of the service, the category, or all; none: left out."""
    categories = fetch_frame(
        _CATEGORY,
        {"account_ids": list(account_ids), "as_of": as_of},
        schema={"account_id": pl.Int64, "service": pl.String, "category": pl.String},
    )
    placed = items.join(categories, on=["account_id", "service"], how="left", maintain_order="left")
    found = pl.lit(None, pl.Int64)
    # From the most particular terms to the most general.
    ranked = sorted(terms, key=lambda one: (one.service == "", one.category == ""))
    for one in reversed(ranked):
        fits = pl.col("due_date") >= pl.lit(one.valid_from)
        if one.valid_to is not None:
            fits &= pl.col("due_date") < pl.lit(one.valid_to)
        if one.service:
            fits &= pl.col("service") == one.service
        if one.category:
            fits &= pl.col("category").fill_null("") == one.category
        found = pl.when(fits).then(pl.lit(one.terms_id, pl.Int64)).otherwise(found)
    return placed.with_columns(terms_id=found).filter(pl.col("terms_id").is_not_null()).drop("category")


def posted_by_item(*, account_ids: Sequence[int], run_id: int | None = None) -> pl.DataFrame:
    """Interest posted so far, or up to a run: item_id, account_id, provider_id, service, posted_minor."""
    return fetch_frame(
        """
        SELECT item_id, account_id, provider_id, service, sum(amount_minor)::bigint FROM debt_interestline
        WHERE account_id = ANY(%(account_ids)s) AND run_id <= coalesce(%(run_id)s::bigint, 9223372036854775807)
        GROUP BY 1, 2, 3, 4
        """,
        {"account_ids": list(account_ids), "run_id": run_id},
        schema={
            "item_id": pl.Int64,
            "account_id": pl.Int64,
            "provider_id": pl.Int64,
            "service": pl.String,
            "posted_minor": pl.Int64,
        },
    )


def explain_items(
    *, account_id: int, until: date, as_of: datetime | None = None, item_id: int | None = None
) -> dict[int, Protocol]:
    """Interest of an account's overdue items day by day, exactly, by the implementation that shares no code with the
    columns: item → protocol with its days, rates and clauses. Raises UnableToRate where no rate is in force."""
    found = interest_until(account_ids=[account_id], until=until, as_of=as_of)
    rules = {one.terms_id: one for one in list_terms(as_of=as_of)}
    rests = list_rests(account_ids=[account_id], as_of=as_of)
    explained: dict[int, Protocol] = {}
    for row in found.items.iter_rows(named=True):
        if item_id is not None and row["item_id"] != item_id:
            continue
        of_item = found.payments.filter(pl.col("item_id") == row["item_id"])
        terms = rules[row["terms_id"]]
        item = OpenItem(
            key=row["due_date"].isoformat(),
            amount_minor=row["amount_minor"],
            due_date=row["due_date"],
            payments=tuple(
                Payment(paid_date=paid["paid_date"], amount_minor=paid["amount_minor"])
                for paid in of_item.iter_rows(named=True)
            ),
            source=terms.rule.source or terms.proof,
        )
        protocol = interest_exact(rule=terms.rule, items=(item,), until=until)
        explained[row["item_id"]] = without_rests(
            protocol,
            rests.filter(pl.col("item_id") == row["item_id"]),
            rule=terms.rule,
            item=item,
            until=until,
        )
    return explained


def list_posted(*, account_id: int) -> list[PostedLine]:
    """Lines of the runs for an account, latest first."""
    frame = fetch_frame(
        """
        SELECT l.run_id, r.until, r.recorded_at, l.item_id, l.service, coalesce(e.due_date, e.business_date), l.days,
               l.total_minor, l.amount_minor, l.correction_minor, l.cause
        FROM debt_interestline l JOIN debt_interestrun r ON r.id = l.run_id
        JOIN ledger_entry e ON e.id = l.item_id AND e.account_id = l.account_id
        WHERE l.account_id = %(account_id)s ORDER BY l.run_id DESC, 6, l.item_id
        """,
        {"account_id": account_id},
        schema=_POSTED,
    )
    return [PostedLine(**row) for row in frame.iter_rows(named=True)]


_POSTED: dict[str, Any] = {
    "run_id": pl.Int64,
    "until": pl.Date,
    "recorded_at": pl.Datetime("us", "UTC"),
    "item_id": pl.Int64,
    "service": pl.String,
    "due_date": pl.Date,
    "days": pl.Int32,
    "total_minor": pl.Int64,
    "amount_minor": pl.Int64,
    "correction_minor": pl.Int64,
    "cause": pl.String,
}


def last_posted_day() -> date | None:
    """Through which day interest is posted."""
    found: date | None = InterestRun.objects.aggregate(last=Max("until"))["last"]
    return found


def accrued_by_item(*, account_id: int, until: date) -> dict[int, int]:
    """Interest accrued until a day and not posted yet, by item, in minor units; not nought."""
    lines = interest_until(account_ids=[account_id], until=until).lines
    posted = posted_by_item(account_ids=[account_id])
    joined = lines.join(posted, on="item_id", how="full", coalesce=True)
    difference = pl.col("total_minor").fill_null(0) - pl.col("posted_minor").fill_null(0)
    rows = joined.select("item_id", difference=difference).filter(pl.col("difference") != 0)
    return dict(rows.iter_rows())
