"""The bills of a slice of accounts: effective charges of the month, and differences to what was posted before."""

from dataclasses import dataclass
from datetime import date

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.billing.queries import exceptions as found
from mains.billing.queries.attributes import outside_points, read_attributes
from mains.billing.queries.items import make_items, read_item_usage
from mains.billing.queries.posted import (
    KEY,
    read_billed_quantities,
    read_blocked_months,
    read_posted_lines,
)
from mains.billing.queries.run_tariffs import RunTariffs, compile_editions
from mains.billing.values import LineKind, RunPlan, RunSlice
from mains.customers.queries.frames import read_accounts, read_agreements
from mains.engine.columns import Rated, rate_columns
from mains.engine.segments import cut_segments
from mains.kernel.period import next_month
from mains.metering.queries.frames import read_revised_points
from mains.tariffs.queries.editions import list_editions

LINE_COLUMNS = (
    "account_id", "agreement_id", "service_point_id", "tariff_edition_id", "service_month", "component", "kind",
    "from_date", "to_date", "quantity_micro", "amount_minor",
)  # fmt: skip
_CHANGED = {"service_point_id": pl.Int64, "service_month": pl.Date}


@dataclass(frozen=True, kw_only=True)
class SliceCharges:
    """What a slice owes.

    `accounts`: account_id, bucket, organisation_id, position (its place among the accounts of the run).
    `lines`: LINE_COLUMNS with service and provider_id, in the order of the bills; `service_month` before the run's
    month marks a correction. `bills`: account_id, quantity_micro, estimated_days of every account that gets a bill.
    `exceptions`: account_id, service_point_id, code, message, blocking.
    """

    accounts: pl.DataFrame
    lines: pl.DataFrame
    bills: pl.DataFrame
    exceptions: pl.DataFrame


def compute_charges(
    *, connection: Connection, plan: RunPlan, part: RunSlice, changed_points: pl.DataFrame
) -> SliceCharges:
    """Rate the slice's accounts with the facts of `plan.facts_as_of`; nothing is written.

    `changed_points` are the service points of the utility whose registry facts changed since the last run:
    service_point_id, valid_from, valid_to. Accounts with a blocking exception have neither lines nor a bill.
    """
    scope = _Scope(connection=connection, plan=plan, part=part)
    accounts = read_accounts(
        connection=connection, buckets=part.buckets, last_account_id=plan.last_account_id
    )
    accounts = accounts.with_columns(position=pl.int_range(pl.len(), dtype=pl.Int64) + part.first_position)
    tariffs = scope.tariffs()
    agreements = scope.agreements(accounts)
    items, rows = make_items(
        agreements=agreements, months=[*plan.billed_months, plan.month], editions=tariffs.editions
    )
    changed = scope.changed(agreements, items, changed_points)
    is_due = pl.col("service_month") == plan.month
    items = pl.concat(
        [items.filter(is_due), items.filter(~is_due).join(changed, on=list(_CHANGED), how="semi")]
    )
    usage = read_item_usage(connection=connection, items=items, buckets=part.buckets, as_of=plan.facts_as_of)
    segments, rated = scope.rate(items, rows, tariffs, usage)
    use = found.use_of_items(items.filter(is_due), segments, usage.get("usage_micro"))
    exceptions = pl.concat(
        [
            found.unpriced(items),
            found.refused(items, rated.refused),
            found.odd_use(
                use, read_billed_quantities(connection=connection, posted=part.posted), month=plan.month
            ),
        ]
    )
    blocked = exceptions.filter("blocking")["account_id"].unique()
    due, corrections = scope.lines(items, rated, agreements, changed)
    lines = pl.concat([due, corrections]).filter(~pl.col("account_id").is_in(blocked.implode()))
    return SliceCharges(
        accounts=accounts.select("account_id", "bucket", "organisation_id", "position"),
        lines=_in_bill_order(lines, accounts, agreements),
        bills=_bills(lines, use.filter(~pl.col("account_id").is_in(blocked.implode()))),
        exceptions=exceptions,
    )


@dataclass(frozen=True, kw_only=True)
class _Scope:
    connection: Connection
    plan: RunPlan
    part: RunSlice

    @property
    def from_date(self) -> date:
        return min([*self.plan.billed_months, self.plan.month])

    @property
    def to_date(self) -> date:
        return next_month(self.plan.month)

    def tariffs(self) -> RunTariffs:
        return compile_editions(
            list_editions(
                connection=self.connection, as_of=self.plan.facts_as_of, known_since=self.plan.known_since
            )
        )

    def agreements(self, accounts: pl.DataFrame) -> pl.DataFrame:
        agreements = read_agreements(
            connection=self.connection,
            buckets=self.part.buckets,
            from_date=self.from_date,
            to_date=self.to_date,
            as_of=self.plan.facts_as_of,
            known_since=self.plan.known_since,
        )
        in_cycle = accounts.filter(pl.col("cycle") == self.plan.cycle)
        return agreements.join(in_cycle.select("account_id"), on="account_id", how="semi")

    def changed(
        self, agreements: pl.DataFrame, items: pl.DataFrame, changed_points: pl.DataFrame
    ) -> pl.DataFrame:
        """The (service_point_id, service_month) pairs of earlier months that must be rated again."""
        if not self.plan.billed_months:
            return pl.DataFrame(schema=_CHANGED)
        dated = pl.concat(
            [
                agreements.filter("is_changed").select("service_point_id", "valid_from", "valid_to"),
                changed_points.join(agreements, on="service_point_id", how="semi"),
            ]
        )
        blocked = read_blocked_months(
            connection=self.connection,
            run_months=self.plan.billed_months,
            cycle=self.plan.cycle,
            buckets=self.part.buckets,
        )
        pairs = [
            read_revised_points(
                connection=self.connection,
                months=self.plan.billed_months,
                known_since=self.plan.known_since,
                as_of=self.plan.facts_as_of,
                buckets=self.part.buckets,
                service_point_ids=outside_points(agreements, self.part.buckets),
            ).rename({"month": "service_month"}),
            *(_touching(dated, month) for month in self.plan.billed_months),
            items.filter("edition_changed").select(list(_CHANGED)),
            items.join(blocked, on=["account_id", "service_month"], how="semi").select(list(_CHANGED)),
        ]
        return pl.concat(pairs).unique().filter(pl.col("service_month") < self.plan.month)

    def rate(
        self, items: pl.DataFrame, rows: pl.DataFrame, tariffs: RunTariffs, usage: dict[str, pl.DataFrame]
    ) -> tuple[pl.DataFrame, Rated]:
        priced = items.filter(pl.col("tariff").is_not_null())
        attributes = read_attributes(
            connection=self.connection,
            tariffs=tariffs,
            items=priced,
            agreements=rows.join(priced.select("item_id"), on="item_id", how="semi"),
            buckets=self.part.buckets,
            from_date=self.from_date,
            to_date=self.to_date,
            as_of=self.plan.facts_as_of,
        )
        segments = cut_segments(
            items=priced.select("item_id", "tariff", "period_from", "period_to"),
            tariffs=tariffs.compiled,
            attributes=attributes,
            usage={
                name: frame.select("item_id", "first_date", "days_micro") for name, frame in usage.items()
            },
        )
        return segments, rate_columns(tariffs=tariffs.compiled, segments=segments)

    def lines(
        self, items: pl.DataFrame, rated: Rated, agreements: pl.DataFrame, changed: pl.DataFrame
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Lines of the run's month, and the corrections of earlier months."""
        effective = _effective_lines(items, rated.lines)
        is_due = pl.col("service_month") == self.plan.month
        posted = read_posted_lines(connection=self.connection, posted=self.part.posted, changed=changed)
        corrections = _differences(effective.filter(~is_due), posted, agreements)
        return effective.filter(is_due).select(LINE_COLUMNS), corrections.select(LINE_COLUMNS)


def _touching(dated: pl.DataFrame, month: date) -> pl.DataFrame:
    return dated.filter(
        pl.col("valid_from") < next_month(month), pl.col("valid_to").is_null() | (pl.col("valid_to") > month)
    ).select("service_point_id", service_month=pl.lit(month))


def _effective_lines(items: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    kept = lines.filter(pl.col("kind").cast(pl.String).is_in(LineKind.values))
    of_item = items.select(
        "item_id", "account_id", "agreement_id", "service_point_id", "tariff_edition_id", "service_month"
    )
    return kept.join(of_item, on="item_id", maintain_order="left").with_columns(
        pl.col("component", "kind").cast(pl.String), pl.col("quantity_micro").fill_null(0)
    )


def _differences(effective: pl.DataFrame, posted: pl.DataFrame, agreements: pl.DataFrame) -> pl.DataFrame:
    """Effective less posted by agreement, month, component and kind; what is equal gives no line."""
    now = effective.group_by(KEY, maintain_order=True).agg(
        pl.col("service_point_id", "tariff_edition_id").first(),
        pl.col("from_date").min(),
        pl.col("to_date").max(),
        pl.col("quantity_micro", "amount_minor").sum(),
    )
    both = now.join(posted, on=KEY, how="full", coalesce=True, suffix="_posted", maintain_order="left_right")
    differences = both.select(
        *KEY,
        *(
            pl.coalesce(name, f"{name}_posted").alias(name)
            for name in ("service_point_id", "tariff_edition_id", "from_date", "to_date")
        ),
        *(
            (pl.col(name).fill_null(0) - pl.col(f"{name}_posted").fill_null(0)).alias(name)
            for name in ("quantity_micro", "amount_minor")
        ),
    ).filter((pl.col("quantity_micro") != 0) | (pl.col("amount_minor") != 0))
    payer = agreements.select("agreement_id", "account_id").unique("agreement_id")
    corrections = differences.join(payer, on="agreement_id", how="left", maintain_order="left")
    assert corrections["account_id"].null_count() == 0, (
        "A posted line belongs to an agreement that is still known."
    )
    return corrections


def _in_bill_order(lines: pl.DataFrame, accounts: pl.DataFrame, agreements: pl.DataFrame) -> pl.DataFrame:
    """By account; the month's own lines first, then corrections from the latest month back, in the engine's order."""
    of_account = accounts.select("account_id", "position")
    of_agreement = agreements.select("agreement_id", "service", "provider_id").unique("agreement_id")
    return (
        lines.with_row_index("row")
        .join(of_account, on="account_id")
        .join(of_agreement, on="agreement_id")
        .sort("position", pl.col("service_month").to_physical() * -1, "row")
        .select(*LINE_COLUMNS, "service", "provider_id")
    )


def _bills(lines: pl.DataFrame, use: pl.DataFrame) -> pl.DataFrame:
    """Accounts with an item in the month or with a correction."""
    of_use = use.group_by("account_id").agg(
        pl.col("quantity_micro").sum(), pl.col("estimated_days").max().cast(pl.Int16)
    )
    corrected = lines.select("account_id").unique().join(of_use, on="account_id", how="anti")
    return pl.concat(
        [
            of_use,
            corrected.with_columns(quantity_micro=pl.lit(0, pl.Int64), estimated_days=pl.lit(0, pl.Int16)),
        ]
    )
