"""The slices of a what-if added up to what a person decides by."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import Any

import polars as pl

from mains.billing.queries.whatif.slices import EXTREMES, WhatIfPart, WhatIfPlan

PERCENTILES = (1, 5, 10, 25, 50, 75, 90, 95, 99)
PERCENT_EDGES = (-500, -200, -100, -50, -20, 0, 20, 50, 100, 200, 500)
"""Borders of the classes of change, in tenths of a percent; no change is a class of its own."""

_KEYS = {
    "months": ("month",),
    "classes": ("category",),
    "units": ("organisation_id",),
    "components": ("component", "kind"),
    "refused": ("side", "code", "message"),
    "as_year_before": ("month",),
}
_CLASSES_OF_MONEY = 16
_SHOWN_REFUSALS = 20


@dataclass(kw_only=True)
class WhatIfTotals:
    """Adds slices; keeps sums, counts by amount of change, and the extremes."""

    plan: WhatIfPlan
    _frames: dict[str, list[pl.DataFrame]] = field(default_factory=dict)
    _accounts: int = 0

    def add(self, part: WhatIfPart) -> None:
        """Add a slice."""
        for name in (*_KEYS, "changes", "accounts"):
            self._frames.setdefault(name, []).append(getattr(part, name))
        self._accounts += part.accounts_count

    def result(self) -> dict[str, Any]:
        """Everything for JSON: amounts in minor units, use in micro-units, the same whatever the slices were.

        Each of `months` says whether its use `is_projected`, and whence the `shares` of common-house use are
        (`ShareOrigin`) and of which months (`shares_of`), where a tariff reads them, and of how many bills intervals to
        come are taken for those of a year before (`as_year_before`). `money` holds
        the classes of change by amount (from_minor up to and without to_minor, None for open ends), `percent` those by
        share, without the `newly_charged` bills of nothing before; `percentiles` the change of a bill in minor units,
        by percentile.
        """
        sums = {name: self._summed(name) for name in _KEYS}
        changes = (
            pl.concat(self._frames["changes"]).group_by("change_minor", "tenths").agg(pl.col("bills").sum())
        )
        by_money = changes.group_by("change_minor").agg(pl.col("bills").sum()).sort("change_minor")
        points = percentiles(by_money)
        refused = sums.pop("refused").sort("bills", "code", "message", descending=[True, False, False])
        months = sums["months"].join(sums.pop("as_year_before"), on="month", how="left").sort("month")
        return {
            "accounts": self._accounts,
            **{
                name: int(months[name].cast(pl.Int128).sum())
                for name in ("bills", "quantity_micro", "before_minor", "after_minor")
            },
            "months": [
                row
                | {
                    "month": row["month"].isoformat(),
                    "is_projected": row["month"] in self.plan.projected_months,
                    **self._shares_of(row["month"]),
                }
                for row in months.to_dicts()
            ],
            "classes": sums["classes"].sort("category").to_dicts(),
            "units": sums["units"].sort("organisation_id").to_dicts(),
            "components": sums["components"].sort("component", "kind").to_dicts(),
            "directions": _directions(by_money),
            "percentiles": points,
            "money": _money_classes(by_money, points),
            "percent": _percent_classes(changes),
            "newly_charged": int(changes.filter(pl.col("tenths").is_null())["bills"].sum()),
            **self._extremes(),
            "refused": refused.head(_SHOWN_REFUSALS).to_dicts(),
            "refused_bills": int(refused["bills"].sum()),
        }

    def _shares_of(self, month: date) -> dict[str, Any]:
        """Whence the month's shares are, where a tariff reads them."""
        source = self.plan.shares.get(month)
        if source is None:
            return {}
        return {
            "shares": source.origin.value,
            "shares_of": [each.isoformat() for each in source.months],
        }

    def _summed(self, name: str) -> pl.DataFrame:
        whole = pl.concat(self._frames[name])
        others = (*_KEYS[name], "account_id")
        numbers = [key for key, kind in whole.schema.items() if kind.is_integer() and key not in others]
        example = [pl.col("account_id").min()] if "account_id" in whole.columns else []
        return whole.group_by(_KEYS[name]).agg(
            pl.col(numbers).cast(pl.Int128).sum().cast(pl.Int64, strict=True), *example
        )

    def _extremes(self) -> dict[str, Any]:
        change = pl.col("after_minor") - pl.col("before_minor")
        kept = pl.concat(self._frames["accounts"]).with_columns(change_minor=change)
        worst = (
            kept.filter(change > 0)
            .sort("change_minor", "account_id", descending=[True, False])
            .head(EXTREMES)
        )
        best = kept.filter(change < 0).sort("change_minor", "account_id").head(EXTREMES)
        return {"worst": worst.to_dicts(), "best": best.to_dicts()}


def percentiles(counted: pl.DataFrame) -> dict[str, int]:
    """The smallest change that at least p percent of the bills do not exceed, by p.

    `counted`: change_minor, ascending, and bills.
    """
    total = int(counted["bills"].sum())
    reached = counted["bills"].cast(pl.Int64).cum_sum()
    return {
        str(p): int(counted["change_minor"][int(reached.search_sorted(-(-total * p // 100)))])
        for p in PERCENTILES
        if total
    }


def _directions(counted: pl.DataFrame) -> dict[str, dict[str, int]]:
    change = pl.col("change_minor")
    found = {
        "more": counted.filter(change > 0),
        "same": counted.filter(change == 0),
        "less": counted.filter(change < 0),
    }
    return {
        name: {
            "bills": int(rows["bills"].sum()),
            "change_minor": int((rows["change_minor"].cast(pl.Int128) * rows["bills"].cast(pl.Int128)).sum()),
        }
        for name, rows in found.items()
    }


def _money_classes(counted: pl.DataFrame, points: dict[str, int]) -> list[dict[str, int | None]]:
    """About sixteen classes of a round width between the first and the last percent of bills, and the two tails."""
    if not points:
        return []
    low, high = points["1"], points["99"]
    step = _round_step(max(1, (high - low) // _CLASSES_OF_MONEY))
    first, last = low // step, -(-(high + 1) // step)
    edges = [number * step for number in range(first, last + 1)]
    return _classes(counted, "change_minor", edges, names=("from_minor", "to_minor"))


def _percent_classes(changes: pl.DataFrame) -> list[dict[str, int | None]]:
    known = changes.filter(pl.col("tenths").is_not_null())
    change = pl.col("change_minor")
    none = int(known.filter(change == 0)["bills"].sum())
    moved = known.filter(change != 0)
    # A change of less than a tenth of a percent still has a direction.
    signed = moved.with_columns(
        tenths=pl.when(change < 0).then(pl.min_horizontal("tenths", pl.lit(-1))).otherwise("tenths")
    )
    rows = _classes(signed, "tenths", list(PERCENT_EDGES), names=("from_tenths", "to_tenths"))
    place = next(number for number, row in enumerate(rows) if row["from_tenths"] == 0)
    rows.insert(place, {"from_tenths": 0, "to_tenths": 0, "bills": none})
    return rows


def _classes(
    counted: pl.DataFrame, column: str, edges: Sequence[int], *, names: tuple[str, str]
) -> list[dict[str, int | None]]:
    values = counted[column]
    rows: list[dict[str, int | None]] = []
    for low, high in pairwise([None, *edges, None]):
        inside = pl.Series([True]).new_from_index(0, len(values))
        if low is not None:
            inside &= values >= low
        if high is not None:
            inside &= values < high
        rows.append({names[0]: low, names[1]: high, "bills": int(counted["bills"].filter(inside).sum())})
    return rows


def _round_step(wanted: int) -> int:
    """The smallest of 1, 2, 5, 10, 20, 50, … that is not below what is wanted."""
    size = 1
    while True:
        for digit in (1, 2, 5):
            if digit * size >= wanted:
                return digit * size
        size *= 10
