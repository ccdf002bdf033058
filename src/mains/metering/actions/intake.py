"""The door for readings, many at once or one: parse, judge, and keep what is taken and what is not.

Whoever judges holds the registers' locks until the transaction ends, so two people who read one meter at the same
moment are judged one after the other.
"""

from collections.abc import Sequence
from datetime import date, datetime

import polars as pl
from django.db import connection

from mains.base.column_texts import text_of
from mains.base.columns import append_frame, fetch_frame
from mains.engine.usage.judging import judge_readings
from mains.engine.usage.values import FAULTS, parse_reading_values
from mains.metering.queries.readings import neighbours, read_displays, read_known, read_sites, usual_use

ENTRIES = {
    "entry_id": pl.Int64,
    "register_id": pl.Int64,
    "named": pl.String,
    "reading_date": pl.Date,
    "text_value": pl.String,
    "source": pl.Int16,
    "evidence": pl.String,
}
"""Readings at the door. `register_id` is null where nobody found the register that `named` tells of; `evidence` is
JSON text or null; entry_id is unique."""

REPEATED = "duplicate"
TEXT_MAX = 60


def lock_registers(register_ids: Sequence[int]) -> None:
    """Hold the registers until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT FROM metering_register WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE",
            [list(register_ids)],
        )


def judge_entries(
    entries: pl.DataFrame,
    *,
    today: date,
    without: Sequence[int] = (),
    is_repeat_of_withdrawn: bool = False,
) -> pl.DataFrame:
    """The entries (columns ENTRIES, in their order) with the verdict of each.

    Adds value_micro, decision (accept, queue, refuse), code, message, remedy, other_reading_id, other_date,
    use_micro, service_point_id and bucket. `without`:
    ids of readings to be judged as if they were not there. With `is_repeat_of_withdrawn` a reading that was taken
    once and withdrawn since counts as known: the same file again must not bring it back.
    """
    register_ids = entries["register_id"].drop_nulls().unique().sort().to_list()
    sites = read_sites(register_ids)
    first_date = entries["reading_date"].min()
    assert isinstance(first_date, date), "At least one dated entry is judged."
    ever = read_known(register_ids, first_date=first_date)
    known = ever.filter(pl.col("is_believed") & ~pl.col("reading_id").is_in(list(without)))
    parsed = _parsed(entries)
    verdicts = judge_readings(
        new=parsed.filter(pl.col("value_micro").is_not_null()).select(
            "entry_id",
            "register_id",
            "reading_date",
            "value_micro",
            priority="source",
        ),
        registers=sites,
        known=neighbours(known, entries=entries),
        as_of_date=today,
        usual=usual_use(known, sites=sites),
    ).select(
        "entry_id", "decision", "code", "message", "remedy", "other_reading_id", "other_date", "use_micro"
    )
    judged = _placed(_with_verdict(parsed, verdicts), sites=sites)
    return _with_repeats(judged, ever.filter(~pl.col("is_believed"))) if is_repeat_of_withdrawn else judged


def keep_taken(judged: pl.DataFrame, *, actor_id: int | None, now: datetime) -> int:
    """Write the entries that are accepted as facts; how many."""
    taken = judged.filter(pl.col("decision") == "accept")
    return append_frame(
        taken.select(
            "register_id",
            "bucket",
            "reading_date",
            "value_micro",
            "source",
            "evidence",
            recorded_at=pl.lit(now).cast(pl.Datetime("us", "UTC")),
            recorded_by_id=pl.lit(actor_id, pl.Int64),
            proof=pl.lit(""),
        ),
        "metering_reading",
    )


def keep_doubted(
    judged: pl.DataFrame, *, actor_id: int | None, now: datetime, is_decided_kept_away: bool = False
) -> int:
    """Write the entries that are queued or refused to the work list, save the ones that wait there already; how many.

    A reading that is known already needs no decision and is not listed. With `is_decided_kept_away` those that were
    listed once and decided since are not listed again either: they come from the same file.
    """
    doubted = judged.filter(pl.col("decision") != "accept", pl.col("code") != REPEATED)
    doubted = _unlisted(
        doubted.with_columns(pl.col("text_value").str.head(TEXT_MAX)), is_decided_listed=is_decided_kept_away
    )
    return append_frame(
        doubted.select(
            "register_id",
            "service_point_id",
            "reading_date",
            "text_value",
            "source",
            "code",
            "message",
            "remedy",
            "decision",
            raised_at=pl.lit(now).cast(pl.Datetime("us", "UTC")),
            raised_by_id=pl.lit(actor_id, pl.Int64),
            resolution=pl.lit(""),
        ),
        "metering_readingexception",
    )


def _parsed(entries: pl.DataFrame) -> pl.DataFrame:
    """With value_micro, and `fault` where the text is no value of the register."""
    shown = entries.join(
        read_displays(entries["register_id"].drop_nulls().unique().to_list()),
        on="register_id",
        how="left",
        maintain_order="left",
    )
    values = parse_reading_values(
        texts=shown["text_value"],
        # Nobody knows what an unknown register shows; any figure passes, and the register is refused.
        digits=shown["digits"].fill_null(12),
        decimals=shown["decimals"].fill_null(6),
    )
    return entries.with_columns(value_micro=values["value_micro"], fault=values["code"])


def _with_verdict(parsed: pl.DataFrame, verdicts: pl.DataFrame) -> pl.DataFrame:
    """The parse fault's words where there is one, else the judge's; and which meter nobody knows."""
    is_faulty = pl.col("fault").is_not_null()
    is_nowhere = pl.col("code") == "unknown-register"
    words = {code: message for code, (message, _remedy) in FAULTS.items()}
    remedies = {code: remedy for code, (_message, remedy) in FAULTS.items()}
    return (
        parsed.join(verdicts, on="entry_id", how="left", maintain_order="left")
        .with_columns(
            decision=pl.when(is_faulty).then(pl.lit("refuse")).otherwise("decision"),
            code=pl.when(is_faulty).then("fault").otherwise("code"),
            message=pl.when(is_faulty)
            .then(pl.col("fault").replace_strict(words, default=None, return_dtype=pl.String))
            .when(is_nowhere & pl.col("register_id").is_null())
            .then(text_of("Nobody knows {}.", "named"))
            .when(is_nowhere)
            .then(pl.lit("The meter was never installed."))
            .otherwise("message"),
            remedy=pl.when(is_faulty)
            .then(pl.col("fault").replace_strict(remedies, default=None, return_dtype=pl.String))
            .when(is_nowhere & pl.col("register_id").is_not_null())
            .then(pl.lit("Record the installation first."))
            .otherwise("remedy"),
        )
        .drop("fault")
    )


def _placed(judged: pl.DataFrame, *, sites: pl.DataFrame) -> pl.DataFrame:
    """With the service point and bucket where the register hung on the day, else where it hung last before or first
    after."""
    day = pl.col("reading_date")
    is_before = day < pl.col("installed_from")
    is_after = pl.col("installed_to").is_not_null() & (day >= pl.col("installed_to"))
    distance = (
        pl.when(is_before)
        .then((pl.col("installed_from") - day).dt.total_days())
        .when(is_after)
        .then((day - pl.col("installed_to")).dt.total_days() + 2)
        .otherwise(0)
    )
    places = (
        judged.select("entry_id", "register_id", "reading_date")
        .join(sites, on="register_id")
        .sort("entry_id", distance, "installed_from")
        .unique("entry_id", keep="first", maintain_order=True)
        .select("entry_id", "service_point_id", "bucket")
    )
    return judged.join(places, on="entry_id", how="left", maintain_order="left")


def _with_repeats(judged: pl.DataFrame, withdrawn: pl.DataFrame) -> pl.DataFrame:
    key = ["register_id", "reading_date", "value_micro", "source"]
    once = (
        withdrawn.rename({"priority": "source"})
        .select(key)
        .unique()
        .with_columns(was_taken=pl.lit(value=True))
    )
    is_repeat = pl.col("was_taken").fill_null(value=False)
    return (
        judged.join(once, on=key, how="left", maintain_order="left")
        .with_columns(
            decision=pl.when(is_repeat).then(pl.lit("refuse")).otherwise("decision"),
            code=pl.when(is_repeat).then(pl.lit(REPEATED)).otherwise("code"),
        )
        .drop("was_taken")
    )


def _unlisted(doubted: pl.DataFrame, *, is_decided_listed: bool) -> pl.DataFrame:
    """Those that the work list does not have; one of those that are equal."""
    if doubted.is_empty():
        return doubted
    key = {
        "register_id": pl.Int64,
        "reading_date": pl.Date,
        "text_value": pl.String,
        "source": pl.Int16,
        "unknown": pl.String,
    }
    listed = fetch_frame(
        """
        SELECT register_id, reading_date, text_value, source, CASE WHEN register_id IS NULL THEN message ELSE '' END
        FROM metering_readingexception
        WHERE reading_date BETWEEN %(first)s AND %(last)s AND resolution <> 'withdrawn'
            AND (resolved_at IS NULL OR %(decided)s)
        """,
        {
            "decided": is_decided_listed,
            "first": doubted["reading_date"].min(),
            "last": doubted["reading_date"].max(),
        },
        schema=key,
    )
    is_unknown = pl.col("register_id").is_null()
    keyed = doubted.with_columns(unknown=pl.when(is_unknown).then("message").otherwise(pl.lit("")))
    fresh = keyed.unique(list(key), keep="first", maintain_order=True)
    return fresh.join(listed, on=list(key), how="anti", nulls_equal=True, maintain_order="left").drop(
        "unknown"
    )
