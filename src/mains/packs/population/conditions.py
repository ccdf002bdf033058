"""Conditions of supply of the demo: heat suspended or not delivered, rooms that were measured as cold."""

from datetime import UTC, datetime, time

import numpy as np
import polars as pl

from mains.base.column_texts import text_of
from mains.packs.definition import Pack
from mains.packs.population.accounts import Slice, tariff_codes
from mains.packs.population.draws import Draws
from mains.packs.population.places import premise_kinds

_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "service_point_id": pl.Int64,
    "name": pl.String,
    "word": pl.String,
    "value_micro": pl.Int64,
    "valid_from": pl.Date,
    "valid_to": pl.Date,
    "recorded_at": pl.Datetime("us", "UTC"),
    "proof": pl.String,
}


def condition_rows(pack: Pack, part: Slice, *, draws: Draws) -> pl.DataFrame:
    """Columns of PointCondition with days instead of `valid`: each profile's share of the premises that are connected
    and keep their payer; nobody has two of them, and at least one has each."""
    kinds = np.array(premise_kinds(pack), dtype=object)[part.kind]
    tariffs = tariff_codes(pack, part)
    free = np.isnat(part.moved_on)
    frames = [pl.DataFrame(schema=_SCHEMA)]
    for number, profile in enumerate(pack.conditions, start=1):
        may = (
            free
            & np.isin(kinds, profile.premises)
            & (part.opened_on < np.datetime64(profile.valid_from, "D"))
        )
        if profile.tariffs:
            may &= np.isin(tariffs, profile.tariffs)
        takes = draws.chance(profile.share, len(part))
        takes[np.flatnonzero(may)[:1]] = True
        rows = np.flatnonzero(may & takes)
        free[rows] = False
        is_word = isinstance(profile.value, str)
        value = None if isinstance(profile.value, str) else profile.value * 1_000
        frames.append(
            pl.DataFrame({"service_point_id": part.point[rows]}).select(
                "service_point_id",
                name=pl.lit(profile.name),
                word=pl.lit(profile.value if is_word else ""),
                value_micro=pl.lit(value, pl.Int64),
                valid_from=pl.lit(profile.valid_from),
                valid_to=pl.lit(profile.valid_to, pl.Date),
                recorded_at=pl.lit(datetime.combine(profile.known_on, time(12), tzinfo=UTC)).cast(
                    pl.Datetime("us", "UTC")
                ),
                proof=text_of(
                    profile.proof.replace("{number}", "{}"),
                    *[pl.col("service_point_id") * 10 + number] * profile.proof.count("{number}"),
                ),
            )
        )
    return pl.concat(frames)
