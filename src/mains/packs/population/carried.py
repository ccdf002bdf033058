"""What the balances of chosen tariffs open with in the demo's first billed month."""

from datetime import UTC, datetime, time
from functools import cache

import numpy as np
import polars as pl

from mains.engine.tariff import read_tariff
from mains.packs.definition import Pack
from mains.packs.population.accounts import Slice
from mains.packs.population.draws import Draws
from mains.packs.profiles import OpeningRange

_PROOF = "statement of the former system, 1"
_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "account_id": pl.Int64,
    "service_point_id": pl.Int64,
    "balance": pl.String,
    "month": pl.Date,
    "unit": pl.String,
    "value_micro": pl.Int64,
    "recorded_at": pl.Datetime("us", "UTC"),
    "proof": pl.String,
}


def carried_rows(pack: Pack, part: Slice, *, draws: Draws) -> pl.DataFrame:
    """Columns of OpeningBalance, known as the first billed month begins; whole units of the tariff's balances."""
    month = pack.billing.months[0]
    frames = [pl.DataFrame(schema=_SCHEMA)]
    for position, choice in enumerate(pack.chosen_tariffs):
        rows = np.flatnonzero(part.chosen == position)
        for balance, unit in _balances(pack.tariff_documents[choice.tariff]):
            opening = choice.openings.get(balance, OpeningRange(0, 0))
            value = draws.integers(opening.low, opening.high, len(rows))
            if opening.per_use:
                value = value * part.monthly_kwh[rows]
            frames.append(
                pl.DataFrame({"account_id": part.point[rows], "value_micro": value * 1_000_000}).select(
                    "account_id",
                    service_point_id="account_id",
                    balance=pl.lit(balance),
                    month=pl.lit(month),
                    unit=pl.lit(unit),
                    value_micro="value_micro",
                    recorded_at=pl.lit(datetime.combine(month, time(12), tzinfo=UTC)).cast(
                        pl.Datetime("us", "UTC")
                    ),
                    proof=pl.lit(_PROOF),
                )
            )
    return pl.concat(frames)


@cache
def _balances(document: str) -> tuple[tuple[str, str], ...]:
    """Names and units of the balances that a tariff carries."""
    return tuple((name, str(unit)) for name, unit in read_tariff(document).balances.items())
