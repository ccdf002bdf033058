"""What accounts owed, or had paid too much, on the day before the demo's first billed month."""

from datetime import date

import numpy as np
import polars as pl

from mains.packs.definition import Pack, add_months
from mains.packs.population.accounts import Slice
from mains.packs.population.draws import Draws

MONTHS_MAX = 6


def opening_rows(pack: Pack, part: Slice, *, provider_id: int, draws: Draws) -> pl.DataFrame:
    """Opening balances as the ledger takes them: one row per unpaid month, or one credit.

    account_id, organisation_id, provider_id, service, amount_minor (positive is owed), due_date. A month's
    amount is the month's use at the pack's typical price, more or less.
    """
    shares, count = pack.population, len(part)
    month_minor = part.monthly_kwh * shares.opening_minor_per_kwh * draws.integers(80, 120, count) // 100
    old_enough = part.opened_on < np.datetime64(add_months(pack.billing.months[0], -MONTHS_MAX), "D")
    is_debtor = draws.chance(shares.debtor_share, count) & old_enough
    # Most debts are a month or two old, few are half a year old.
    months = np.minimum(draws.integers(1, MONTHS_MAX, count), draws.integers(1, MONTHS_MAX, count))
    is_creditor = draws.chance(shares.creditor_share, count) & old_enough & ~is_debtor
    owed = np.flatnonzero(is_debtor)
    row = np.repeat(owed, months[owed])
    age = np.arange(len(row)) - np.repeat(np.cumsum(months[owed]) - months[owed], months[owed]) + 1
    due = np.array(
        [
            pack.billing.due_date(add_months(pack.billing.months[0], -back - 1))
            for back in range(MONTHS_MAX + 1)
        ],
        dtype="datetime64[D]",
    )
    rows = np.concatenate((row, np.flatnonzero(is_creditor)))
    amount = np.concatenate((month_minor[row], -month_minor[is_creditor] // 2))
    due_date = np.concatenate((due[age], np.full(int(is_creditor.sum()), due[1])))
    return (
        pl.DataFrame(
            {
                "account_id": part.point[rows],
                "organisation_id": part.organisation[rows],
                "provider_id": np.full(len(rows), provider_id, dtype=np.int64),
                "service": np.full(len(rows), pack.service, dtype=object),
                "amount_minor": amount,
                "due_date": due_date,
            },
            schema_overrides={"service": pl.String},
        )
        .with_columns(pl.col("due_date").cast(pl.Date))
        .filter(pl.col("amount_minor") != 0)
    )


def brought_forward_on(pack: Pack) -> date:
    """The day at whose end the opening balances stood: the last before the first billed month."""
    first = pack.billing.months[0]
    return date.fromordinal(first.toordinal() - 1)
