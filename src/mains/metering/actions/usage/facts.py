"""The facts that daily use is computed from: of a slice over a window, or of some points over all time."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.engine.usage import UsageResult, UsageRules, compute_daily_usage
from mains.engine.usage.overlay import lay_over
from mains.kernel.period import next_month
from mains.metering.actions.usage.intervals import DAYS_TOLD, read_days_told
from mains.metering.queries import frames
from mains.metering.queries.contradictions import read_fallen_registers
from mains.metering.queries.findings import Findings, read_findings
from mains.metering.values import Zone
from mains.network.queries.frames import read_points

RULES = UsageRules(lookback_days=92, history_days_min=28)
"""Missing days follow the point's last three months: long enough to be steady, short enough to follow the season."""

# A forecast of the month looks back over `lookback_days` from the last reading, which itself may be a month old, to
# the reading before that: with monthly readings all of it lies in this window; other points are read whole.
_WINDOW = timedelta(days=RULES.lookback_days + 62)
_LONG_AGO = date(1900, 1, 1)
_NO_POINTS = pl.Series("service_point_id", [], dtype=pl.Int64)


@dataclass(frozen=True, kw_only=True)
class UsageFacts:
    """Points, registers and readings in the columns of `metering.queries.frames`, registers with their class_code;
    `findings` are those of these registers and points, `told` the days that intervals tell of: DAYS_TOLD."""

    points: pl.DataFrame
    registers: pl.DataFrame
    readings: pl.DataFrame
    findings: Findings
    told: pl.DataFrame = field(default_factory=DAYS_TOLD.to_frame)

    def of_points(self, service_point_ids: pl.Series) -> "UsageFacts":
        """The facts of some of the points."""
        is_one = pl.col("service_point_id").is_in(service_point_ids.implode())
        points, registers = self.points.filter(is_one), self.registers.filter(is_one)
        return UsageFacts(
            points=points,
            registers=registers,
            readings=self.readings.join(
                registers.select("register_id").unique(), on="register_id", how="semi"
            ),
            findings=self.findings.of(registers=registers, points=points),
            told=self.told.filter(is_one),
        )

    def replaced_by(self, whole: "UsageFacts", service_point_ids: pl.Series) -> "UsageFacts":
        """These facts with those of some of the points in full."""
        others = ~pl.col("service_point_id").is_in(service_point_ids.implode())
        is_whole = pl.col("register_id").is_in(whole.registers["register_id"].unique().implode())
        return UsageFacts(
            points=pl.concat([self.points.filter(others), whole.points]),
            registers=pl.concat([self.registers.filter(others), whole.registers]),
            readings=pl.concat([self.readings.filter(~is_whole), whole.readings]),
            findings=Findings(
                errors=pl.concat([self.findings.errors.filter(~is_whole), whole.findings.errors]),
                acts=pl.concat([self.findings.acts.filter(others), whole.findings.acts]),
            ),
            told=pl.concat([self.told.filter(others), whole.told]),
        )


def window_begins(first_month: date) -> date:
    """The first day whose readings are read for a slice from `first_month` on."""
    return first_month - _WINDOW


def read_slice_facts(
    *,
    connection: Connection,
    buckets: range,
    month: date,
    first_month: date,
    as_of: datetime,
    known_since: datetime,
    whole_points: pl.Series | None = None,
    is_first_run: bool = False,
) -> UsageFacts:
    """What the use of `first_month` … `month` of a slice's points is computed from.

    Points whose readings in the usual window do not reach back far enough are read over all time, and so are
    `whole_points`. In the first run of all nobody has judged the older readings yet: points where these fell too.
    """
    window_from = window_begins(first_month)
    points = read_points(
        connection=connection, buckets=buckets, from_date=first_month, to_date=next_month(month)
    )
    registers = frames.read_registers(
        connection=connection,
        buckets=buckets,
        from_date=window_from,
        to_date=as_of.date() + timedelta(days=2),
        as_of=as_of,
    )
    readings = frames.read_readings(
        connection=connection, buckets=buckets, from_date=window_from, as_of=as_of, known_since=known_since
    )
    findings = read_findings(
        connection=connection, from_date=window_from, to_date=next_month(month), as_of=as_of
    )
    facts = UsageFacts(
        points=points,
        registers=_with_class(registers, points),
        readings=readings,
        findings=findings.of(registers=registers, points=points),
        told=read_days_told(
            connection=connection,
            buckets=buckets,
            from_date=first_month,
            to_date=next_month(month),
            as_of=as_of,
            registers=registers,
        ),
    )
    incomplete = pl.concat(
        [
            _incomplete_points(facts, window_from=window_from, month=first_month),
            _newly_first(facts, window_from=window_from),
            _fallen(connection, facts, buckets, window_from, as_of) if is_first_run else _NO_POINTS,
        ]
    )
    if whole_points is not None:
        incomplete = pl.concat([incomplete, whole_points])
    incomplete = incomplete.unique().sort()
    if incomplete.is_empty():
        return facts
    whole = read_whole_facts(
        connection=connection,
        service_point_ids=incomplete,
        from_date=first_month,
        to_date=next_month(month),
        as_of=as_of,
        known_since=known_since,
    )
    return facts.replaced_by(whole, incomplete)


def read_whole_facts(
    *,
    connection: Connection,
    service_point_ids: pl.Series,
    from_date: date,
    to_date: date,
    as_of: datetime,
    known_since: datetime,
) -> UsageFacts:
    """Everything ever known about some points' meters, found by index; `points` connected in [from_date, to_date)."""
    nowhere = range(0)
    points = read_points(
        connection=connection,
        buckets=nowhere,
        from_date=from_date,
        to_date=to_date,
        service_point_ids=service_point_ids,
    )
    registers = frames.read_registers(
        connection=connection,
        buckets=nowhere,
        from_date=_LONG_AGO,
        to_date=as_of.date() + timedelta(days=2),
        as_of=as_of,
        service_point_ids=service_point_ids,
    )
    readings = frames.read_histories(
        connection=connection,
        register_ids=registers["register_id"].unique().sort(),
        as_of=as_of,
        known_since=known_since,
    )
    findings = read_findings(
        connection=connection,
        from_date=_LONG_AGO,
        to_date=to_date,
        as_of=as_of,
        register_ids=registers["register_id"].unique().sort(),
        service_point_ids=service_point_ids,
    )
    return UsageFacts(
        points=points,
        registers=_with_class(registers, points),
        readings=readings,
        findings=findings,
        told=read_days_told(
            connection=connection,
            service_point_ids=service_point_ids,
            from_date=from_date,
            to_date=to_date,
            as_of=as_of,
            registers=registers,
        ),
    )


def compute_use(
    facts: UsageFacts,
    *,
    month: date,
    as_of: datetime,
    class_averages: pl.DataFrame,
    month_to: date | None = None,
) -> UsageResult:
    """The daily use of [month, month_to), by default of one month, by the believed readings, and by intervals on the
    days that these tell of."""
    following = month_to or next_month(month)
    computed = compute_daily_usage(
        points=facts.points.filter(
            pl.col("connected_from") < following,
            pl.col("connected_to").is_null() | (pl.col("connected_to") > month),
        ),
        registers=facts.registers,
        readings=facts.readings.filter("is_believed"),
        class_averages=class_averages,
        meter_errors=facts.findings.errors,
        unmetered=facts.findings.acts,
        month_from=month,
        month_to=following,
        as_of_date=as_of.date(),
        rules=RULES,
        total_zone=int(Zone.TOTAL),
    )
    if facts.told.is_empty():
        return computed
    told = facts.told.filter(pl.col("day").is_between(month, following, closed="left")).with_columns(
        place=(pl.col("day") - month).dt.total_days()
    )
    return replace(computed, usage=lay_over(computed.usage, told.drop("day")))


def _with_class(registers: pl.DataFrame, points: pl.DataFrame) -> pl.DataFrame:
    classes = points.select("service_point_id", "class_code").unique("service_point_id")
    return registers.join(classes, on="service_point_id", how="left")


def _fallen(
    connection: Connection, facts: UsageFacts, buckets: range, window_from: date, as_of: datetime
) -> pl.Series:
    fallen = read_fallen_registers(connection=connection, buckets=buckets, before=window_from, as_of=as_of)
    return facts.registers.filter(pl.col("register_id").is_in(fallen.implode()))["service_point_id"]


def _newly_first(facts: UsageFacts, *, window_from: date) -> pl.Series:
    """Points with a register whose first reading in the window is new: older ones may contradict it."""
    earliest = pl.col("reading_date").min()
    first = facts.readings.filter(~pl.col("is_changed")).group_by("register_id").agg(first=earliest)
    new = facts.readings.filter("is_changed").group_by("register_id").agg(new=earliest)
    is_first = pl.col("first").is_null() | (pl.col("new") < pl.col("first"))
    return (
        new.join(first, on="register_id", how="left")
        .filter(is_first)
        .join(facts.registers, on="register_id")
        .filter(pl.col("installed_from") <= window_from)["service_point_id"]
    )


def _incomplete_points(facts: UsageFacts, *, window_from: date, month: date) -> pl.Series:
    """Points with a register whose readings in the window do not reach back over the forecast's history."""
    believed = facts.readings.filter("is_believed")
    last = (
        believed.filter(pl.col("reading_date") < month)
        .group_by("register_id")
        .agg(last=pl.col("reading_date").max(), first=pl.col("reading_date").min())
    )
    return (
        facts.registers.filter(pl.col("installed_from") <= window_from)
        .select("register_id", "service_point_id")
        .unique()
        .join(last, on="register_id", how="left")
        .filter(
            pl.col("last").is_null()
            | (pl.col("first") > pl.col("last").dt.offset_by(f"-{RULES.lookback_days}d"))
        )["service_point_id"]
        .unique()
        .sort()
    )
