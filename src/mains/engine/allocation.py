"""Which credit pays which item: payments are laid end to end along the debts, in columns.

Within an account the items, in the order of a policy, cover a line; the credits, in the order they were paid,
cover the same line from the same beginning. Where an item and a credit overlap, that much of the credit pays
that item. A policy that shares lays one line for each part of the account (each service) and divides every credit
among them first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mains.kernel.errors import MainsError

Ints = NDArray[np.int64]
_SUM_MAX = 2**62
# Ranks of a policy are few; items that come after its day stand behind all of them.
_RANKS = 1_000
_LATER = 1_000_000


class UnableToAllocate(MainsError):
    """The items or credits cannot be allocated; nothing was."""


@dataclass(frozen=True)
class AllocationOrder:
    """A policy: items are paid by ascending `rank`, within a rank oldest first (due_date, then item_id).

    `shared_by` names a column: each credit is divided among its values in proportion to what they still owe, whole
    minor units going to the largest remainders first, and pays within each by rank.
    """

    name: str
    rank: pl.Expr
    shared_by: str | None = None


OLDEST_FIRST = AllocationOrder(name="oldest_first", rank=pl.lit(0, dtype=pl.Int64))


def proportional_by(*, column: str) -> AllocationOrder:
    """Divide every credit among the values of `column` in proportion to what each still owes: among services."""
    return AllocationOrder(name=f"proportional_by_{column}", rank=pl.lit(0, dtype=pl.Int64), shared_by=column)


def ranked_by(*, column: str, values: Sequence[str]) -> AllocationOrder:
    """Pay items with these values of `column` first, in this order, and all others after them.

    For example `ranked_by(column="service", values=["electricity"])`, or principal before penalty.
    """
    places = {value: place for place, value in enumerate(values)}
    rank = pl.col(column).replace_strict(places, default=len(values), return_dtype=pl.Int64)
    return AllocationOrder(name=f"ranked_by_{column}: {', '.join(values)}", rank=rank)


def then_by(order: AllocationOrder, *, column: str, value: str, is_last: bool) -> AllocationOrder:
    """Within each rank of `order`, items whose column has this value come last, or first: late interest."""
    later = (pl.col(column) == value) == is_last
    return AllocationOrder(
        name=f"{order.name}, then {column} {value} {'last' if is_last else 'first'}",
        rank=order.rank * 2 + later.cast(pl.Int64),
        shared_by=order.shared_by,
    )


def as_they_come(order: AllocationOrder, *, day: date) -> AllocationOrder:
    """The order among items that are there on `day`; those that come later follow day by day, as money that waits meets
    them. Items need `business_date`."""
    days = (pl.col("business_date") - pl.lit(day)).dt.total_days()
    here = pl.col("business_date") <= pl.lit(day)
    return AllocationOrder(
        name=f"{order.name}, on {day.isoformat()}",
        rank=pl.when(here).then(order.rank).otherwise(_LATER + days * _RANKS + order.rank),
        shared_by=order.shared_by,
    )


def ahead(order: AllocationOrder, *, column: str) -> AllocationOrder:
    """Items whose boolean `column` is true before all others, oldest first: what a court has ordered to be paid."""
    return AllocationOrder(
        name=f"{order.name}, {column} ahead",
        rank=pl.when(pl.col(column)).then(pl.lit(-1, dtype=pl.Int64)).otherwise(order.rank),
        shared_by=order.shared_by,
    )


@dataclass(frozen=True)
class Allocation:
    """Two frames with amounts above zero.

    `allocations`: account_id, credit_id, item_id, amount_minor. `advances`: account_id, credit_id,
    remaining_minor.
    """

    allocations: pl.DataFrame
    advances: pl.DataFrame


def allocate(
    *,
    items: pl.DataFrame,
    funds: pl.DataFrame,
    order: AllocationOrder = OLDEST_FIRST,
) -> Allocation:
    """Allocate each account's credits to its items.

    `items`: account_id, item_id (unique), due_date, outstanding_minor (> 0), and the columns that the order
    reads. `funds` (the credits): account_id, credit_id (unique), paid_on, available_minor (> 0); earlier ones
    (paid_on, then credit_id) pay first. Amounts are minor units, Int64. The result is sorted by account, then
    credit and item in the order of payment. What no item takes is an advance. Raises UnableToAllocate on a
    null, an amount that is not positive, an id given twice, or sums beyond 2^62.
    """
    _refuse_bad(items, key="item_id", amount="outstanding_minor", day="due_date", place="items")
    _refuse_bad(funds, key="credit_id", amount="available_minor", day="paid_on", place="funds")
    if order.shared_by is not None:
        return _allocate_shared(items, funds, order, order.shared_by)
    return _allocate_in_line(items, funds, order)


def _allocate_in_line(items: pl.DataFrame, funds: pl.DataFrame, order: AllocationOrder) -> Allocation:
    debts = (
        items.join(funds, on="account_id", how="semi")
        .with_columns(rank=order.rank)
        .sort("account_id", "rank", "due_date", "item_id")
    )
    funds = funds.sort("account_id", "paid_on", "credit_id")
    debt_amount = debts["outstanding_minor"].cast(pl.Int64).to_numpy()
    fund_amount = funds["available_minor"].cast(pl.Int64).to_numpy()
    debt_start, fund_start = _line_starts(debts, funds, debt_amount=debt_amount, fund_amount=fund_amount)
    debt, fund, amount = _overlaps(
        debt_start=debt_start,
        debt_end=debt_start + debt_amount,
        fund_start=fund_start,
        fund_end=fund_start + fund_amount,
    )
    allocations = pl.DataFrame(
        {
            "account_id": funds["account_id"].gather(fund),
            "credit_id": funds["credit_id"].gather(fund),
            "item_id": debts["item_id"].gather(debt),
            "amount_minor": amount,
        }
    )
    return Allocation(
        allocations=allocations, advances=_advances(funds, fund_amount, fund=fund, amount=amount)
    )


def _allocate_shared(
    items: pl.DataFrame, funds: pl.DataFrame, order: AllocationOrder, column: str
) -> Allocation:
    """Layer by layer: the first credit of every account, then the second ones, each divided by what is then owed."""
    owed = (
        items.join(funds, on="account_id", how="semi")
        .group_by("account_id", column)
        .agg(owed=pl.col("outstanding_minor").sum())
        .sort("account_id", column)
        .with_row_index("part_id")
        .cast({"part_id": pl.Int64})
    )
    layered = funds.sort("account_id", "paid_on", "credit_id").with_columns(
        layer=pl.int_range(pl.len()).over("account_id")
    )
    divided = []
    for layer in layered.partition_by("layer", maintain_order=True):
        shares = _divide(owed, layer)
        divided.append(shares)
        owed = (
            owed.join(shares.select("part_id", "share"), on="part_id", how="left", maintain_order="left")
            .with_columns(owed=pl.col("owed") - pl.col("share").fill_null(0))
            .drop("share")
        )
    if not divided:
        return _allocate_in_line(items, funds, order)
    shares = pl.concat(divided).filter(pl.col("share") > 0)
    parts = owed.select("account_id", column, "part_id")
    made = _allocate_in_line(
        items.join(parts, on=["account_id", column], maintain_order="left").with_columns(
            account_id="part_id"
        ),
        shares.select("credit_id", "paid_on", account_id="part_id", available_minor="share"),
        order,
    ).allocations
    allocations = (
        made.drop("account_id")
        .join(funds.select("credit_id", "account_id"), on="credit_id", maintain_order="left")
        .join(layered.select("credit_id", "layer"), on="credit_id", maintain_order="left")
        .sort("account_id", "layer", maintain_order=True)
        .select("account_id", "credit_id", "item_id", "amount_minor")
    )
    left = layered.join(
        allocations.group_by("credit_id").agg(pl.col("amount_minor").sum()),
        on="credit_id",
        how="left",
        maintain_order="left",
    ).select(
        "account_id",
        "credit_id",
        remaining_minor=pl.col("available_minor") - pl.col("amount_minor").fill_null(0),
    )
    return Allocation(allocations=allocations, advances=left.filter(pl.col("remaining_minor") > 0))


def _divide(owed: pl.DataFrame, layer: pl.DataFrame) -> pl.DataFrame:
    """One credit an account, divided among its parts, none of which gets more than it owes.

    Columns part_id, credit_id, paid_on, share.
    """
    whole = pl.col("owed").sum().over("account_id").cast(pl.Int128)
    paid = pl.min_horizontal(pl.col("available_minor").cast(pl.Int128), "whole")
    rows = (
        owed.join(layer.select("account_id", "credit_id", "paid_on", "available_minor"), on="account_id")
        .filter(pl.col("owed") > 0)
        .with_columns(whole=whole)
        .with_columns(paid=paid)
        .with_columns(exact=pl.col("paid") * pl.col("owed").cast(pl.Int128))
        .with_columns(share=pl.col("exact") // pl.col("whole"), rest=pl.col("exact") % pl.col("whole"))
        .sort("account_id", "rest", "part_id", descending=[False, True, False])
    )
    missing = (pl.col("paid") - pl.col("share").sum()).over("account_id")
    place = pl.int_range(pl.len()).over("account_id")
    return rows.with_columns(
        share=(pl.col("share") + (place < missing).cast(pl.Int128)).cast(pl.Int64)
    ).select("part_id", "credit_id", "paid_on", "share")


def _line_starts(
    debts: pl.DataFrame, funds: pl.DataFrame, *, debt_amount: Ints, fund_amount: Ints
) -> tuple[Ints, Ints]:
    """Where each item and credit begins on one line, on which every account has a stretch of its own."""
    accounts = funds["account_id"].unique(maintain_order=True)
    number = pl.DataFrame({"account_id": accounts}).with_row_index("number")
    starts = []
    totals = []
    for frame, amount in ((debts, debt_amount), (funds, fund_amount)):
        numbers = frame.select("account_id").join(number, on="account_id", how="left", maintain_order="left")
        place = numbers["number"].cast(pl.Int64).to_numpy()
        before = np.cumsum(amount) - amount
        first = np.searchsorted(place, np.arange(len(accounts)))
        base = np.r_[before, amount.sum()][first]
        totals.append(np.diff(np.r_[base, amount.sum()]))
        starts.append((before - base[place], place))
    longest = np.maximum(*totals)
    account_start = np.cumsum(longest) - longest
    (debt_start, debt_place), (fund_start, fund_place) = starts
    return debt_start + account_start[debt_place], fund_start + account_start[fund_place]


def _overlaps(
    *, debt_start: Ints, debt_end: Ints, fund_start: Ints, fund_end: Ints
) -> tuple[Ints, Ints, Ints]:
    """Item number, credit number and length of every overlap, in the order of the line."""
    if not len(debt_end) or not len(fund_end):
        none = np.empty(0, dtype=np.int64)
        return none, none, none
    begins = np.sort(np.concatenate([debt_start, fund_start]), kind="stable")
    begins = begins[np.r_[True, begins[1:] != begins[:-1]]]
    debt = np.minimum(np.searchsorted(debt_end, begins, side="right"), len(debt_end) - 1)
    fund = np.minimum(np.searchsorted(fund_end, begins, side="right"), len(fund_end) - 1)
    low = np.maximum(np.maximum(debt_start[debt], fund_start[fund]), begins)
    length = np.minimum(debt_end[debt], fund_end[fund]) - low
    # A begin inside neither, or only inside one of them, is a gap of the line where the other ran out.
    met = (length > 0) & (low == begins)
    return debt[met], fund[met], length[met]


def _advances(funds: pl.DataFrame, fund_amount: Ints, *, fund: Ints, amount: Ints) -> pl.DataFrame:
    remaining = fund_amount.copy()
    np.subtract.at(remaining, fund, amount)
    left = funds.select("account_id", "credit_id", remaining_minor=pl.Series(remaining, dtype=pl.Int64))
    return left.filter(pl.col("remaining_minor") > 0)


def _refuse_bad(frame: pl.DataFrame, *, key: str, amount: str, day: str, place: str) -> None:
    for column in ("account_id", key, amount, day):
        if frame[column].null_count():
            raise _refusal("allocation-null", f"{column} holds nulls.", place)
    if not frame.height:
        return
    if frame[key].is_duplicated().any():
        raise _refusal("allocation-twice", f"A {key} is given more than once.", place)
    least = frame[amount].min()
    if not isinstance(least, int) or least <= 0:
        raise _refusal("allocation-amount", f"{amount} must be whole and above zero, not {least!s}.", place)
    if int(frame[amount].cast(pl.Int128).sum()) >= _SUM_MAX:
        raise _refusal("allocation-too-large", f"The sum of {amount} exceeds what 64 bits can hold.", place)


def _refusal(code: str, message: str, place: str) -> UnableToAllocate:
    return UnableToAllocate(
        code=code, message=message, place=place, remedy="Give open items and credits as stored in the ledger."
    )
