"""From which day on new facts may change the daily use of a point."""

from datetime import UTC, date, datetime, timedelta

import polars as pl

from mains.engine.usage import find_exceptions
from mains.metering.actions.usage.facts import UsageFacts

AFFECTED = pl.Schema({"service_point_id": pl.Int64(), "affected_from": pl.Date()})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def affected_since(
    facts: UsageFacts,
    *,
    exceptions: pl.DataFrame,
    changed: pl.DataFrame,
    between: pl.DataFrame,
    months: tuple[date, ...],
    as_of: datetime,
    known_since: datetime,
) -> pl.DataFrame:
    """The first day from which facts known since `known_since` may change the use: service_point_id, affected_from.

    A reading speaks of the days since the one before it, and of the forecasts after it. A meter that hangs elsewhere
    than was believed, an error of it and an act speak of those days and of the stretch that reaches into them.
    Where readings contradict one another, or did before the change, the stronger may free or bind days long before:
    such points are computed again over all `months`. What one account's run computed in between may rest on facts that
    were taken back since. `exceptions` are the engine's for these facts, `changed` and `between` as `UsageScope` has
    them.
    """
    if not months or known_since >= as_of:
        return AFFECTED.to_frame()
    first_day = min(months)
    read = facts.readings.filter("is_changed")
    placed = facts.registers.select("register_id", "service_point_id").unique()
    touched = read.join(placed, on="register_id")["service_point_id"].unique()
    here = pl.concat([facts.points["service_point_id"], facts.registers["service_point_id"]]).unique()
    changed = changed.filter(pl.col("service_point_id").is_in(here.implode()))
    set_aside = exceptions.filter("set_aside")["service_point_id"].drop_nulls().unique()
    contradicted = set_aside.filter(
        set_aside.is_in(pl.concat([touched, changed["service_point_id"]]).implode())
    )
    before = _contradicted_before(facts, placed, known_since=known_since)
    everything = pl.concat([contradicted, before]).unique()
    return (
        pl.concat(
            [
                _by_readings(facts, read, placed, first_day),
                _by_days(facts, changed, placed, first_day),
                between.filter(pl.col("service_point_id").is_in(here.implode())).select(AFFECTED.names()),
                pl.DataFrame(
                    {"service_point_id": everything}, schema={"service_point_id": pl.Int64}
                ).with_columns(affected_from=pl.lit(first_day)),
            ]
        )
        .group_by("service_point_id")
        .agg(pl.col("affected_from").min())
        .sort("service_point_id")
    )


def _by_readings(
    facts: UsageFacts, changed: pl.DataFrame, placed: pl.DataFrame, first_day: date
) -> pl.DataFrame:
    days = changed.select("register_id", "reading_date").unique().sort("reading_date")
    before = (
        facts.readings.filter("is_believed")
        .select("register_id", "reading_date", previous="reading_date")
        .sort("reading_date")
    )
    by_register = (
        days.join_asof(
            before, on="reading_date", by="register_id", allow_exact_matches=False, check_sortedness=False
        )
        .group_by("register_id")
        .agg(affected_from=pl.col("previous").dt.offset_by("1d").fill_null(first_day).min())
    )
    return by_register.join(placed, on="register_id").select(AFFECTED.names())


def _by_days(facts: UsageFacts, changed: pl.DataFrame, placed: pl.DataFrame, first_day: date) -> pl.DataFrame:
    if changed.is_empty():
        return AFFECTED.to_frame()
    read = (
        facts.readings.filter("is_believed")
        .join(placed, on="register_id")
        .select("service_point_id", "reading_date", previous="reading_date")
        .sort("reading_date")
    )
    # The stretch that reaches into the changed days begins at the last reading before them, of the point's any meter.
    return (
        changed.select("service_point_id", reading_date=pl.col("valid_from") - timedelta(days=1))
        .sort("reading_date")
        .join_asof(
            read, on="reading_date", by="service_point_id", allow_exact_matches=False, check_sortedness=False
        )
        .select("service_point_id", affected_from=pl.col("previous").dt.offset_by("1d").fill_null(first_day))
    )


def _contradicted_before(facts: UsageFacts, placed: pl.DataFrame, *, known_since: datetime) -> pl.Series:
    """Points where readings contradicted one another before the change, if the change may have ended that.

    A reading added after all others ends no contradiction; one that is withdrawn, corrected or put in between can.
    """
    readings = facts.readings
    latest = (
        readings.filter("is_believed", ~pl.col("is_changed"))
        .group_by("register_id")
        .agg(latest=pl.col("reading_date").max())
    )
    between = (
        readings.filter("is_changed")
        .join(latest, on="register_id", how="left")
        .filter(~pl.col("is_believed") | (pl.col("reading_date") <= pl.col("latest")))
    )
    points = between.join(placed, on="register_id")["service_point_id"].unique().sort()
    if points.is_empty():
        return points
    part = facts.of_points(points)
    known = (known_since - _EPOCH) // timedelta(microseconds=1)
    as_it_was = part.readings.filter(pl.col("recorded_order") <= known)
    found = find_exceptions(registers=part.registers, readings=as_it_was, as_of_date=known_since.date())
    return found.filter("set_aside")["service_point_id"].drop_nulls().unique()
