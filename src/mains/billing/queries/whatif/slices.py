"""One slice of accounts rated twice: by the tariffs in force and by the drafts. Reads only, and only what both need."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.base.db import reading_connect
from mains.base.processes import kept_open
from mains.billing.queries.attributes import outside_points, read_attributes
from mains.billing.queries.chains import BalanceChain, read_known
from mains.billing.queries.interval_items import measure_items
from mains.billing.queries.items import (
    cut_items,
    make_items,
    read_item_shares,
    read_item_usage,
    usage_columns,
)
from mains.billing.queries.run_tariffs import RunTariffs
from mains.billing.queries.whatif.drafts import Draft, TriedTariffs, compile_drafts
from mains.billing.queries.whatif.shares import ShareOrigin, ShareSource, estimate_shares
from mains.customers.queries.frames import read_accounts, read_agreements
from mains.engine.columns import POSTED_KINDS, rate_columns
from mains.kernel.period import next_month
from mains.metering.actions.projections import project_usage
from mains.metering.actions.seasons import Seasons
from mains.tariffs.queries.editions import list_editions

EXTREMES = 100
"""How many accounts are kept of those that pay most more, and of those that pay most less."""

_BOTH = ("before_minor", "after_minor")
_NOTHING = pl.DataFrame(schema={"service_point_id": pl.Int64, "service_month": pl.Date})
_KINDS = [str(kind) for kind in POSTED_KINDS]


@dataclass(frozen=True, kw_only=True)
class WhatIfPlan:
    """What all slices share. `organisation_ids` limits the accounts, None is the whole utility; the use of
    `projected_months` is computed from the readings known at `as_of`, that of the others was stored by a run.
    `seasons`: how months to come are forecast, None without any. `shares`: whence the shares of each month are, where
    a tariff reads them."""

    months: tuple[date, ...]
    projected_months: frozenset[date]
    drafts: tuple[Draft, ...]
    as_of: datetime
    last_account_id: int
    organisation_ids: frozenset[int] | None
    seasons: Seasons | None = None
    shares: Mapping[date, ShareSource] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class WhatIfTask:
    """A slice. `class_averages` as `metering.actions.usage.keep_averages` gives them."""

    plan: WhatIfPlan
    buckets: range
    class_averages: pl.DataFrame


@dataclass(frozen=True, kw_only=True)
class WhatIfPart:
    """Sums of a slice; amounts in minor units, of the bills that both sides could price.

    `months`: month, bills, quantity_micro, before_minor, after_minor; the same by category in `classes` and by
    organisation_id in `units`. `components`: component, kind, before_minor, after_minor. `changes`: change_minor,
    tenths (of a percent; null where nothing was paid before), bills. `accounts`: the extremes, account_id,
    organisation_id, category, bills and sums over all months, out of `accounts_count`. `refused`: side, code, message,
    bills, account_id (one of them). `as_year_before`: month, and as_year_before, of how many bills the intervals to
    come are taken for those of a year before.
    """

    months: pl.DataFrame
    classes: pl.DataFrame
    units: pl.DataFrame
    components: pl.DataFrame
    changes: pl.DataFrame
    accounts: pl.DataFrame
    accounts_count: int
    refused: pl.DataFrame
    as_year_before: pl.DataFrame


def price_slice(task: WhatIfTask) -> WhatIfPart:
    """Rate the slice's accounts month by month on both sides and sum up; nothing is written."""
    with _connection() as connection:
        return _Slice(task=task, connection=connection).price()


@contextmanager
def _connection() -> Iterator[Connection]:
    with kept_open(reading_connect) as connection:
        yield connection
        connection.rollback()


@dataclass(frozen=True, kw_only=True)
class _Priced:
    """`bills`: account_id, organisation_id, category, quantity_micro, before_minor, after_minor of one month."""

    month: date
    bills: pl.DataFrame
    components: pl.DataFrame
    refused: pl.DataFrame
    as_year_before: int


@dataclass(frozen=True, kw_only=True)
class _Slice:
    task: WhatIfTask
    connection: Connection

    def price(self) -> WhatIfPart:
        plan, tariffs = self.task.plan, self._tariffs()
        agreements = self._agreements(tariffs)
        projected = self._projected(agreements)
        chains = {
            "before": self._chain(agreements, tariffs.run),
            "after": self._chain(agreements, tariffs.after, before=tariffs.run),
        }
        priced = [
            self._month(month, tariffs, agreements, projected.get(month), chains) for month in plan.months
        ]
        bills = pl.concat([one.bills.with_columns(month=pl.lit(one.month)) for one in priced])
        of_account = bills.group_by("account_id").agg(
            pl.col("organisation_id", "category").last(), pl.len().alias("bills"), pl.col(_BOTH).sum()
        )
        return WhatIfPart(
            months=_sums(bills, "month"),
            classes=_sums(bills, "category"),
            units=_sums(bills, "organisation_id"),
            components=pl.concat([one.components for one in priced])
            .group_by("component", "kind")
            .agg(pl.col(_BOTH).sum()),
            changes=_changes(bills),
            accounts=extremes(of_account),
            accounts_count=of_account.height,
            refused=pl.concat([one.refused for one in priced])
            .group_by("side", "code", "message")
            .agg(pl.col("bills").sum(), pl.col("account_id").min()),
            as_year_before=pl.DataFrame(
                [(one.month, one.as_year_before) for one in priced],
                schema={"month": pl.Date, "as_year_before": pl.Int64},
                orient="row",
            ),
        )

    def _tariffs(self) -> TriedTariffs:
        plan = self.task.plan
        editions = list_editions(connection=self.connection, as_of=plan.as_of, known_since=plan.as_of)
        return compile_drafts(editions, plan.drafts)

    def _agreements(self, tariffs: TriedTariffs) -> pl.DataFrame:
        plan = self.task.plan
        accounts = read_accounts(
            connection=self.connection, buckets=self.task.buckets, last_account_id=plan.last_account_id
        )
        if plan.organisation_ids is not None:
            accounts = accounts.filter(pl.col("organisation_id").is_in(sorted(plan.organisation_ids)))
        agreements = read_agreements(
            connection=self.connection,
            buckets=self.task.buckets,
            from_date=min(plan.months),
            to_date=next_month(max(plan.months)),
            as_of=plan.as_of,
        )
        return agreements.join(tariffs.run.editions.select("tariff_id"), on="tariff_id", how="semi").join(
            accounts.select("account_id", "organisation_id"), on="account_id"
        )

    def _projected(self, agreements: pl.DataFrame) -> dict[date, pl.DataFrame]:
        plan = self.task.plan
        months = [month for month in plan.months if month in plan.projected_months]
        if not months:
            return {}
        return project_usage(
            connection=self.connection,
            buckets=self.task.buckets,
            outside_points=outside_points(agreements, self.task.buckets),
            months=months,
            as_of=plan.as_of,
            class_averages=self.task.class_averages,
            seasons=plan.seasons,
        )

    def _chain(
        self, agreements: pl.DataFrame, tariffs: RunTariffs, *, before: RunTariffs | None = None
    ) -> BalanceChain | None:
        """The balances of a side, carried from what was kept before the first month; None where it has none."""
        if tariffs.balances.is_empty():
            return None
        plan = self.task.plan
        accounts = agreements["account_id"].unique().sort()
        months = pl.Series("service_month", plan.months, dtype=pl.Date)
        known = read_known(
            connection=self.connection,
            account_ids=accounts,
            months=months,
            as_of=plan.as_of,
            agreements=agreements,
        )
        return BalanceChain(
            tariffs=tariffs,
            known=known,
            rated_pairs=agreements.select("service_point_id").unique().join(months.to_frame(), how="cross"),
            balances_before=None if before is None else before.balances,
        )

    def _month(
        self,
        month: date,
        tariffs: TriedTariffs,
        agreements: pl.DataFrame,
        projected: pl.DataFrame | None,
        chains: Mapping[str, BalanceChain | None],
    ) -> _Priced:
        buckets, as_of = self.task.buckets, self.task.plan.as_of
        items, rows = make_items(
            agreements=agreements, months=[month], changed=_NOTHING, editions=tariffs.run.editions
        )
        if projected is None:
            usage = read_item_usage(connection=self.connection, items=items, buckets=buckets, as_of=as_of)
        else:
            usage = usage_columns(items, projected.with_columns(month=pl.lit(month)))
        attributes = read_attributes(
            connection=self.connection,
            tariffs=tariffs.run,
            items=items,
            agreements=rows,
            buckets=buckets,
            from_date=month,
            to_date=next_month(month),
            as_of=as_of,
        )
        shares = self._shares(month, tariffs, items)
        lines, refused, quantities = {}, {}, pl.DataFrame()
        on_draft = pl.col("tariff").cast(pl.String).replace(tariffs.draft_of)
        segments = pl.DataFrame()
        taken = set()
        for side in ("before", "after"):
            own = items.with_columns(on_draft) if side == "after" else items
            measured = measure_items(
                connection=self.connection,
                tariffs=tariffs.run.compiled,
                items=own,
                as_of=as_of,
                coming_from=as_of.date(),
            )
            taken |= {*measured.as_year_before}
            own = own.join(measured.refused, on="item_id", how="anti", maintain_order="left")
            if side == "after" and measured.item_ids.is_empty() and tariffs.cuts_alike(items):
                segments = segments.with_columns(on_draft)
            else:
                days, known = measured.among(usage, attributes)
                segments = cut_items(
                    items=own.select("item_id", "period_from", "period_to", "tariff"),
                    tariffs=tariffs.run.compiled,
                    attributes=known,
                    usage=days,
                    shares=shares,
                )
            chain = chains[side]
            if chain is None:
                rated = rate_columns(tariffs=tariffs.run.compiled, segments=segments)
            else:
                rated = chain.rate(items=own, segments=segments)
            lines[side] = rated.lines
            refused[side] = pl.concat(
                [rated.refused, measured.refused.cast(rated.refused.schema)], how="vertical"
            )
            quantities = segments.group_by("item_id").agg(quantity_micro=pl.col("usage_micro").sum())
        place = items.join(
            agreements.select("account_id", "organisation_id").unique("account_id"), on="account_id"
        ).join(rows.group_by("item_id").agg(pl.col("category").last()), on="item_id")
        items = place.join(quantities, on="item_id", how="left")
        return _compared(month, items, lines, refused, as_year_before=taken)

    def _shares(self, month: date, tariffs: TriedTariffs, items: pl.DataFrame) -> pl.DataFrame | None:
        """What the items are given of the remainders of nodes: as balanced, or estimated; None where no tariff asks."""
        source = self.task.plan.shares.get(month)
        if source is None or source.origin is ShareOrigin.OWN:
            return read_item_shares(
                connection=self.connection,
                tariffs=tariffs.run.compiled,
                items=items,
                buckets=self.task.buckets,
                as_of=self.task.plan.as_of,
            )
        return estimate_shares(
            connection=self.connection,
            source=source,
            items=items,
            buckets=self.task.buckets,
            month=month,
            as_of=self.task.plan.as_of,
        )


def _compared(
    month: date,
    items: pl.DataFrame,
    lines: dict[str, pl.DataFrame],
    refused: dict[str, pl.DataFrame],
    *,
    as_year_before: set[int],
) -> _Priced:
    """A bill that one side cannot price is left out of both: the difference would say nothing of the prices."""
    faults = pl.concat(
        [
            frame.join(items.select("item_id", "account_id"), on="item_id").with_columns(side=pl.lit(side))
            for side, frame in refused.items()
        ]
    )
    left_out = faults["account_id"].unique()
    counted = items.filter(~pl.col("account_id").is_in(left_out.implode()))
    posted = {
        side: frame.filter(pl.col("kind").cast(pl.String).is_in(_KINDS))
        .join(counted.select("item_id"), on="item_id", how="semi")
        .select("item_id", pl.col("component", "kind").cast(pl.String), **{f"{side}_minor": "amount_minor"})
        for side, frame in lines.items()
    }
    bills = counted.select("item_id", "account_id", "organisation_id", "category", "quantity_micro")
    parts = []
    for side, frame in posted.items():
        name = f"{side}_minor"
        bills = bills.join(frame.group_by("item_id").agg(pl.col(name).sum()), on="item_id", how="left")
        parts.append(frame.group_by("component", "kind").agg(pl.col(name).sum()))
    components = parts[0].join(parts[1], on=["component", "kind"], how="full", coalesce=True)
    return _Priced(
        month=month,
        bills=bills.group_by("account_id", maintain_order=True).agg(
            pl.col("organisation_id", "category").first(),
            pl.col("quantity_micro", *_BOTH).fill_null(0).sum(),
        ),
        components=components.select("component", "kind", pl.col(_BOTH).fill_null(0)),
        refused=faults.group_by("side", "code", "message").agg(
            pl.len().cast(pl.Int64).alias("bills"), pl.col("account_id").min()
        ),
        as_year_before=counted.filter(pl.col("item_id").is_in(sorted(as_year_before)))[
            "account_id"
        ].n_unique(),
    )


def extremes(accounts: pl.DataFrame) -> pl.DataFrame:
    """The accounts that pay most more, and those that pay most less; equal ones by id. Each once, though both lists
    begin with the same ones where all change alike."""
    change = pl.col("after_minor") - pl.col("before_minor")
    if accounts.height <= 2 * EXTREMES:
        return accounts
    most = accounts.sort(change, "account_id", descending=[True, False]).head(EXTREMES)
    least = accounts.sort(change, "account_id").head(EXTREMES)
    return pl.concat([most, least]).unique("account_id", maintain_order=True)


def _sums(bills: pl.DataFrame, key: str) -> pl.DataFrame:
    change = pl.col("after_minor") - pl.col("before_minor")
    return bills.group_by(key).agg(
        pl.len().cast(pl.Int64).alias("bills"),
        pl.col("quantity_micro", *_BOTH).sum(),
        more=(change > 0).sum().cast(pl.Int64),
        less=(change < 0).sum().cast(pl.Int64),
    )


def _changes(bills: pl.DataFrame) -> pl.DataFrame:
    change, before = pl.col("after_minor") - pl.col("before_minor"), pl.col("before_minor")
    # Towards zero, so that a class of more than 5 percent holds nobody who pays just 4.99 percent more.
    tenths = pl.when(before > 0).then(change.abs() * 1000 // before * change.sign())
    return (
        bills.select(change_minor=change, tenths=tenths)
        .group_by("change_minor", "tenths")
        .agg(bills=pl.len())
    )
