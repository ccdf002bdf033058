"""Why posted interest has to be corrected: what became known about its days since the last run."""

from collections.abc import Sequence

import polars as pl

from mains.base.columns import fetch_frame
from mains.debt.models import InterestRun, InterestTerms, KeyRate
from mains.debt.queries.interest import Interest
from mains.debt.values import InterestCause

# What was recorded since an account's interest was last posted, and dated on days that it counted.
_SINCE = """
    WITH last AS (
        SELECT l.account_id, max(r.recorded_at) AS at, max(r.until) AS until
        FROM debt_interestline l JOIN debt_interestrun r ON r.id = l.run_id
        WHERE l.account_id = ANY(%(account_ids)s) GROUP BY 1
    )
    SELECT e.account_id,
           bool_or(e.kind IN ('payment', 'reversal')),
           bool_or(e.kind = 'bill' AND e.correction_minor <> 0)
    FROM ledger_entry e JOIN last ON last.account_id = e.account_id
    WHERE e.account_id = ANY(%(account_ids)s) AND e.recorded_at > last.at GROUP BY 1
"""


def with_causes(lines: pl.DataFrame, earlier: Interest, *, account_ids: Sequence[int]) -> pl.DataFrame:
    """The lines with correction_minor, what the facts say now of the days of the run before less what was posted, and
    the cause of it."""
    since = fetch_frame(
        _SINCE,
        {"account_ids": list(account_ids)},
        schema={"account_id": pl.Int64, "has_money": pl.Boolean, "has_bill": pl.Boolean},
    )
    corrected = lines.drop("correction_minor", "cause").join(
        earlier.lines.select("item_id", earlier_minor="total_minor"),
        on="item_id",
        how="left",
        maintain_order="left",
    )
    correction = pl.col("earlier_minor").fill_null(0) - pl.col("posted_minor")
    # A rule changed since then concerns every account.
    runs = list(InterestRun.objects.order_by("-id").values_list("recorded_at", flat=True)[:2])
    changed = len(runs) == 2 and any(
        model.objects.filter(recorded_at__gt=runs[1]).exists() for model in (InterestTerms, KeyRate)
    )
    cause = (
        pl.when((pl.col("correction_minor") == 0) & (pl.col("amount_minor") < 0))
        .then(pl.lit(InterestCause.OTHER.value))
        .when(pl.col("correction_minor") == 0)
        .then(pl.lit(InterestCause.DAYS.value))
        .when(pl.col("has_bill").fill_null(value=False))
        .then(pl.lit(InterestCause.BILL.value))
        .when(pl.col("has_money").fill_null(value=False))
        .then(pl.lit(InterestCause.MONEY.value))
        .otherwise(pl.lit((InterestCause.TERMS if changed else InterestCause.OTHER).value))
    )
    return (
        corrected.with_columns(correction_minor=correction)
        .join(since, on="account_id", how="left", maintain_order="left")
        .with_columns(cause=cause)
        .drop("earlier_minor", "has_money", "has_bill")
    )
