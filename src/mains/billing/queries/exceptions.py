"""What a person should look at before or after a run: accounts that cannot be billed, and odd use.

Every function returns account_id (null where nobody pays), service_point_id, code, message, blocking.
"""

from datetime import date

import polars as pl

from mains.base.column_texts import text_of
from mains.billing.values import ExceptionCode
from mains.engine.facts import MICRO

HIGH_FACTOR = 4
"""Use above this many times the average of the months before is shown to a person."""

_HIGH_MIN_MICRO = 200_000_000
_SCHEMA = {
    "account_id": pl.Int64,
    "service_point_id": pl.Int64,
    "code": pl.String,
    "message": pl.String,
    "blocking": pl.Boolean,
}


NO_EXCEPTIONS = pl.DataFrame(schema=_SCHEMA)


def use_of_items(items: pl.DataFrame, segments: pl.DataFrame, usage: pl.DataFrame | None) -> pl.DataFrame:
    """Use of each item's days: item_id, account_id, service_point_id, quantity_micro, estimated_days, is_metered,
    is_stored."""
    base = items.select(
        "item_id", "account_id", "service_point_id", "period_from", "period_to", "service_month"
    )
    quality = (
        usage.select("item_id", "quality")
        if usage is not None
        else pl.DataFrame(schema={"item_id": pl.Int64, "quality": pl.String})
    )
    quantity = segments.group_by("item_id").agg(quantity_micro=pl.col("usage_micro").sum())
    offset = (pl.col("period_from") - pl.col("service_month")).dt.total_days()
    length = (pl.col("period_to") - pl.col("period_from")).dt.total_days()
    letters = pl.col("quality").str.slice(offset, length)
    return (
        base.join(quality, on="item_id", how="left", maintain_order="left")
        .join(quantity, on="item_id", how="left", maintain_order="left")
        .select(
            "item_id",
            "account_id",
            "service_point_id",
            pl.col("quantity_micro").fill_null(0),
            estimated_days=letters.str.count_matches("[EFCNfcn]").fill_null(0).cast(pl.Int32),
            is_metered=letters.str.contains("[IEMAFCNmafcn]").fill_null(value=False),
            is_stored=(pl.col("quality").fill_null("") != ""),
        )
    )


def unpriced(items: pl.DataFrame) -> pl.DataFrame:
    """Items whose tariff has no edition: the account stays unbilled."""
    rows = items.filter(pl.col("tariff").is_null())
    return _exceptions(
        rows,
        code=ExceptionCode.NO_TARIFF,
        message=text_of(
            "No edition of tariff {} is published. Publish one; the next run bills the month.", "tariff_id"
        ),
        blocking=True,
    )


def refused(items: pl.DataFrame, refusals: pl.DataFrame) -> pl.DataFrame:
    """Items that the engine could not rate: the account stays unbilled."""
    rows = refusals.join(items, on="item_id")
    return rows.select(
        "account_id",
        "service_point_id",
        pl.col("code").cast(pl.String).str.slice(0, 40),
        pl.col("message").cast(pl.String),
        blocking=pl.lit(value=True),
    ).sort("account_id", "service_point_id", "code")


def untold_use(supplies: pl.DataFrame) -> pl.DataFrame:
    """Settled supplies of whose days in the open month neither readings nor the meter's own history tell."""
    return _exceptions(
        supplies,
        code=ExceptionCode.NO_FORECAST,
        message=pl.lit(
            "Nothing tells of the use of the open month any more. Give a reading, or wait for the month's bill run."
        ),
        blocking=True,
    )


def unclaimed_balances(left: pl.DataFrame) -> pl.DataFrame:
    """What bills left of balances with which no item went on: a person decides whether it is paid out."""
    sign = pl.when(pl.col("value_micro") < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    micro = pl.col("value_micro").abs()
    fraction = (micro % MICRO).cast(pl.String).str.zfill(6).str.strip_chars_end("0")
    point = pl.when(fraction == "").then(pl.lit("")).otherwise(pl.lit("."))
    return _exceptions(
        left,
        code=ExceptionCode.BALANCE_UNCLAIMED,
        message=text_of(
            "{} {} of {} were left on {}, and no tariff goes on with it."
            " Pay it out, or record an opening balance.",
            pl.concat_str(sign, (micro // MICRO).cast(pl.String), point, fraction),
            "unit",
            "balance",
            "to_date",
        ),
    )


def odd_use(use: pl.DataFrame, history: pl.DataFrame, *, month: date) -> pl.DataFrame:
    """Metered accounts without any use for three months, and those far above the average of their last months."""
    metered = use.group_by("account_id").agg(
        pl.col("service_point_id").first(),
        pl.col("quantity_micro").sum(),
        pl.col("is_metered").all(),
        pl.col("is_stored").all(),
    )
    past = (
        history.filter(pl.col("month") < month)
        .group_by("account_id")
        .agg(months=pl.len(), most=pl.col("quantity_micro").max(), past_sum=pl.col("quantity_micro").sum())
    )
    known = metered.join(past, on="account_id", how="left")
    is_metered = pl.col("is_metered")
    zero = known.filter(is_metered, pl.col("quantity_micro") == 0, pl.col("months") >= 2, pl.col("most") == 0)
    quantity, past_sum = pl.col("quantity_micro"), pl.col("past_sum")
    high = known.filter(
        is_metered,
        pl.col("months") >= 2,
        past_sum > 0,
        quantity // HIGH_FACTOR * pl.col("months") > past_sum,
        quantity - past_sum // pl.col("months") > _HIGH_MIN_MICRO,
    )
    whole = pl.col("quantity_micro") // 1_000_000
    return pl.concat(
        [
            _exceptions(
                known.filter(~pl.col("is_stored")),
                code=ExceptionCode.NO_USAGE,
                message=pl.lit(
                    "No daily use is stored: the service point was not connected. Billed without use."
                ),
            ),
            _exceptions(
                zero,
                code=ExceptionCode.ZERO_USE,
                message=text_of("The meter has shown no use for {} months.", pl.col("months") + 1),
            ),
            _exceptions(
                high,
                code=ExceptionCode.HIGH_USE,
                message=text_of(
                    "Use of {} is more than {} times the average of {}.",
                    whole,
                    pl.lit(HIGH_FACTOR),
                    past_sum // pl.col("months") // 1_000_000,
                ),
            ),
        ]
    )


def agreement_gaps(
    points: pl.DataFrame,
    payers: pl.DataFrame,
    totals: pl.DataFrame,
    *,
    rest_points: pl.Series,
    month: date,
    following: date,
) -> pl.DataFrame:
    """Connected service points that nobody pays for on some day of the month.

    `points`: connected_from, connected_to; `payers`: service_point_id, valid_from, valid_to, not overlapping;
    `totals`: service_point_id, total_micro of the month; `rest_points`: those of the points that take what is over the
    cap of a house.
    """

    def days(start: str, end: str) -> pl.Expr:
        last = pl.min_horizontal(pl.col(end).fill_null(following), pl.lit(following))
        return (last - pl.max_horizontal(pl.col(start), pl.lit(month))).dt.total_days().clip(lower_bound=0)

    connected = points.group_by("service_point_id").agg(
        connected=days("connected_from", "connected_to").sum()
    )
    paid = payers.group_by("service_point_id").agg(paid=days("valid_from", "valid_to").sum())
    used = totals.group_by("service_point_id").agg(used=pl.col("total_micro").sum() // 1_000_000)
    rows = (
        connected.join(paid, on="service_point_id", how="left")
        .join(used, on="service_point_id", how="left")
        .with_columns(
            missing=pl.col("connected") - pl.col("paid").fill_null(0), account_id=pl.lit(None, pl.Int64)
        )
        .filter(pl.col("missing") > 0)
    )
    return _exceptions(
        rows,
        code=ExceptionCode.AGREEMENT_GAP,
        message=pl.when(pl.col("service_point_id").is_in(rest_points.implode()))
        .then(
            text_of(
                "Nobody pays what is over the cap of the house on {} of {} days."
                " Agree on it with the managing company.",
                "missing",
                "connected",
            )
        )
        .otherwise(
            text_of(
                "Nobody pays for {} of {} days; use in the month: {}.",
                "missing",
                "connected",
                pl.col("used").fill_null(0),
            )
        ),
    )


def _exceptions(
    rows: pl.DataFrame, *, code: ExceptionCode, message: pl.Expr, blocking: bool = False
) -> pl.DataFrame:
    return (
        rows.select(
            "account_id",
            "service_point_id",
            code=pl.lit(code.value),
            message=message,
            blocking=pl.lit(value=blocking),
        )
        .unique()
        .sort("account_id", "service_point_id")
        .select(pl.col(name).cast(kind) for name, kind in _SCHEMA.items())
    )
