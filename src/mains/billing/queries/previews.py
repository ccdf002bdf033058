"""The result of a preview: what a run would bill, and what a person should look at first."""

from dataclasses import dataclass, field
from datetime import date

import polars as pl

from mains.billing.values import RunPlan

_TOP = 20
_COMPONENT: dict[str, type[pl.DataType]] = {
    "component": pl.String,
    "kind": pl.String,
    "is_correction": pl.Boolean,
}
_COMPONENT_SUMS: dict[str, type[pl.DataType]] = {
    "lines": pl.Int64,
    "quantity_micro": pl.Int64,
    "amount_minor": pl.Int64,
}
_CHANGES = {
    "account_id": pl.Int64,
    "last_minor": pl.Int64,
    "amount_minor": pl.Int64,
    "change_minor": pl.Int64,
}
_EXCEPTIONS = {"code": pl.String, "blocking": pl.Boolean, "count": pl.Int64, "example": pl.String}


@dataclass(frozen=True, kw_only=True)
class RunPreview:
    """Totals in minor and micro-units. `components`: component, kind, is_correction, lines, quantity_micro,
    amount_minor. `exceptions`: code, blocking, count, example. `changes`: the accounts whose bill differs most from
    the month before: account_id, last_minor, amount_minor, change_minor."""

    month: date
    bills: int
    amount_minor: int
    correction_minor: int
    tax_minor: int
    quantity_micro: int
    components: pl.DataFrame
    exceptions: pl.DataFrame
    changes: pl.DataFrame


@dataclass(kw_only=True)
class PreviewTotals:
    """Adds up the slices of a preview, keeping no more than sums and the largest changes."""

    plan: RunPlan
    _sums: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(
            ("bills", "amount_minor", "correction_minor", "tax_minor", "quantity_micro"), 0
        )
    )
    _components: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(schema=_COMPONENT | _COMPONENT_SUMS)
    )
    _exceptions: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_EXCEPTIONS))
    _changes: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_CHANGES))

    def add_bills(self, bills: pl.DataFrame, lines: pl.DataFrame, last: pl.DataFrame) -> None:
        """Add a slice's rows of `billing_bill` and `billing_billline`; `last` as `read_last_amounts` gives it."""
        self._sums["bills"] += bills.height
        for name in ("amount_minor", "correction_minor", "tax_minor", "quantity_micro"):
            self._sums[name] += int(bills[name].cast(pl.Int128).sum())
        by_component = lines.group_by(
            "component", "kind", is_correction=pl.col("service_month") < self.plan.month
        ).agg(pl.len().cast(pl.Int64).alias("lines"), pl.col("quantity_micro", "amount_minor").sum())
        self._components = (
            pl.concat([self._components, by_component.select(self._components.columns)])
            .group_by(list(_COMPONENT))
            .agg(pl.col(list(_COMPONENT_SUMS)).sum())
        )
        changes = bills.join(last, on="account_id").select(
            "account_id",
            "last_minor",
            "amount_minor",
            change_minor=pl.col("amount_minor") - pl.col("last_minor"),
        )
        self._changes = (
            pl.concat([self._changes, changes])
            .sort(pl.col("change_minor").abs(), "account_id", descending=[True, False])
            .head(_TOP)
        )

    def add_exceptions(self, exceptions: pl.DataFrame) -> None:
        """Add exceptions found in a slice."""
        counted = exceptions.group_by("code", "blocking").agg(
            pl.len().cast(pl.Int64).alias("count"), pl.col("message").min().alias("example")
        )
        self._exceptions = (
            pl.concat([self._exceptions, counted])
            .group_by("code", "blocking")
            .agg(pl.col("count").sum(), pl.col("example").min())
        )

    def preview(self) -> RunPreview:
        """The sums so far."""
        return RunPreview(
            month=self.plan.month,
            components=self._components.sort("is_correction", "kind", "component"),
            exceptions=self._exceptions.sort("blocking", "count", descending=True),
            changes=self._changes,
            **self._sums,
        )
