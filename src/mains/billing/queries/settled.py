"""Of a run's own month, what final settlements have billed, and what a settlement or a correction of it is to bill."""

from datetime import timedelta

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.base.db import read_frame
from mains.base.rows import fetch_rows
from mains.billing.queries.records import BillRecord
from mains.billing.values import COMMON_USE, RunPlan, RunSlice
from mains.customers.queries.frames import read_agreements
from mains.engine.tariff import read_tariff
from mains.kernel.period import next_month
from mains.metering.queries.frames import read_registers, read_usage_of_points
from mains.metering.values import DayQuality
from mains.tariffs.queries.editions import list_editions

_SUPPLIES = {"account_id": pl.Int64, "service_point_id": pl.Int64, "tariff_id": pl.Int64}
_SUPPLY = ["account_id", "service_point_id"]
_UNTOLD = f"[{DayQuality.NONE.value}{DayQuality.UNMETERED.value}]"
"""Of what the meter counted on such a day nothing tells; an act may tell of use besides."""
_USE = {"account_id": pl.Int64, "quantity_micro": pl.Int64}


def settled_supplies(agreements: pl.DataFrame, plan: RunPlan) -> pl.DataFrame:
    """The supplies of which the run bills effective less posted in its own month: account_id, service_point_id,
    tariff_id.

    In a monthly run those of all accounts that were settled in the month: whatever became known since is new. In a
    settlement, and in a recalculation of settled accounts, the service points that the account no longer holds, the day
    after the facts count; what it still holds is left to the monthly run. In an on-site bill those that it holds.
    `agreements` as `read_agreements` gives them, believed or not.
    """
    if not plan.settled_account_ids:
        return pl.DataFrame(schema=_SUPPLIES)
    end, following = pl.col("valid_to"), next_month(plan.month)
    own = agreements.filter(
        pl.col("account_id").is_in(pl.Series(plan.settled_account_ids).implode()),
        pl.col("valid_from") < following,
        end.is_null() | (end > plan.month),
    )
    if plan.settles:
        held = agreements.filter(_is_held(plan))
        own = own.join(held, on=_SUPPLY, how="semi" if plan.goes_on else "anti")
    return own.select(*_SUPPLIES).unique().sort(*_SUPPLIES)


def until_billed(agreements: pl.DataFrame, plan: RunPlan) -> pl.DataFrame:
    """Agreement rows as far as the run bills them: those of an on-site bill end with the day on which it is made."""
    if not plan.goes_on:
        return agreements
    assert plan.billed_through is not None
    end = plan.billed_through + timedelta(days=1)
    return agreements.filter(pl.col("valid_from") < end).with_columns(
        valid_to=pl.min_horizontal(pl.col("valid_to").fill_null(end), pl.lit(end))
    )


def of_settled(rows: pl.DataFrame, settled: pl.DataFrame, plan: RunPlan) -> pl.DataFrame:
    """Rows (account_id, service_point_id, service_month …) without those of the run's own month that it leaves to the
    monthly run: other payers had the same service points."""
    if plan.bills_own_month or settled.is_empty():
        return rows
    place = rows.join(
        settled.select(_SUPPLY).unique().with_columns(is_settled=pl.lit(value=True)),
        on=_SUPPLY,
        how="left",
        maintain_order="left",
    )
    return place.filter((pl.col("service_month") < plan.month) | pl.col("is_settled")).drop("is_settled")


def read_left_supplies(
    *, connection: Connection, plan: RunPlan, account_ids: pl.Series | None = None
) -> pl.DataFrame:
    """The supplies of which a settlement bills the open month, or a recalculation corrects it, of all settled accounts
    or of those among the named: account_id, service_point_id, tariff_id."""
    settled = pl.Series("account_id", plan.settled_account_ids, dtype=pl.Int64)
    if account_ids is not None:
        settled = settled.filter(settled.is_in(account_ids.implode()))
    if settled.is_empty():
        return pl.DataFrame(schema=_SUPPLIES)
    agreements = read_agreements(
        connection=connection,
        buckets=range(0),
        from_date=plan.month,
        to_date=next_month(plan.month),
        as_of=plan.facts_as_of,
        account_ids=settled,
    )
    return settled_supplies(agreements, plan)


def read_untold_supplies(*, connection: Connection, plan: RunPlan, supplies: pl.DataFrame) -> pl.DataFrame:
    """Those of the supplies (account_id, service_point_id) that have a metered day in the run's month, up to the
    account's last one, of which neither readings nor the meter's own history tell. Averages of classes are kept with
    the month's run only, and nobody must guess nought."""
    points, following = supplies["service_point_id"].unique().sort(), next_month(plan.month)
    used = read_usage_of_points(
        connection=connection,
        months=[plan.month],
        as_of=plan.facts_as_of,
        service_point_ids=points,
        columns=["quality"],
    )
    meters = read_registers(
        connection=connection,
        buckets=range(0),
        from_date=plan.month,
        to_date=following,
        as_of=plan.facts_as_of,
        service_point_ids=points,
    )
    paid = read_agreements(
        connection=connection,
        buckets=range(0),
        from_date=plan.month,
        to_date=following,
        as_of=plan.facts_as_of,
        account_ids=supplies["account_id"].unique().sort(),
    ).filter("is_believed")
    first = pl.max_horizontal("valid_from", "installed_from", pl.lit(plan.month))
    end = pl.min_horizontal(
        pl.col("valid_to").fill_null(following),
        pl.col("installed_to").fill_null(following),
        pl.lit(following),
    )
    letters = pl.col("quality").str.slice(
        (first - pl.lit(plan.month)).dt.total_days(), (end - first).dt.total_days().clip(lower_bound=0)
    )
    return (
        supplies.select(_SUPPLY)
        .unique()
        .join(paid, on=_SUPPLY)
        .join(meters, on="service_point_id")
        .join(used, on=["service_point_id", "zone"])
        .filter(letters.str.contains(_UNTOLD))
        .select(_SUPPLY)
        .unique()
        .sort(_SUPPLY)
    )


def waits_for_shares(*, connection: Connection, plan: RunPlan, lines: pl.DataFrame) -> bool:
    """Whether a tariff of the lines prices shares of common use: of the open month these are drawn up by its run."""
    editions = set(lines["tariff_edition_id"])
    found = list_editions(connection=connection, as_of=plan.facts_as_of, known_since=plan.facts_as_of)
    return any(
        COMMON_USE in read_tariff(edition.document).quantities
        for edition in found
        if edition.edition_id in editions
    )


def has_shares_to_come(*, bill: BillRecord) -> bool:
    """Whether a settlement's bill is priced by a tariff that reads shares of common use: these follow."""
    documents = fetch_rows(
        str,
        """
        SELECT e.document FROM tariffs_tariffedition e
        WHERE e.id IN (SELECT l.tariff_edition_id FROM billing_billline l
                       WHERE l.month = %(month)s AND l.bill_id = %(bill)s AND l.service_month = %(month)s)
        """,
        {"month": bill.month, "bill": bill.id},
    )
    return any(COMMON_USE in read_tariff(document).quantities for document in documents)


def read_settled_use(*, connection: Connection, plan: RunPlan, part: RunSlice) -> pl.DataFrame:
    """What settlements, and corrections of them, have billed of the use of the run's month, by account: account_id,
    quantity_micro.

    A settlement's own account is there, if with nothing.
    """
    if not plan.settled_account_ids:
        return pl.DataFrame(schema=_USE)
    return read_frame(
        """
        SELECT c.id AS account_id, coalesce(sum(b.quantity_micro), 0)::bigint AS quantity_micro
        FROM customers_account c
        LEFT JOIN (billing_billrun r JOIN billing_billrunaccount l ON l.run_id = r.id
                   JOIN billing_bill b ON b.month = r.month AND b.id = r.first_bill_id + l.position)
          ON l.account_id = c.id AND r.kind IN ('settlement', 'recalculation', 'on_site') AND r.month = %(month)s
         AND r.facts_as_of < %(as_of)s
        WHERE c.id = ANY(%(accounts)s::bigint[])
          AND (%(named)s::boolean OR (c.bucket >= %(first)s AND c.bucket < %(next)s))
        GROUP BY c.id
        """,
        {
            "accounts": plan.settled_account_ids,
            "month": plan.month,
            "as_of": plan.facts_as_of,
            "named": part.account_ids is not None,
            "first": part.buckets.start,
            "next": part.buckets.stop,
        },
        connection=connection,
    )


def _is_held(plan: RunPlan) -> pl.Expr:
    """Whether the payer goes on after the day up to which a settlement may reach."""
    tomorrow = plan.facts_as_of.date() + timedelta(days=1)
    return (
        pl.col("is_believed")
        & pl.col("account_id").is_in(pl.Series(plan.settled_account_ids).implode())
        & (pl.col("valid_to").is_null() | (pl.col("valid_to") > tomorrow))
    )
