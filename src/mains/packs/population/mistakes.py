"""Readings that people got wrong, and what the rules for new readings say about them."""

import numpy as np
import polars as pl

from mains.engine.usage import UnableToReadValue, judge_readings, parse_reading_value
from mains.metering.values import ReadingSource
from mains.packs.definition import Pack
from mains.packs.population.accounts import Slice
from mains.packs.population.draws import Draws
from mains.packs.population.meters import Meters, Registers

_EXCEPTIONS: dict[str, pl.DataType | type[pl.DataType]] = {
    "register_id": pl.Int64,
    "service_point_id": pl.Int64,
    "reading_date": pl.Date,
    "text_value": pl.String,
    "source": pl.Int64,
    "code": pl.String,
    "message": pl.String,
    "remedy": pl.String,
    "decision": pl.String,
    "raised_at": pl.Datetime("us", "UTC"),
}


def exception_rows(
    pack: Pack, part: Slice, meters: Meters, registers: Registers, *, readings: pl.DataFrame, draws: Draws
) -> pl.DataFrame:
    """Columns of ReadingException: mistakes typed into the portal and SMS in the last billed month, as
    judged.

    Some are lower than the last reading, some have a digit too many, some have letters. Nothing of them is a
    reading.
    """
    known = readings.filter(pl.col("reading_date") < pack.billing.months[-1])
    wrong = registers.id[draws.chance(pack.population.wrong_reading_share, len(registers.id))]
    last = (
        known.filter(pl.col("register_id").is_in(wrong.tolist()))
        .sort("register_id", "reading_date")
        .group_by("register_id", maintain_order=True)
        .last()
    )
    if last.is_empty():
        return pl.DataFrame(schema=_EXCEPTIONS)
    number = draws.integers(0, 999, last.height)
    value = last["value_micro"].to_numpy() // 1_000_000
    texts = np.select(
        [number % 4 == 0, number % 4 == 1, number % 4 == 2],
        [
            np.char.replace(value.astype(str), "0", "O"),
            (value * 10 + 7).astype(str),
            (value + 20 + number).astype(str),
        ],
        default=np.maximum(value - 20 - number, 0).astype(str),
    )
    typed = last.select("register_id", "position").with_columns(
        entry_id=pl.int_range(pl.len(), dtype=pl.Int64),
        text_value=pl.Series(texts, dtype=pl.String),
        reading_date=pl.Series(
            np.datetime64(pack.billing.months[-1], "D") + (4 + number % 20).astype("timedelta64[D]")
        ).cast(pl.Date),
        source=pl.when(pl.Series(number % 2 == 0))
        .then(ReadingSource.PORTAL.value)
        .otherwise(ReadingSource.SMS.value)
        .cast(pl.Int64),
    )
    judged = _judged(typed, part=part, meters=meters, registers=registers, known=known, pack=pack)
    doubtful = judged.filter(pl.col("decision") != "accept")
    return doubtful.with_columns(
        service_point_id=pl.Series(part.point[doubtful["position"].to_numpy()]),
        raised_at=pl.col("reading_date")
        .cast(pl.Datetime("us"))
        .dt.offset_by("9h")
        .dt.replace_time_zone("UTC"),
    ).select(pl.col(name).cast(kind) for name, kind in _EXCEPTIONS.items())


def _judged(
    typed: pl.DataFrame, *, part: Slice, meters: Meters, registers: Registers, known: pl.DataFrame, pack: Pack
) -> pl.DataFrame:
    """The typed readings with code, message, remedy and decision, by the same rules as at the door."""
    sites = _sites(part, meters, registers).filter(
        pl.col("register_id").is_in(typed["register_id"].to_list())
    )
    digits = dict(sites.select("register_id", "digits").iter_rows())
    parsed: list[tuple[int | None, str | None, str | None, str | None]] = []
    for register, text in typed.select("register_id", "text_value").iter_rows():
        try:
            parsed.append((parse_reading_value(text, digits=digits[register], decimals=0), None, None, None))
        except UnableToReadValue as error:
            parsed.append((None, error.code, error.message, error.remedy))
    values = pl.DataFrame(
        parsed,
        schema={"value_micro": pl.Int64, "code": pl.String, "message": pl.String, "remedy": pl.String},
        orient="row",
    )
    typed = typed.with_columns(value_micro=values["value_micro"])
    unreadable = typed.with_columns(
        code=values["code"], message=values["message"], remedy=values["remedy"], decision=pl.lit("refuse")
    ).filter(pl.col("value_micro").is_null())
    readable = typed.filter(pl.col("value_micro").is_not_null())
    verdicts = judge_readings(
        new=readable.select("entry_id", "register_id", "reading_date", "value_micro", priority="source"),
        registers=sites,
        known=known.filter(pl.col("register_id").is_in(typed["register_id"].to_list())).select(
            "register_id", "reading_date", "value_micro", reading_id="id", priority=pl.col("source")
        ),
        as_of_date=pack.billing.today,
    ).select("entry_id", "code", "message", "remedy", "decision")
    return pl.concat(
        [readable.join(verdicts, on="entry_id"), unreadable.select(*typed.columns, *verdicts.columns[1:])]
    )


def _sites(part: Slice, meters: Meters, registers: Registers) -> pl.DataFrame:
    """The slice's registers as the usage engine takes them."""
    meter = registers.meter
    return pl.DataFrame(
        {
            "register_id": registers.id,
            "service_point_id": part.point[meters.position[meter]],
            "zone": registers.zone,
            "digits": meters.digits[meter],
            "multiplier_micro": meters.multiplier[meter] * 1_000_000,
            "installed_from": meters.installed_from[meter],
            "installed_to": meters.installed_to[meter],
        }
    ).with_columns(pl.col("installed_from", "installed_to").cast(pl.Date))
