"""The bank's register of a month's payments: written from the bills, with the mistakes that banks and people
make.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from adbc_driver_postgresql.dbapi import Connection

from mains.base.column_texts import text_of
from mains.base.db import read_frame
from mains.packs.definition import Pack, add_months
from mains.packs.population.draws import Draws

# Of a thousand bills: paid in full, in part, with older debt, twice. The rest is not paid in the month.
_PAID, _PARTLY, _WITH_DEBT, _TWICE = 690, 70, 60, 8
# Of a thousand payments: account number with a wrong digit, or of nobody at all.
_WRONG_DIGIT, _UNKNOWN = 4, 2
# When a month's due date is still ahead, only the quickest have paid.
_EARLY_SHARE = 0.3


@dataclass(frozen=True, kw_only=True)
class WrittenRegister:
    """The file, its control totals, and the last day on which somebody in it paid (None when nobody did)."""

    path: Path
    count: int
    total_minor: int
    last_paid_on: date | None


def write_payment_register(
    *, pack: Pack, month: date, seed: int, folder: Path, connection: Connection
) -> WrittenRegister:
    """Write who paid the bills of `month` before the next bills were computed, or by the pack's today.

    The file is in the layout of the mapping `bank_csv` (docs/payments-register.md), with control totals at
    its end; the same bills and seed give the same bytes.
    """
    bills = read_frame(
        """
        SELECT a.number AS account, c.name AS payer, b.amount_minor,
               coalesce((SELECT sum(e.amount_minor) FROM ledger_entry e
                         WHERE e.account_id = b.account_id AND e.recorded_at <= b.recorded_at), 0)::bigint AS owed_minor
        FROM billing_bill b
        JOIN customers_account a ON a.id = b.account_id
        JOIN customers_customer c ON c.id = a.customer_id
        WHERE b.month = %(month)s AND b.amount_minor > 0
        ORDER BY b.account_id
        """,
        {"month": month},
        connection=connection,
    )
    payments = _payments(pack, bills, month=month, draws=Draws(seed=seed, stream=f"payments {month}"))
    path = folder / f"bank-{month:%Y-%m}.csv"
    total = int(payments["amount_minor"].sum())
    trailer = f"TOTAL,{payments.height},{total // 100}.{total % 100:02d}\n"
    text = _lines(payments).write_csv(quote_style="necessary") + trailer
    path.write_text(text, encoding="utf-8")
    last = payments["paid_on"].max()
    return WrittenRegister(
        path=path,
        count=payments.height,
        total_minor=total,
        last_paid_on=last if isinstance(last, date) else None,
    )


def _payments(pack: Pack, bills: pl.DataFrame, *, month: date, draws: Draws) -> pl.DataFrame:
    """account, paid_on, amount_minor, reference, payer, in the order of days."""
    count = bills.height
    chance = draws.integers(0, 999, count)
    amount, owed = bills["amount_minor"].to_numpy(), bills["owed_minor"].to_numpy()
    partly = np.maximum(amount * draws.integers(20, 80, count) // 100, 1)
    limits = np.cumsum([_PAID, _PARTLY, _WITH_DEBT, _TWICE])
    paid = np.select(
        [chance < limits[0], chance < limits[1], chance < limits[2], chance < limits[3]],
        [amount, partly, np.maximum(owed, amount), amount],
        default=0,
    )
    first, last = pack.billing.issue_date(month), _register_closes(pack, month)
    if last > pack.billing.today:
        paid = np.where(draws.chance(_EARLY_SHARE, count), paid, 0)
    days = max(1, (min(last, pack.billing.today) - first).days)
    # Most pay soon after the bill: the lower of two draws.
    delay = np.minimum(draws.integers(1, days, count), draws.integers(1, days, count))
    frame = bills.select("account", "payer").with_columns(
        amount_minor=pl.Series(paid),
        paid_on=pl.lit(first) + pl.duration(days=pl.lit(pl.Series(delay))),
        position=pl.int_range(count, dtype=pl.Int64),
    )
    twice = frame.filter(pl.Series((chance >= limits[2]) & (chance < limits[3])))
    frame = pl.concat([frame, twice]).filter(pl.col("amount_minor") > 0).sort("paid_on", "position")
    mistake = pl.Series(draws.integers(0, 999, frame.height))
    return frame.with_columns(
        account=pl.when(mistake < _WRONG_DIGIT)
        .then(_with_wrong_digit(pl.col("account")))
        .when(mistake < _WRONG_DIGIT + _UNKNOWN)
        .then(pl.lit("9999") + pl.col("account").str.slice(4))
        .otherwise("account"),
        reference=text_of(
            "{}-{}", pl.lit(f"{month:%y%m}"), pl.int_range(1, pl.len() + 1).cast(pl.String).str.zfill(7)
        ),
    )


def _register_closes(pack: Pack, month: date) -> date:
    """Last day of the register: it is imported the day after, in time for the next bill to show the payments."""
    return pack.billing.cut_off(add_months(month, 1)) - timedelta(days=2)


def _with_wrong_digit(number: pl.Expr) -> pl.Expr:
    """The number with its third digit one higher: the check digit no longer fits."""
    digit = (number.str.slice(2, 1).cast(pl.Int64) + 1) % 10
    return number.str.slice(0, 2) + digit.cast(pl.String) + number.str.slice(3)


def _lines(payments: pl.DataFrame) -> pl.DataFrame:
    minor = pl.col("amount_minor")
    return payments.select(
        "account",
        paid_on=pl.col("paid_on").cast(pl.String),
        amount=(minor // 100).cast(pl.String) + pl.lit(".") + (minor % 100).cast(pl.String).str.zfill(2),
        reference="reference",
        payer="payer",
    )
