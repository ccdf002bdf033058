"""New readings at the door: each is accepted, queued for a person, or refused, and the reason is said."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import polars as pl

from mains.engine.usage.frames import (
    DIGITS_MAX,
    INTEGER,
    MICRO,
    REGISTERS,
    FrameSpec,
    admit_frame,
)
from mains.engine.usage.reasons import REASONS

NEW_READINGS = FrameSpec(
    name="new",
    columns={
        "entry_id": pl.Int64,
        "register_id": pl.Int64,
        "reading_date": pl.Date,
        "value_micro": pl.Int64,
        "priority": INTEGER,
        "rollover": pl.Boolean,
    },
    nullable=frozenset({"register_id", "rollover"}),
    optional=frozenset({"rollover"}),
)
KNOWN_READINGS = FrameSpec(
    name="known",
    columns={
        "reading_id": pl.Int64,
        "register_id": pl.Int64,
        "reading_date": pl.Date,
        "value_micro": pl.Int64,
        "priority": INTEGER,
    },
)
USUAL_USE = FrameSpec(
    name="usual", columns={"register_id": pl.Int64, "use_micro": pl.Int64, "days": pl.Int64}
)


@dataclass(frozen=True)
class JudgingRules:
    """`times_usual`: how many times the usual use makes a reading suspicious; use up to `small_use_micro`
    never is.
    """

    times_usual: int = 5
    small_use_micro: int = 10 * MICRO


def judge_readings(
    *,
    new: pl.DataFrame,
    registers: pl.DataFrame,
    known: pl.DataFrame,
    as_of_date: date,
    usual: pl.DataFrame | None = None,
    rules: JudgingRules | None = None,
) -> pl.DataFrame:
    """Judge new readings against the installation, the neighbouring readings and the usual use.

    `new`: entry_id (unique), register_id (null if nobody found it), reading_date, value_micro, priority and
    optionally rollover (confirmed). `registers` as for the engine. `known`: reading_id, register_id,
    reading_date, value_micro, priority of accepted readings of these registers. `usual`: register_id,
    use_micro over days, multiplier applied. A new reading also sees the new ones before it, save those that
    are refused in any case.

    Returns entry_id, decision (accept, queue, refuse), code, message, remedy, other_reading_id, other_date,
    other_value_micro (the reading disagreed with; a null id is another new reading), use_micro since it; in
    the order given.
    """
    rules = rules or JudgingRules()
    zone_type = registers.schema.get("zone", pl.String())
    sites = admit_frame(registers, spec=REGISTERS, zone_type=zone_type).with_row_index("installation")
    entries = admit_frame(new, spec=NEW_READINGS, zone_type=zone_type).with_row_index("order")
    entries = _placed(entries.with_columns(pl.col("order").cast(pl.Int64)), sites=sites)
    entries = entries.with_columns(hopeless=_hopeless(as_of_date=as_of_date))
    accepted = _placed(admit_frame(known, spec=KNOWN_READINGS, zone_type=zone_type), sites=sites)
    judged = _with_neighbours(entries, accepted=accepted)
    judged = judged.join(
        admit_frame(usual, spec=USUAL_USE, zone_type=zone_type).rename(
            {"use_micro": "usual_micro", "days": "usual_days"}
        ),
        on="register_id",
        how="left",
    )
    judged = _with_use(judged).with_columns(code=_code(rules=rules))
    return _with_words(judged, as_of_date=as_of_date, rules=rules)


def _placed(frame: pl.DataFrame, *, sites: pl.DataFrame) -> pl.DataFrame:
    """Join each reading to the installation it was taken in, else to the register's nearest, with `side`
    telling where.
    """
    opened = pl.col("reading_date") >= pl.col("installed_from") - timedelta(days=1)
    closed = pl.col("installed_to").is_not_null() & (pl.col("reading_date") >= pl.col("installed_to"))
    side = (
        pl.when(pl.col("installation").is_null())
        .then(pl.lit("nowhere"))
        .when(~opened)
        .then(pl.lit("before"))
        .when(closed)
        .then(pl.lit("after"))
        .otherwise(pl.lit("inside"))
    )
    ranges = pl.Series([10**digits * MICRO for digits in range(DIGITS_MAX + 1)], dtype=pl.Int64)
    sites = sites.select(
        "register_id",
        "installation",
        "digits",
        "multiplier_micro",
        "installed_from",
        "installed_to",
        full_range=pl.lit(ranges).gather(pl.col("digits")),
    )
    joined = frame.join(sites, on="register_id", how="left").with_columns(side=side)
    nearness = pl.col("side").replace_strict({"inside": 0, "after": 1, "before": 2, "nowhere": 3})
    key = "order" if "order" in frame.columns else "reading_id"
    return joined.sort(key, nearness, "installed_from").unique(key, keep="first", maintain_order=True)


def _with_neighbours(entries: pl.DataFrame, *, accepted: pl.DataFrame) -> pl.DataFrame:
    """Add the rivals of the same day and the readings before and after, as columns same_, prev_ and next_.

    The one after is a known one only: of two new readings that contradict each other the later is asked
    about.
    """
    fields = ["installation", "reading_date", "reading_id", "value_micro", "priority", "order"]
    known = (
        accepted.filter(pl.col("side") == "inside")
        .with_columns(order=pl.lit(-1, dtype=pl.Int64))
        .select(fields)
    )
    fresh = entries.filter((pl.col("side") == "inside") & pl.col("hopeless").is_null()).select(
        pl.lit(None, dtype=pl.Int64).alias("reading_id") if field == "reading_id" else field
        for field in fields
    )
    crowd = pl.concat([known, fresh]).sort("installation", "reading_date", "priority", "order")
    found = entries.sort("reading_date")
    found = _beside(found, _strongest(crowd, name="prev"), strategy="backward")
    found = _beside(
        found,
        _strongest(known.sort("installation", "reading_date", "priority"), name="next"),
        strategy="forward",
    )
    rivals = (
        entries.select("order", "installation", "reading_date")
        .join(crowd, on=["installation", "reading_date"], suffix="_rival")
        .filter(pl.col("order_rival") < pl.col("order"))
        .sort("order", "priority", "order_rival")
        .group_by("order", maintain_order=True)
        .agg(
            same_id=pl.col("reading_id").first(),
            same_value=pl.col("value_micro").first(),
            same_priority=pl.col("priority").first(),
            same_values=pl.col("value_micro"),
        )
    )
    return found.join(rivals, on="order", how="left").sort("order")


def _beside(
    entries: pl.DataFrame, others: pl.DataFrame, *, strategy: Literal["backward", "forward"]
) -> pl.DataFrame:
    return entries.join_asof(
        others,
        on="reading_date",
        by="installation",
        strategy=strategy,
        allow_exact_matches=False,
        check_sortedness=False,
    )


def _strongest(crowd: pl.DataFrame, *, name: str) -> pl.DataFrame:
    """One reading per installation and day (the first: the strongest), its columns named for a neighbour."""
    return (
        crowd.unique(["installation", "reading_date"], keep="first", maintain_order=True)
        .sort("reading_date")
        .select(
            "installation",
            "reading_date",
            pl.col("reading_date").alias(f"{name}_date"),
            pl.col("reading_id").alias(f"{name}_id"),
            pl.col("value_micro").alias(f"{name}_value"),
        )
    )


def _with_use(judged: pl.DataFrame) -> pl.DataFrame:
    judged = judged.with_columns(rollover=pl.col("rollover").fill_null(value=False))
    difference = pl.col("value_micro") - pl.col("prev_value")
    return judged.with_columns(
        fell=difference < 0,
        wrapped=pl.when(difference < 0).then(difference + pl.col("full_range")).otherwise(difference),
        span_days=(pl.col("reading_date") - pl.col("prev_date")).dt.total_days(),
    ).with_columns(
        use_wide=pl.col("wrapped").cast(pl.Int128) * pl.col("multiplier_micro").cast(pl.Int128) // MICRO
    )


def _hopeless(*, as_of_date: date) -> pl.Expr:
    """The reason to refuse a reading whatever its neighbours say, or null."""
    value = pl.col("value_micro")
    return (
        pl.when(pl.col("side") == "nowhere")
        .then(pl.lit("unknown-register"))
        .when(pl.col("reading_date") > as_of_date)
        .then(pl.lit("future-reading"))
        .when((value < 0) | (value >= pl.col("full_range")))
        .then(pl.lit("beyond-digits"))
        .when(pl.col("side") == "before")
        .then(pl.lit("before-installation"))
        .when(pl.col("side") == "after")
        .then(pl.lit("removed-meter"))
    )


def _code(*, rules: JudgingRules) -> pl.Expr:
    """The first reason that applies, from the gravest to none."""
    value, after, full_range = pl.col("value_micro"), pl.col("next_value"), pl.col("full_range")
    falls = pl.col("fell") & ~pl.col("rollover")
    usual = pl.col("usual_micro").cast(pl.Int128) * pl.col("span_days").cast(pl.Int128) * rules.times_usual
    far = (pl.col("use_wide") * pl.col("usual_days").cast(pl.Int128) > usual) & (
        pl.col("use_wide") > rules.small_use_micro
    )
    return (
        pl.when(pl.col("hopeless").is_not_null())
        .then(pl.col("hopeless"))
        .when(pl.col("same_values").list.contains(value))
        .then(pl.lit("duplicate"))
        .when(pl.col("priority") >= pl.col("same_priority"))
        .then(pl.lit("differs-same-day"))
        .when(falls & (2 * pl.col("wrapped") <= full_range))
        .then(pl.lit("rollover-possible"))
        .when(falls)
        .then(pl.lit("lower-than-last"))
        .when((value > after) & (2 * (after - value + full_range) > full_range))
        .then(pl.lit("higher-than-next"))
        .when(far)
        .then(pl.lit("far-above-usual"))
        .otherwise(pl.lit("accepted"))
    )


def _with_words(judged: pl.DataFrame, *, as_of_date: date, rules: JudgingRules) -> pl.DataFrame:
    against = (
        pl.when(pl.col("code").is_in(["duplicate", "differs-same-day"]))
        .then(pl.lit("same"))
        .when(pl.col("code") == "higher-than-next")
        .then(pl.lit("next"))
        .when(pl.col("code").is_in(["rollover-possible", "lower-than-last", "far-above-usual"]))
        .then(pl.lit("prev"))
    )

    def of(field: str, same: pl.Expr) -> pl.Expr:
        return (
            pl.when(pl.col("against") == "same")
            .then(same)
            .when(pl.col("against") == "next")
            .then(pl.col(f"next_{field}"))
            .when(pl.col("against") == "prev")
            .then(pl.col(f"prev_{field}"))
        )

    judged = judged.with_columns(against=against).with_columns(
        other_reading_id=of("id", pl.col("same_id")),
        other_date=of("date", pl.col("reading_date")),
        other_value_micro=of("value", pl.col("same_value")),
        use_micro=pl.when(pl.col("use_wide").abs() < 2**63).then(pl.col("use_wide")).cast(pl.Int64),
    )
    words = {
        "reading_date": pl.col("reading_date").cast(pl.String),
        "as_of_date": pl.lit(as_of_date.isoformat()),
        "value": _figure("value_micro"),
        "digits": pl.col("digits").cast(pl.String),
        "other_value": _figure("other_value_micro"),
        "other_date": pl.col("other_date").cast(pl.String),
        "use": _figure("use_wide"),
        "times_usual": pl.lit(str(rules.times_usual)),
    }
    code = pl.col("code")
    return judged.select(
        "entry_id",
        decision=code.replace_strict({name: reason[0] for name, reason in REASONS.items()}),
        code=code,
        message=_filled(words),
        remedy=code.replace_strict({name: reason[2] for name, reason in REASONS.items()}),
        other_reading_id="other_reading_id",
        other_date="other_date",
        other_value_micro="other_value_micro",
        use_micro="use_micro",
    )


def _filled(words: Mapping[str, pl.Expr]) -> pl.Expr:
    message = pl.col("code").replace_strict({name: reason[1] for name, reason in REASONS.items()})
    for name, word in words.items():
        message = message.str.replace(f"{{{name}}}", word.fill_null(""), literal=True)
    return message


def _figure(column: str) -> pl.Expr:
    """A micro-unit column as a plain decimal figure, zeros at the end left out."""
    number = pl.col(column)
    size = number.abs()
    sign = pl.when(number < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    broken = (size % MICRO).cast(pl.String).str.zfill(6)
    figure = (size // MICRO).cast(pl.String) + pl.lit(".") + broken
    return sign + figure.str.strip_chars_end("0").str.strip_chars_end(".")
