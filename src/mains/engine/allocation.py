"""Which credit pays which item: payments are laid end to end along the debts, in columns.

Within an account the items, in the order of a policy, cover a line; the credits, in the order they were paid,
cover the same line from the same beginning. Where an item and a credit overlap, that much of the credit pays
that item.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mains.kernel.errors import MainsError

Ints = NDArray[np.int64]
_SUM_MAX = 2**62


class UnableToAllocate(MainsError):
    """The items or credits cannot be allocated; nothing was."""


@dataclass(frozen=True)
class AllocationOrder:
    """A policy: items are paid by ascending `rank`, within a rank oldest first (due_date, then item_id)."""

    name: str
    rank: pl.Expr


OLDEST_FIRST = AllocationOrder(name="oldest_first", rank=pl.lit(0, dtype=pl.Int64))


def ranked_by(*, column: str, values: Sequence[str]) -> AllocationOrder:
    """Pay items with these values of `column` first, in this order, and all others after them.

    For example `ranked_by(column="service", values=["electricity"])`, or principal before penalty.
    """
    places = {value: place for place, value in enumerate(values)}
    rank = pl.col(column).replace_strict(places, default=len(values), return_dtype=pl.Int64)
    return AllocationOrder(name=f"ranked_by_{column}", rank=rank)


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
