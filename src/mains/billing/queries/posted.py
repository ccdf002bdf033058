"""What earlier runs posted for the accounts of a slice."""

from collections.abc import Sequence
from datetime import date

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.base.db import read_frame
from mains.billing.values import PostedBills, RunPlan, RunSlice
from mains.metering.queries.frames import month_array

_LINES = {
    "service_month": pl.Date,
    "agreement_id": pl.Int64,
    "service_point_id": pl.Int64,
    "tariff_edition_id": pl.Int32,
    "component": pl.String,
    "kind": pl.String,
    "from_date": pl.Date,
    "to_date": pl.Date,
    "quantity_micro": pl.Int64,
    "amount_minor": pl.Int64,
}
_BILLS = {"month": pl.Date, "account_id": pl.Int64, "quantity_micro": pl.Int64}
_DENSE_SHARE = 5
"""Reading all bills of a slice is quicker than reading a fifth of them one by one."""
_FEW_BILLS = 200
KEY = ("agreement_id", "service_month", "component", "kind")


def read_posted_lines(
    *, connection: Connection, plan: RunPlan, part: RunSlice, changed: pl.DataFrame, holders: pl.DataFrame
) -> pl.DataFrame:
    """Sums of all lines that earlier runs posted for the (service_point_id, service_month) pairs of `changed`.

    `holders` are the accounts that may have been billed for them: account_id, service_month. One row per agreement_id,
    service_month, component, kind, with service_point_id, tariff_edition_id (the latest), from_date, to_date,
    quantity_micro and amount_minor.
    """
    frames = [pl.DataFrame(schema=_LINES)]
    if not changed.is_empty():
        in_ranges = _dense(part, holders)
        frames += [_read_lines(connection, bills) for bills in in_ranges]
        ids = _find_bills(connection, plan, holders, in_ranges=[bills.month for bills in in_ranges])
        # A few bills are looked for in all months at once.
        groups = [ids] if ids.height <= _FEW_BILLS else ids.partition_by("month")
        frames += [_read_lines_of(connection, group) for group in groups if not group.is_empty()]
    pairs = ["service_point_id", "service_month"]
    # The order in which the database gives rows may differ after an interruption; nothing here may depend on it.
    return (
        pl.concat(frames)
        .join(changed.select(pairs), on=pairs, how="semi")
        .group_by(KEY)
        .agg(
            pl.col("service_point_id").max(),
            pl.col("tariff_edition_id").max(),
            pl.col("from_date").min(),
            pl.col("to_date").max(),
            pl.col("quantity_micro", "amount_minor").cast(pl.Int128).sum().cast(pl.Int64, strict=True),
        )
        .sort(KEY)
    )


def _dense(part: RunSlice, holders: pl.DataFrame) -> list[PostedBills]:
    """The last runs of which so many bills are wanted that all of the slice's are read."""
    found = []
    for bills in part.posted:
        wanted = holders.filter(pl.col("service_month") <= bills.month)["account_id"].n_unique()
        if wanted * _DENSE_SHARE >= len(bills.bill_ids) > 0:
            found.append(bills)
    return found


def _find_bills(
    connection: Connection, plan: RunPlan, holders: pl.DataFrame, *, in_ranges: Sequence[date]
) -> pl.DataFrame:
    """Bills of the holders that earlier runs posted from their months on: month, bill_id. Of the months `in_ranges`
    and of the run's own month only those of recalculations."""
    first = min(holders["service_month"])
    months = [month for month in plan.billed_months if month >= first and month not in in_ranges]
    touched = holders.filter(pl.col("service_month") <= max(months)) if months else holders.clear()
    return read_frame(
        """
        SELECT month, id AS bill_id FROM billing_bill
        WHERE account_id = ANY(%(touched)s::bigint[]) AND month = ANY(%(months)s::date[]) AND recorded_at < %(as_of)s
        UNION
        SELECT r.month, r.first_bill_id + l.position AS bill_id
        FROM billing_billrunaccount l JOIN billing_billrun r ON r.id = l.run_id
        WHERE l.account_id = ANY(%(accounts)s::bigint[]) AND r.month = ANY(%(recalculated)s::date[])
          AND r.facts_as_of < %(as_of)s
        """,
        {
            "touched": touched["account_id"].unique().sort(),
            "months": month_array(months),
            "accounts": holders["account_id"].unique().sort(),
            "recalculated": month_array([*in_ranges, plan.month]),
            "as_of": plan.facts_as_of,
        },
        connection=connection,
    )


def read_posted_between(
    *, connection: Connection, plan: RunPlan, service_point_ids: pl.Series | None = None
) -> pl.DataFrame:
    """For which service points and billed months recalculations and settlements of one account have posted, or kept
    balances, since the last run of all: service_point_id, month.

    What they knew may have been taken back since, so that nothing else tells of it. Looks at all points, or at those
    named: then at the runs of accounts that ever had them alone, for a month may see many thousands of others.
    """
    named = service_point_ids is not None
    of_holders = """
              AND id IN (SELECT run_id FROM billing_billrunaccount WHERE account_id IN (
                  SELECT account_id FROM customers_agreement WHERE service_point_id = ANY(%(points)s::bigint[])))"""
    return read_frame(
        f"""
        WITH single AS (
            SELECT id, month, first_bill_id, account_id FROM billing_billrun
            WHERE account_id IS NOT NULL AND month = %(month)s AND cycle = %(cycle)s
              AND facts_as_of > %(known_since)s AND facts_as_of < %(as_of)s {of_holders if named else ""}
        )
        SELECT DISTINCT service_point_id, month FROM (
            SELECT l.service_point_id, l.service_month AS month
            FROM single s JOIN billing_billline l ON l.month = %(month)s AND l.bill_id = s.first_bill_id
            WHERE l.service_month < %(month)s
            UNION ALL
            SELECT k.service_point_id, k.month
            FROM single s JOIN billing_carriedbalance k ON k.account_id = s.account_id AND k.run_id = s.id
            WHERE k.month = ANY(%(months)s::date[])
        ) AS posted {"WHERE service_point_id = ANY(%(points)s::bigint[])" if named else ""}
        """,
        {
            "month": plan.month,
            "months": month_array(plan.billed_months),
            "cycle": plan.cycle,
            "known_since": plan.known_since,
            "as_of": plan.facts_as_of,
            "points": service_point_ids,
        },
        connection=connection,
    )


def read_billed_quantities(*, connection: Connection, posted: Sequence[PostedBills]) -> pl.DataFrame:
    """The quantity of each earlier bill of the slice's accounts: month, account_id, quantity_micro."""
    statement = """
        SELECT month, account_id, quantity_micro FROM billing_bill
        WHERE month = %(month)s AND id >= %(first)s AND id < %(next)s
    """
    frames = [read_frame(statement, _place(bills), connection=connection) for bills in posted]
    return pl.concat([pl.DataFrame(schema=_BILLS), *frames])


def read_last_amounts(*, connection: Connection, posted: Sequence[PostedBills]) -> pl.DataFrame:
    """What the slice's accounts were billed for the month before: account_id, last_minor."""
    if not posted:
        return pl.DataFrame(schema={"account_id": pl.Int64, "last_minor": pl.Int64})
    return read_frame(
        """
        SELECT account_id, amount_minor AS last_minor FROM billing_bill
        WHERE month = %(month)s AND id >= %(first)s AND id < %(next)s
        """,
        _place(posted[-1]),
        connection=connection,
    )


def read_owed_accounts(*, connection: Connection, run_ids: Sequence[int]) -> pl.Series:
    """Accounts that any of the runs left unbilled: it owes them its own month and whatever corrections of earlier
    months it had found."""
    return read_frame(
        """
        SELECT DISTINCT account_id FROM billing_billexception
        WHERE run_id = ANY(%(runs)s::bigint[]) AND blocking AND account_id IS NOT NULL ORDER BY 1
        """,
        {"runs": list(run_ids)},
        connection=connection,
    )["account_id"]


def _read_lines_of(connection: Connection, bills: pl.DataFrame) -> pl.DataFrame:
    return read_frame(
        f"""
        SELECT {", ".join(_LINES)} FROM billing_billline
        WHERE month = ANY(%(months)s::date[]) AND bill_id = ANY(%(bills)s::bigint[])
        """,
        {"months": month_array(bills["month"].unique().to_list()), "bills": bills["bill_id"]},
        connection=connection,
    )


def _read_lines(connection: Connection, bills: PostedBills) -> pl.DataFrame:
    return read_frame(
        f"""
        SELECT {", ".join(_LINES)} FROM billing_billline
        WHERE month = %(month)s AND bill_id >= %(first)s AND bill_id < %(next)s
        """,
        _place(bills),
        connection=connection,
    )


def _place(bills: PostedBills) -> dict[str, object]:
    return {"month": bills.month, "first": bills.bill_ids.start, "next": bills.bill_ids.stop}
