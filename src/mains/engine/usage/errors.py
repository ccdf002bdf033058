"""Found errors of meters: stretches are cut where an error begins or ends, so that each part has one error or none."""

from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mains.engine.usage.frames import (
    HUNDRED_PERCENT,
    METER_ERRORS,
    PERCENT_MAX,
    UnableToComputeUsage,
    refuse_rows,
)
from mains.engine.usage.gaps import Pieces

Ints = NDArray[np.int64]
_OPEN_END = 2**31
_USE_MAX_MICRO = 2**62


def check_errors(errors: pl.DataFrame) -> None:
    """Raise UnableToComputeUsage when an error is of no day, out of bounds, or meets another of its register."""
    ordered = errors.sort("register_id", "valid_from")
    overlap = (pl.col("register_id") == pl.col("register_id").shift()) & (
        pl.col("valid_from") < pl.col("valid_to").fill_null(pl.date(9999, 12, 31)).shift()
    )
    refuse_rows(
        ordered,
        spec=METER_ERRORS,
        bad=(pl.col("valid_to") <= pl.col("valid_from")) | overlap,
        column="valid_from, valid_to",
        message="Errors of one register have days and do not overlap.",
    )
    refuse_rows(
        errors,
        spec=METER_ERRORS,
        bad=(pl.col("percent_hundredths") <= -HUNDRED_PERCENT) | (pl.col("percent_hundredths") > PERCENT_MAX),
        column="percent_hundredths",
        message="An error lies above -100 % and is at most +1000 %.",
    )


def cut_by_errors(*, stretches: Pieces, registers: Ints, errors: pl.DataFrame) -> Pieces:
    """The stretches, those that errors touch in parts. `registers` has the register of each installation.

    Parts keep the stretch's anchor, so that days outside the error have what they had.
    """
    if errors.is_empty():
        return stretches
    met = _met(stretches, registers, errors)
    cuts = pl.concat([met.select("stretch", at=name) for name in ("start", "end", "first", "last")])
    parts = (
        cuts.unique()
        .sort("stretch", "at")
        .with_columns(until=pl.col("at").shift(-1).over("stretch"))
        .drop_nulls("until")
        .join(
            met.select("stretch", "error", at="first"),
            on=["stretch", "at"],
            how="left",
            maintain_order="left",
        )
    )
    of_stretch = parts["stretch"].cast(pl.Int64).to_numpy()
    cut = replace(
        stretches.take(of_stretch),
        start=parts["at"].to_numpy(),
        end=parts["until"].to_numpy(),
        error=parts["error"].fill_null(0).to_numpy(),
    )
    _refuse_too_large(cut)
    untouched = np.ones(len(stretches.start), dtype=np.bool_)
    untouched[of_stretch] = False
    return Pieces.join([stretches.take(untouched), cut])


def _met(stretches: Pieces, registers: Ints, errors: pl.DataFrame) -> pl.DataFrame:
    """Each stretch with each error that touches it, from `first` to `last`: the boundaries that they share."""
    spans = pl.DataFrame(
        {
            "register_id": registers[stretches.installation],
            "start": stretches.start,
            "end": stretches.end,
        },
        schema_overrides={"register_id": pl.Int64, "start": pl.Int64, "end": pl.Int64},
    ).with_row_index("stretch")
    dated = errors.select(
        "register_id",
        error_from=pl.col("valid_from").cast(pl.Int32).cast(pl.Int64),
        error_to=pl.col("valid_to").cast(pl.Int32).cast(pl.Int64).fill_null(_OPEN_END),
        error=pl.col("percent_hundredths").cast(pl.Int64),
    )
    return (
        spans.join(dated, on="register_id")
        .with_columns(
            first=pl.max_horizontal("start", "error_from"), last=pl.min_horizontal("end", "error_to")
        )
        .filter(pl.col("first") < pl.col("last"))
    )


def _refuse_too_large(pieces: Pieces) -> None:
    wrong = pieces.take(np.flatnonzero(pieces.error))
    safe = wrong.use_micro // (HUNDRED_PERCENT + wrong.error) < _USE_MAX_MICRO // HUNDRED_PERCENT
    if not safe.all():
        raise UnableToComputeUsage(
            code="usage-corrected-too-large",
            message="The corrected use of a meter exceeds what 64 bits can hold.",
            place=f"opening reading {int(wrong.opening[~safe][0])}",
            remedy="Correct the found error of this meter, or its readings.",
        )
