"""In which order money covers debts, by the policies of the days on which it came. Pure columns."""

from collections.abc import Sequence
from datetime import date
from itertools import groupby

import polars as pl

from mains.engine.allocation import OLDEST_FIRST, AllocationOrder, ahead, allocate, as_they_come
from mains.ledger.queries.deferrals import in_parts
from mains.ledger.queries.policies import PolicyRecord, policy_on, with_penalty
from mains.ledger.values import EntryKind, PenaltyOrder

SUPPLY = ["account_id", "provider_id", "service"]


def allocate_by_day(
    *,
    items: pl.DataFrame,
    funds: pl.DataFrame,
    policies: Sequence[PolicyRecord],
    among_services: bool,
    by_coming: bool = False,
) -> pl.DataFrame:
    """Let funds cover items, each by the policy of its day: account_id, credit_id, item_id, amount_minor.

    `items`: what the engine's `allocate` needs, service, kind and business_date; `funds` as the engine's.
    `among_services`: an account's items of all services are one debt; otherwise only what is of one provider and
    service, which then is the `account_id` given. Where interest comes after or before principal, items
    that were not there on the fund's day follow as they come, so that the result does not depend on who was entered
    first; `by_coming` says so of all policies.
    """
    days = funds["paid_on"].unique().sort().to_list()
    made = []
    for key, group in groupby(days, key=lambda day: _key(policies, day, among_services=among_services)):
        of_order = list(group)
        is_plain = key[1] is PenaltyOrder.BY_DATE and not by_coming
        stretches = [of_order] if is_plain else [[day] for day in of_order]
        for stretch in stretches:
            order = _order(policies, stretch[0], among_services=among_services)
            if by_coming:
                order = as_they_come(order, day=stretch[0])
            if "is_first" in items.columns:
                order = ahead(order, column="is_first")
            found = allocate(
                items=items, funds=funds.filter(pl.col("paid_on").is_in(stretch)), order=order
            ).allocations
            made.append(found)
            items = _left_over(items, found)
    return pl.concat(made) if made else allocate(items=items, funds=funds).allocations


def allocate_with_plans(
    *,
    items: pl.DataFrame,
    funds: pl.DataFrame,
    policies: Sequence[PolicyRecord],
    among_services: bool,
    deferrals: pl.DataFrame,
) -> pl.DataFrame:
    """As `allocate_by_day`, where parts of items are due on other days (`deferrals`: item_id, due_date, amount_minor,
    business_date, is_first): money meets the due dates that were in force on its day. There it meets what was owed on
    that day before what came later, or a new bill would take back an instalment that was paid ahead."""
    deferrals = deferrals.select("item_id", "due_date", "business_date", "is_first", "amount_minor")
    changes = (
        deferrals.join(items.select("item_id", "account_id"), on="item_id")
        .select("account_id", day="business_date")
        .unique()
        .sort("account_id", "day")
        .with_columns(stretch=pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("account_id"))
    )
    if changes.is_empty() or funds.is_empty():
        return allocate_by_day(items=items, funds=funds, policies=policies, among_services=among_services)
    placed = funds.sort("paid_on").join_asof(
        changes.sort("day"), left_on="paid_on", right_on="day", by="account_id", check_sortedness=False
    )
    placed = placed.with_columns(pl.col("stretch").fill_null(0)).drop("day")
    since = deferrals.join(items.select("item_id", "account_id"), on="item_id").join(
        changes, left_on=["account_id", "business_date"], right_on=["account_id", "day"]
    )
    made = []
    for stretch in placed["stretch"].unique().sort().to_list():
        parts = in_parts(items, since.filter(pl.col("stretch") <= stretch))
        found = allocate_by_day(
            items=parts.drop("item_id").rename({"part_id": "item_id"}),
            funds=placed.filter(pl.col("stretch") == stretch).drop("stretch"),
            policies=policies,
            among_services=among_services,
            by_coming=stretch > 0,
        )
        of_items = (
            found.rename({"item_id": "part_id"})
            .join(parts.select("part_id", "item_id"), on="part_id", maintain_order="left")
            .group_by("account_id", "credit_id", "item_id", maintain_order=True)
            .agg(pl.col("amount_minor").sum())
        )
        made.append(of_items)
        items = _left_over(items, of_items)
    return pl.concat(made)


def in_order(
    *, entries: pl.DataFrame, policies: Sequence[PolicyRecord], deferrals: pl.DataFrame
) -> pl.DataFrame:
    """What each credit covers within its supply, as if all had come in the order of their dates: account_id, item_id,
    credit_id, amount_minor. `entries`: entry_id, account_id, provider_id, service, kind, amount_minor (not 0),
    due_date, business_date; a credit may have `paid_on` too, the day on which the money was really there. `deferrals`
    as in `allocate_with_plans`."""
    supplies = entries.select(SUPPLY).unique(maintain_order=True).with_row_index("supply_id")
    placed = entries.join(supplies.cast({"supply_id": pl.Int64}), on=SUPPLY, maintain_order="left")
    corrected = _corrected_interest(placed)
    placed = without(placed, corrected)
    paid_on = "paid_on" if "paid_on" in entries.columns else "business_date"
    made = allocate_with_plans(
        items=placed.filter(pl.col("amount_minor") > 0).select(
            "service",
            "kind",
            "business_date",
            account_id="supply_id",
            item_id="entry_id",
            due_date=pl.coalesce("due_date", "business_date"),
            outstanding_minor="amount_minor",
        ),
        funds=placed.filter(pl.col("amount_minor") < 0).select(
            account_id="supply_id",
            credit_id="entry_id",
            paid_on=paid_on,
            available_minor=-pl.col("amount_minor"),
        ),
        policies=policies,
        among_services=False,
        deferrals=deferrals,
    )
    return (
        pl.concat([corrected, made.select("item_id", "credit_id", "amount_minor")])
        .join(entries.select("account_id", item_id="entry_id"), on="item_id", maintain_order="left")
        .select("account_id", "item_id", "credit_id", "amount_minor")
    )


def _corrected_interest(placed: pl.DataFrame) -> pl.DataFrame:
    """Interest that a later run took back, with the interest that it takes back: it was never owed, so money that had
    covered it counts for other debts from its own day on. Columns item_id, credit_id, amount_minor."""
    interest = placed.filter(pl.col("kind") == EntryKind.INTEREST.value)
    return allocate(
        items=interest.filter(pl.col("amount_minor") > 0).select(
            account_id="supply_id",
            item_id="entry_id",
            due_date="business_date",
            outstanding_minor="amount_minor",
        ),
        funds=interest.filter(pl.col("amount_minor") < 0).select(
            account_id="supply_id",
            credit_id="entry_id",
            paid_on="business_date",
            available_minor=-pl.col("amount_minor"),
        ),
    ).allocations.select("item_id", "credit_id", "amount_minor")


def without(entries: pl.DataFrame, fixed: pl.DataFrame) -> pl.DataFrame:
    """The entries less what fixed allocations (item_id, credit_id, amount_minor) settle among them."""
    taken = pl.concat(
        [
            fixed.select(entry_id="item_id", taken=pl.col("amount_minor")),
            fixed.select(entry_id="credit_id", taken=-pl.col("amount_minor")),
        ]
    )
    return (
        entries.join(
            taken.group_by("entry_id").agg(pl.col("taken").sum()),
            on="entry_id",
            how="left",
            maintain_order="left",
        )
        .with_columns(amount_minor=pl.col("amount_minor") - pl.col("taken").fill_null(0))
        .drop("taken")
        .filter(pl.col("amount_minor") != 0)
    )


def taken_back(entries: pl.DataFrame) -> pl.DataFrame:
    """Payments taken back with the credit of the same receipt: account_id, item_id, credit_id, amount_minor."""
    key = [*SUPPLY, "document_id"]
    reversals = entries.filter(pl.col("kind") == EntryKind.REVERSAL.value)
    payments = entries.filter((pl.col("kind") == EntryKind.PAYMENT.value) & (pl.col("amount_minor") < 0))
    return (
        reversals.select(*key, item_id="entry_id", amount_minor="amount_minor")
        .join(payments.select(*key, credit_id="entry_id"), on=key)
        .select("account_id", "item_id", "credit_id", "amount_minor")
    )


def _key(policies: Sequence[PolicyRecord], day: date, *, among_services: bool) -> tuple[str, PenaltyOrder]:
    policy = policy_on(policies, day)
    penalty = policy.penalty if policy else PenaltyOrder.BY_DATE
    return (policy.order.name if policy and among_services else penalty.value, penalty)


def _order(policies: Sequence[PolicyRecord], day: date, *, among_services: bool) -> AllocationOrder:
    policy = policy_on(policies, day)
    if policy is None:
        return OLDEST_FIRST
    order = policy.order if among_services else with_penalty(OLDEST_FIRST, policy.penalty)
    return order if policy.penalty is PenaltyOrder.BY_DATE else as_they_come(order, day=day)


def _left_over(items: pl.DataFrame, made: pl.DataFrame) -> pl.DataFrame:
    covered = made.group_by("item_id").agg(pl.col("amount_minor").sum())
    return (
        items.join(covered, on="item_id", how="left", maintain_order="left")
        .with_columns(outstanding_minor=pl.col("outstanding_minor") - pl.col("amount_minor").fill_null(0))
        .drop("amount_minor")
        .filter(pl.col("outstanding_minor") > 0)
    )
