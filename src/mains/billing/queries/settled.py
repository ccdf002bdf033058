"""Of a run's own month, what final settlements have billed, and what a settlement is to bill."""

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
from mains.tariffs.queries.editions import list_editions

_PAIRS = {"service_point_id": pl.Int64, "service_month": pl.Date}
_USE = {"account_id": pl.Int64, "quantity_micro": pl.Int64}


def settled_pairs(agreements: pl.DataFrame, plan: RunPlan) -> pl.DataFrame:
    """The (service_point_id, service_month) pairs of the run's own month of which effective less posted is billed.

    In a monthly run those of all accounts that were settled in the month: whatever became known since is new. In a
    settlement the service points that its account no longer holds, the day after the facts count; what it still holds
    is left to the monthly run. `agreements` as `read_agreements` gives them, believed or not.
    """
    if not plan.settled_account_ids:
        return pl.DataFrame(schema=_PAIRS)
    end, following = pl.col("valid_to"), next_month(plan.month)
    own = agreements.filter(
        pl.col("account_id").is_in(pl.Series(plan.settled_account_ids).implode()),
        pl.col("valid_from") < following,
        end.is_null() | (end > plan.month),
    )
    if plan.settles:
        own = own.join(agreements.filter(_is_held(plan)), on="service_point_id", how="anti")
    return own.select("service_point_id", service_month=pl.lit(plan.month)).unique().sort("service_point_id")


def left_points(*, connection: Connection, plan: RunPlan) -> pl.Series:
    """Service points of which a settlement bills the open month."""
    agreements = read_agreements(
        connection=connection,
        buckets=range(0),
        from_date=plan.month,
        to_date=next_month(plan.month),
        as_of=plan.facts_as_of,
        account_ids=pl.Series("account_id", plan.settled_account_ids, dtype=pl.Int64),
    )
    return settled_pairs(agreements, plan)["service_point_id"]


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
    """What settlements have billed of the use of the run's month, by account: account_id, quantity_micro.

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
          ON l.account_id = c.id AND r.kind = 'settlement' AND r.month = %(month)s AND r.facts_as_of < %(as_of)s
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
