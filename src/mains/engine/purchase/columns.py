"""What many accounts get for their money: the column interpreter, asked as often as halving takes."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from mains.engine.columns import POSTED_KINDS, TariffSet, rate_columns

Ints = npt.NDArray[np.int64]
_MOST_MICRO = 10**15


@dataclass(frozen=True)
class Bought:
    """`purchases`: item_id, units_micro, total_minor, remainder_minor. `refused`: item_id, code, message."""

    purchases: pl.DataFrame
    refused: pl.DataFrame


def buy_columns(
    *, tariffs: TariffSet, segments: pl.DataFrame, money: pl.DataFrame, step_micro: int
) -> Bought:
    """Purchases of many items at once; the inverse of `rate_columns`, in about thirty passes.

    `segments` as `rate_columns` takes them, without `usage_micro`: what is bought is spread evenly over the days of the
    period. `money`: item_id, money_minor. Refused are items that cannot be rated, whose money does not cover the bill
    of no use, or buys without end.
    """
    rows = segments.join(money.select("item_id"), on="item_id", how="semi").sort("item_id", "from_date")
    seller = _Seller(tariffs, rows, step_micro)
    ids = seller.ids
    paid = (
        pl.DataFrame({"item_id": ids})
        .join(money, on="item_id", how="left", maintain_order="left")["money_minor"]
        .to_numpy()
    )
    nothing = np.zeros(len(ids), dtype=np.int64)
    most = np.full(len(ids), _MOST_MICRO // step_micro, dtype=np.int64)
    least_total, refused = seller.totals(nothing)
    most_total, too_large = seller.totals(most)
    refused |= {item: why for item, why in too_large.items() if why[0] != "amount-too-large"}
    beyond = np.isin(ids, [item for item, why in too_large.items() if why[0] == "amount-too-large"])
    for item in ids[least_total > paid].tolist():
        refused.setdefault(item, ("purchase-too-small", "The bill of no use is more than the money."))
    for item in ids[~beyond & (most_total <= paid)].tolist():
        refused.setdefault(item, ("purchase-without-end", "The money buys without end."))
    low, high = nothing, most
    while (high - low > 1).any():
        middle = (low + high) // 2
        total, failed = seller.totals(middle)
        # A use whose bill does not fit is more than any money buys.
        affordable = (total <= paid) & ~np.isin(ids, list(failed))
        low, high = np.where(affordable, middle, low), np.where(affordable, high, middle)
    total, _ = seller.totals(low)
    purchases = pl.DataFrame(
        {
            "item_id": ids,
            "units_micro": low * step_micro,
            "total_minor": total,
            "remainder_minor": paid - total,
        }
    ).filter(~pl.col("item_id").is_in(list(refused)))
    ordered = [(item, *why) for item, why in sorted(refused.items())]
    schema = {"item_id": pl.Int64, "code": pl.String, "message": pl.String}
    return Bought(purchases, pl.DataFrame(ordered, schema=schema, orient="row"))


class _Seller:
    def __init__(self, tariffs: TariffSet, rows: pl.DataFrame, step_micro: int) -> None:
        self._tariffs, self._rows, self._step = tariffs, rows, step_micro
        self.ids = rows["item_id"].unique(maintain_order=True).to_numpy()
        self._item = np.searchsorted(self.ids, rows["item_id"].to_numpy())
        first = rows["period_from"]
        self._days = (rows["period_to"] - first).dt.total_days().to_numpy()
        self._before = (rows["from_date"] - first).dt.total_days().to_numpy()
        self._after = (rows["to_date"] - first).dt.total_days().to_numpy()

    def totals(self, steps: Ints) -> tuple[Ints, dict[int, tuple[str, str]]]:
        """Total of each item at so many steps of use, in the order of `ids`, and the items refused."""
        micro = (steps * self._step)[self._item]
        use = micro * self._after // self._days - micro * self._before // self._days
        segments = self._rows.with_columns(usage_micro=pl.Series(use, dtype=pl.Int64))
        rated = rate_columns(tariffs=self._tariffs, segments=segments)
        posted = rated.lines.filter(pl.col("kind").cast(pl.String).is_in(list(POSTED_KINDS)))
        sums = posted.group_by("item_id").agg(pl.col("amount_minor").sum())
        total = pl.DataFrame({"item_id": self.ids}).join(
            sums, on="item_id", how="left", maintain_order="left"
        )
        refused = {item: (code, message) for item, code, message in rated.refused.iter_rows()}
        return total["amount_minor"].fill_null(0).to_numpy(), refused
