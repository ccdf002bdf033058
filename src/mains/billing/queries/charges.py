"""The bills of a slice of accounts: effective charges of the month, and differences to what was posted before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.balance.queries.frames import read_revised_shares
from mains.billing.queries import exceptions as found
from mains.billing.queries.attributes import outside_points, read_attributes
from mains.billing.queries.carried import LEFT
from mains.billing.queries.chains import BalanceChain, begin_chain, with_followers
from mains.billing.queries.interval_items import MeasuredItems, measure_items
from mains.billing.queries.items import cut_items, make_items, read_item_shares, read_item_usage
from mains.billing.queries.posted import (
    KEY,
    read_billed_quantities,
    read_owed_accounts,
    read_posted_lines,
)
from mains.billing.queries.run_tariffs import RunTariffs, compile_editions
from mains.billing.queries.settled import (
    of_settled,
    read_settled_use,
    read_untold_supplies,
    settled_supplies,
    until_billed,
)
from mains.billing.values import CATCH_UP_MONTHS, LineKind, RunKind, RunPlan, RunSlice
from mains.customers.queries.frames import read_accounts, read_agreements
from mains.engine.columns import rate_columns
from mains.kernel.period import next_month
from mains.metering.queries.frames import read_revised_points
from mains.tariffs.queries.editions import list_editions

LINE_COLUMNS = (
    "account_id", "agreement_id", "service_point_id", "tariff_edition_id", "service_month", "component", "kind",
    "from_date", "to_date", "quantity_micro", "amount_minor",
)  # fmt: skip
_ITEM = ("agreement_id", "service_month")
_NOTHING_CARRIED = pl.DataFrame(schema=LEFT | {"revision": pl.Int16})
_CHANGED = {"service_point_id": pl.Int64, "service_month": pl.Date}
_ITEMS_AT_ONCE = 80_000


@dataclass(frozen=True, kw_only=True)
class SliceCharges:
    """What a slice owes.

    `accounts`: account_id, bucket, organisation_id, position (its place among the accounts of the run).
    `lines`: LINE_COLUMNS with service and provider_id, in the order of the bills; `service_month` before the run's
    month marks a correction. `bills`: account_id, quantity_micro, estimated_days of every account that gets a bill.
    `exceptions`: account_id, service_point_id, code, message, blocking. `carried`: what is to be kept of balances, as
    `BalanceChain.changes` gives it.
    """

    accounts: pl.DataFrame
    lines: pl.DataFrame
    bills: pl.DataFrame
    exceptions: pl.DataFrame
    carried: pl.DataFrame


def compute_charges(
    *, connection: Connection, plan: RunPlan, part: RunSlice, changed_points: pl.DataFrame
) -> SliceCharges:
    """Rate the slice's accounts with the facts of `plan.facts_as_of`; nothing is written.

    `changed_points` are the service points of which other facts are known than to the last run: service_point_id,
    valid_from, valid_to. Accounts with a blocking exception have neither lines nor a bill.
    """
    scope = _Scope(connection=connection, plan=plan, part=part)
    accounts = scope.accounts()
    tariffs = scope.tariffs()
    agreements = scope.agreements(accounts)
    changed = scope.changed(agreements, tariffs, changed_points)
    settled = settled_supplies(agreements, plan)
    compared = pl.concat([changed, _in_month(settled, plan.month)])
    items, rows = make_items(
        agreements=until_billed(agreements, plan),
        months=[plan.month] if plan.bills_own_month else [],
        changed=changed if plan.bills_own_month else compared,
        editions=tariffs.editions,
    )
    items = of_settled(items, settled, plan)
    posted = of_settled(
        read_posted_lines(
            connection=connection,
            plan=plan,
            part=part,
            changed=compared,
            holders=_holders(agreements, compared),
        ).join(
            agreements.select("agreement_id", "account_id").unique(), on="agreement_id", maintain_order="left"
        ),
        settled,
        plan,
    ).drop("account_id")
    chain = begin_chain(
        connection=connection,
        plan=plan,
        tariffs=tariffs,
        agreements=agreements,
        items=items,
        changed=compared,
    )
    parts = scope.rate_all(items, rows, tariffs, posted, chain)
    use = pl.concat([each.use for each in parts])
    exceptions = pl.concat(
        [
            found.unpriced(items),
            *(each.refused for each in parts),
            *scope.odd_use(use),
            *scope.unclaimed(chain),
            *scope.untold(settled),
        ]
    )
    blocked = exceptions.filter("blocking")["account_id"].unique()
    effective = pl.concat([each.lines for each in parts])
    # Of the run's own month nothing is posted yet, save to those who moved out and were settled.
    begun = posted.filter(pl.col("service_month") == plan.month)["agreement_id"].unique()
    is_due = (pl.col("service_month") == plan.month) & ~pl.col("agreement_id").is_in(begun.implode())
    corrections = _differences(effective.filter(~is_due), posted, agreements)
    lines = pl.concat([effective.filter(is_due).select(LINE_COLUMNS), corrections.select(LINE_COLUMNS)])
    lines = lines.filter(~pl.col("account_id").is_in(blocked.implode()))
    use = use.filter(~pl.col("account_id").is_in(blocked.implode()))
    return SliceCharges(
        accounts=accounts.select("account_id", "bucket", "organisation_id", "position"),
        lines=_in_bill_order(lines, accounts, agreements),
        bills=_bills(lines, use, settled=read_settled_use(connection=connection, plan=plan, part=part)),
        exceptions=exceptions,
        carried=_NOTHING_CARRIED if chain is None else chain.changes(blocked=blocked),
    )


@dataclass(frozen=True, kw_only=True)
class _Part:
    """Some items rated: their `lines`, their `refused` as exceptions, and the `use` of those of the run's month."""

    lines: pl.DataFrame
    refused: pl.DataFrame
    use: pl.DataFrame


@dataclass(frozen=True, kw_only=True)
class _Scope:
    connection: Connection
    plan: RunPlan
    part: RunSlice

    def accounts(self) -> pl.DataFrame:
        """The slice's accounts with their positions; those named in the order in which they are named."""
        found = read_accounts(
            connection=self.connection,
            buckets=self.part.read_buckets,
            last_account_id=self.plan.last_account_id,
            account_ids=self.part.account_ids,
        )
        if self.part.account_ids is not None:
            named = pl.DataFrame({"account_id": self.part.account_ids}, schema={"account_id": pl.Int64})
            found = named.join(found, on="account_id", maintain_order="left").with_columns(
                bucket=pl.lit(self.part.buckets.start, pl.Int16)
            )
        return found.with_columns(position=pl.int_range(pl.len(), dtype=pl.Int64) + self.part.first_position)

    def tariffs(self) -> RunTariffs:
        return compile_editions(
            list_editions(
                connection=self.connection, as_of=self.plan.facts_as_of, known_since=self.plan.known_since
            )
        )

    def agreements(self, accounts: pl.DataFrame) -> pl.DataFrame:
        agreements = read_agreements(
            connection=self.connection,
            buckets=self.part.read_buckets,
            from_date=min([*self.plan.billed_months, self.plan.month]),
            to_date=next_month(self.plan.month),
            as_of=self.plan.facts_as_of,
            account_ids=self.part.account_ids,
        )
        in_cycle = accounts.filter(pl.col("cycle") == self.plan.cycle)
        return agreements.join(in_cycle.select("account_id"), on="account_id", how="semi")

    def changed(
        self, agreements: pl.DataFrame, tariffs: RunTariffs, changed_points: pl.DataFrame
    ) -> pl.DataFrame:
        """The (service_point_id, service_month) pairs of billed months that must be rated again."""
        months = self.plan.billed_months
        if not months:
            return pl.DataFrame(schema=_CHANGED)
        priced = agreements.join(tariffs.editions.select("tariff_id", "changed_from"), on="tariff_id")
        owed = read_owed_accounts(connection=self.connection, run_ids=self.plan.owing_run_ids)
        days = ["service_point_id", "valid_from", "valid_to"]
        dated = pl.concat(
            [
                changed_points.join(agreements, on="service_point_id", how="semi").select(days),
                priced.filter(pl.col("changed_from").is_not_null())
                .with_columns(valid_from=pl.max_horizontal("valid_from", "changed_from"))
                .select(days),
                agreements.filter(pl.col("account_id").is_in(owed.implode())).select(days),
            ]
        )
        changed = pl.concat([_touching(dated, months), self._revised(agreements)]).unique()
        if tariffs.carrying:
            changed = with_followers(changed, agreements=agreements, tariffs=tariffs, months=months)
        return changed.sort("service_month", "service_point_id")

    def _revised(self, agreements: pl.DataFrame) -> pl.DataFrame:
        """Whose use or share of the month before the run's is another now; a recalculation knows it of all months."""
        revised = pl.DataFrame(schema=_CHANGED)
        if self.plan.bills_own_month:
            revised = read_revised_points(
                connection=self.connection,
                months=self.plan.billed_months[-1:],
                known_since=self.plan.known_since,
                as_of=self.plan.facts_as_of,
                buckets=self.part.read_buckets,
                service_point_ids=outside_points(agreements, self.part.read_buckets),
            ).rename({"month": "service_month"})
            shares = read_revised_shares(
                connection=self.connection,
                months=self.plan.billed_months[-1:],
                known_since=self.plan.known_since,
                as_of=self.plan.facts_as_of,
                buckets=self.part.read_buckets,
                service_point_ids=outside_points(agreements, self.part.read_buckets),
            ).rename({"month": "service_month"})
            revised = pl.concat([revised, shares])
        return revised.join(agreements, on="service_point_id", how="semi")

    def rate_all(
        self,
        items: pl.DataFrame,
        rows: pl.DataFrame,
        tariffs: RunTariffs,
        posted: pl.DataFrame,
        chain: BalanceChain | None,
    ) -> list[_Part]:
        """All items, those whose tariff carries balances by ascending month."""
        carrying = items.clear()
        if chain is not None:
            does_carry = pl.col("tariff_id").is_in(tariffs.carrying)
            carrying = items.filter(does_carry).sort("service_month", maintain_order=True)
            items = items.filter(~does_carry)
        parts = []
        if not items.is_empty() or carrying.is_empty():
            parts += [self.rate(some, rows, tariffs, posted) for some in _in_chunks(items)]
        if not carrying.is_empty():
            parts += [self.rate(some, rows, tariffs, posted, chain) for some in _in_chunks(carrying)]
        return parts

    def rate(
        self,
        items: pl.DataFrame,
        rows: pl.DataFrame,
        tariffs: RunTariffs,
        posted: pl.DataFrame,
        chain: BalanceChain | None = None,
    ) -> _Part:
        """Rate items; with the `chain` of the balances that they carry from month to month, if they do."""
        usage = read_item_usage(
            connection=self.connection,
            items=items,
            buckets=self.part.read_buckets,
            as_of=self.plan.facts_as_of,
        )
        billed = (
            posted if chain is None else pl.concat([posted.select(_ITEM), chain.known.kept.select(_ITEM)])
        )
        items = self._billable(items, usage["usage_micro"], billed)
        usage = {name: frame.join(items, on="item_id", how="semi") for name, frame in usage.items()}
        priced = items.filter(pl.col("tariff").is_not_null())
        measured = measure_items(
            connection=self.connection, tariffs=tariffs.compiled, items=priced, as_of=self.plan.facts_as_of
        )
        priced = priced.join(measured.refused, on="item_id", how="anti", maintain_order="left")
        segments = self._segments(priced, rows, tariffs, usage, measured)
        if chain is None:
            rated = rate_columns(tariffs=tariffs.compiled, segments=segments)
        else:
            rated = chain.rate(items=priced, segments=segments)
        due = items.filter(pl.col("service_month") == self.plan.month)
        return _Part(
            lines=_effective_lines(items, rated.lines),
            refused=pl.concat([found.refused(items, measured.refused), found.refused(items, rated.refused)]),
            use=found.use_of_items(due, segments, usage["usage_micro"]),
        )

    def _billable(self, items: pl.DataFrame, usage: pl.DataFrame, posted: pl.DataFrame) -> pl.DataFrame:
        """Without months long past of which neither use is kept nor anything was billed: they belong to the balance
        that the account was opened with."""
        is_recent = pl.col("service_month") >= self.plan.catch_up_from
        if items.filter(~is_recent).is_empty():
            return items
        kept = usage.filter(pl.col("quality") != "").select("item_id", is_kept=pl.lit(value=True))
        billed = posted.select(*_ITEM, is_billed=pl.lit(value=True)).unique()
        return (
            items.join(kept, on="item_id", how="left", maintain_order="left")
            .join(billed, on=_ITEM, how="left", maintain_order="left")
            .filter(is_recent | pl.col("is_kept") | pl.col("is_billed"))
            .drop("is_kept", "is_billed")
        )

    def _segments(
        self,
        priced: pl.DataFrame,
        rows: pl.DataFrame,
        tariffs: RunTariffs,
        usage: dict[str, pl.DataFrame],
        measured: MeasuredItems,
    ) -> pl.DataFrame:
        first = min(priced["service_month"], default=self.plan.month)
        # The same dates for all slices wherever possible: what is kept of the network serves the next slice too.
        recent = min([*self.plan.billed_months[-CATCH_UP_MONTHS:], self.plan.month])
        attributes = read_attributes(
            connection=self.connection,
            tariffs=tariffs,
            items=priced,
            agreements=rows.join(priced.select("item_id"), on="item_id", how="semi"),
            buckets=self.part.read_buckets,
            from_date=recent if first >= recent else self.plan.billed_months[0],
            to_date=next_month(self.plan.month),
            as_of=self.plan.facts_as_of,
        )
        shares = read_item_shares(
            connection=self.connection,
            tariffs=tariffs.compiled,
            items=priced,
            buckets=self.part.read_buckets,
            as_of=self.plan.facts_as_of,
            has_shares=self.part.has_shares,
        )
        days, attributes = measured.among(usage, attributes)
        return cut_items(
            items=priced.select("item_id", "tariff", "period_from", "period_to"),
            tariffs=tariffs.compiled,
            attributes=attributes,
            usage=days,
            shares=shares,
        )

    def unclaimed(self, chain: BalanceChain | None) -> list[pl.DataFrame]:
        if chain is None or not self.plan.bills_own_month:
            return []
        return [found.unclaimed_balances(chain.unclaimed(month=self.plan.month))]

    def untold(self, settled: pl.DataFrame) -> list[pl.DataFrame]:
        """A settlement refuses what nothing tells of by itself; a recalculation blocks the account."""
        if settled.is_empty() or self.plan.kind != RunKind.RECALCULATION:
            return []
        untold = read_untold_supplies(connection=self.connection, plan=self.plan, supplies=settled)
        return [found.untold_use(untold)]

    def odd_use(self, use: pl.DataFrame) -> list[pl.DataFrame]:
        if not self.plan.bills_own_month:
            return []
        billed = read_billed_quantities(connection=self.connection, posted=self.part.posted)
        return [found.odd_use(use, billed, month=self.plan.month)]


def _in_month(supplies: pl.DataFrame, month: date) -> pl.DataFrame:
    return supplies.select("service_point_id", service_month=pl.lit(month)).unique().sort("service_point_id")


def _holders(agreements: pl.DataFrame, changed: pl.DataFrame) -> pl.DataFrame:
    """Accounts that had one of the points in the month, as believed now or ever before: account_id, service_month."""
    month = pl.col("service_month")
    return (
        agreements.join(changed, on="service_point_id")
        .filter(
            pl.col("valid_from") < month.dt.offset_by("1mo"),
            pl.col("valid_to").is_null() | (pl.col("valid_to") > month),
        )
        .select("account_id", "service_month")
        .unique()
    )


def _in_chunks(items: pl.DataFrame) -> list[pl.DataFrame]:
    """The items, some months at a time where they are many: what is in memory does not grow with the years. One empty
    part of none."""
    if items.height <= _ITEMS_AT_ONCE:
        return [items]
    chunks: list[list[pl.DataFrame]] = [[]]
    room = _ITEMS_AT_ONCE
    for month in items.partition_by("service_month", maintain_order=True):
        if chunks[-1] and month.height > room:
            chunks.append([])
            room = _ITEMS_AT_ONCE
        chunks[-1].append(month)
        room -= month.height
    return [pl.concat(chunk) for chunk in chunks]


def _touching(dated: pl.DataFrame, months: Sequence[date]) -> pl.DataFrame:
    """The (service_point_id, service_month) pairs of the months in which the days of each row lie."""
    first = pl.DataFrame({"service_month": months}, schema={"service_month": pl.Date})
    month = pl.col("service_month")
    return (
        dated.join(first, how="cross")
        .filter(
            pl.col("valid_from") < month.dt.offset_by("1mo"),
            pl.col("valid_to").is_null() | (pl.col("valid_to") > month),
        )
        .select("service_point_id", "service_month")
    )


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


def _bills(lines: pl.DataFrame, use: pl.DataFrame, *, settled: pl.DataFrame) -> pl.DataFrame:
    """Accounts with an item in the month or with a correction. Those of `settled` (account_id, quantity_micro that
    settlements have billed of the month) get a bill only for what is new, over the rest of the use."""
    of_use = use.group_by("account_id").agg(
        pl.col("quantity_micro").sum(), pl.col("estimated_days").max().cast(pl.Int16)
    )
    if not settled.is_empty():
        before = pl.col("quantity_micro_before")
        of_use = (
            of_use.join(settled, on="account_id", how="full", coalesce=True, suffix="_before")
            .filter(before.is_null() | pl.col("account_id").is_in(lines["account_id"].unique().implode()))
            .select(
                "account_id",
                pl.col("quantity_micro").fill_null(0) - before.fill_null(0),
                pl.col("estimated_days").fill_null(0),
            )
        )
    corrected = lines.select("account_id").unique().join(of_use, on="account_id", how="anti")
    return pl.concat(
        [
            of_use,
            corrected.with_columns(quantity_micro=pl.lit(0, pl.Int64), estimated_days=pl.lit(0, pl.Int16)),
        ]
    )
