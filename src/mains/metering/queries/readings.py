"""What the door needs to judge a reading: the register, where it hangs, its readings so far."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl
from django.db import connection

from mains.base.columns import fetch_frame
from mains.base.rows import fetch_rows

HISTORY = timedelta(days=200)
"""How far back readings are fetched before the first new one, to know the usual use."""

USUAL_DAYS_MIN = 28
MICRO = 1_000_000

SITES = {
    "register_id": pl.Int64,
    "service_point_id": pl.Int64,
    "bucket": pl.Int16,
    "zone": pl.Int16,
    "digits": pl.Int16,
    "multiplier_micro": pl.Int64,
    "installed_from": pl.Date,
    "installed_to": pl.Date,
}
KNOWN = {
    "reading_id": pl.Int64,
    "register_id": pl.Int64,
    "reading_date": pl.Date,
    "value_micro": pl.Int64,
    "priority": pl.Int16,
    "is_believed": pl.Boolean,
}


@dataclass(frozen=True)
class QueuedReading:
    """A reading that was not taken and that nobody has decided on yet."""

    id: int
    serial: str
    zone: int | None
    reading_date: date | None
    text_value: str
    source: int
    decision: str
    code: str
    message: str
    remedy: str
    raised_at: datetime


def list_queue(*, limit: int = 100) -> list[QueuedReading]:
    """Readings that wait for a decision, the oldest first."""
    statement = """
        SELECT x.id, coalesce(m.serial, ''), r.zone, x.reading_date, x.text_value, x.source, x.decision, x.code,
               x.message, x.remedy, x.raised_at
        FROM metering_readingexception x
        LEFT JOIN metering_register r ON r.id = x.register_id
        LEFT JOIN metering_meter m ON m.id = r.meter_id
        WHERE x.resolved_at IS NULL ORDER BY x.id LIMIT %(limit)s
    """
    return fetch_rows(QueuedReading, statement, {"limit": limit})


def find_registers(entries: pl.DataFrame) -> pl.DataFrame:
    """Every register that a line may mean: entry_id, register_id; several rows where the line is ambiguous.

    entries: entry_id, serial, model, service_point (text, empty where not told), zone (Int16), reading_date. A line
    names a meter by its serial, or a service point at which the register was installed on the day.
    """
    told = entries.select("entry_id", "serial", "model", "service_point", "zone", "reading_date")
    meters = fetch_frame(
        """
        SELECT m.serial, m.model, r.zone, r.id FROM metering_meter m JOIN metering_register r ON r.meter_id = m.id
        WHERE m.serial = ANY(%(serials)s)
        """,
        {"serials": [serial for serial in told["serial"].unique() if serial]},
        schema={"serial": pl.String, "meter_model": pl.String, "zone": pl.Int16, "register_id": pl.Int64},
    )
    by_serial = told.join(meters, on=["serial", "zone"]).filter(
        (pl.col("model") == "") | (pl.col("model") == pl.col("meter_model"))
    )
    points = fetch_frame(
        """
        SELECT s.code, r.zone, r.id, lower(i.valid), upper(i.valid)
        FROM network_servicepoint s
        JOIN metering_installation i ON i.service_point_id = s.id AND i.superseded_at IS NULL
        JOIN metering_register r ON r.meter_id = i.meter_id
        WHERE s.code = ANY(%(codes)s)
        """,
        {"codes": [code for code in told["service_point"].unique() if code]},
        schema={
            "service_point": pl.String,
            "zone": pl.Int16,
            "register_id": pl.Int64,
            "installed_from": pl.Date,
            "installed_to": pl.Date,
        },
    )
    by_point = (
        told.filter(pl.col("serial") == "").join(points, on=["service_point", "zone"]).filter(_installed())
    )
    found = pl.concat([part.select("entry_id", "register_id") for part in (by_serial, by_point)])
    return found.unique(maintain_order=True).sort("entry_id", "register_id")


def _installed() -> pl.Expr:
    day = pl.col("reading_date")
    return (day >= pl.col("installed_from")) & (
        pl.col("installed_to").is_null() | (day < pl.col("installed_to"))
    )


def registers_read_on(*, register_ids: Sequence[int], day: date) -> set[int]:
    """Those of the registers of which a reading at the end of the day is believed."""
    statement = """
        SELECT DISTINCT register_id FROM metering_reading
        WHERE register_id = ANY(%(ids)s) AND reading_date = %(day)s AND superseded_at IS NULL
    """
    return set(fetch_rows(int, statement, {"ids": list(register_ids), "day": day}))


def read_displays(register_ids: Sequence[int]) -> pl.DataFrame:
    """What the registers can show: register_id, digits, decimals."""
    return fetch_frame(
        "SELECT id, digits, decimals FROM metering_register WHERE id = ANY(%(ids)s)",
        {"ids": list(register_ids)},
        schema={"register_id": pl.Int64, "digits": pl.Int64, "decimals": pl.Int64},
    )


def read_sites(register_ids: Sequence[int]) -> pl.DataFrame:
    """Where the registers are and were installed, as believed now, in the columns of SITES."""
    return fetch_frame(
        """
        SELECT r.id, i.service_point_id, s.bucket, r.zone, r.digits, r.multiplier_micro, lower(i.valid), upper(i.valid)
        FROM metering_register r
        JOIN metering_installation i ON i.meter_id = r.meter_id AND i.superseded_at IS NULL
        JOIN network_servicepoint s ON s.id = i.service_point_id
        WHERE r.id = ANY(%(ids)s)
        """,
        {"ids": list(register_ids)},
        schema=SITES,
    )


def read_known(register_ids: Sequence[int], *, first_date: date) -> pl.DataFrame:
    """Readings of the registers, in the columns of KNOWN: from HISTORY before `first_date` on, and all of the
    registers that have none between the two.

    The ones that are no longer believed are among them, with `is_believed` false.
    """
    statement = """
        SELECT id, register_id, reading_date, value_micro, source, superseded_at IS NULL FROM metering_reading
        WHERE register_id = ANY(%(ids)s)
    """
    since = first_date - HISTORY
    recent = _copied(
        f"{statement} AND reading_date >= %(since)s", {"ids": list(register_ids), "since": since}
    )
    has_before = recent.filter("is_believed", pl.col("reading_date") < first_date)["register_id"]
    silent = sorted(set(register_ids) - set(has_before))
    if not silent:
        return recent
    older = _copied(f"{statement} AND reading_date < %(since)s", {"ids": silent, "since": since})
    return pl.concat([recent, older])


def _copied(statement: str, params: Mapping[str, object]) -> pl.DataFrame:
    """Rows in the columns of KNOWN by COPY, several times faster than row by row; they hold no text and no nulls."""
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY ({statement}) TO STDOUT (FORMAT csv)", params) as copy,
    ):
        content = b"".join(bytes(part) for part in copy)
    if not content:
        return pl.DataFrame(schema=KNOWN)
    told = {name: pl.String if kind == pl.Boolean else kind for name, kind in KNOWN.items()}
    rows = pl.read_csv(content, has_header=False, schema=told)
    return rows.with_columns(is_believed=pl.col("is_believed") == "t")


def neighbours(known: pl.DataFrame, *, entries: pl.DataFrame) -> pl.DataFrame:
    """Of the known readings those that a judge looks at: from the last day before a register's first entry on."""
    first = entries.group_by("register_id").agg(first=pl.col("reading_date").min())
    dated = known.join(first, on="register_id")
    before = pl.col("reading_date") < pl.col("first")
    last_day = pl.col("reading_date").filter(before).max().over("register_id")
    return dated.filter(~before | (pl.col("reading_date") == last_day)).select(known.columns)


def usual_use(known: pl.DataFrame, *, sites: pl.DataFrame) -> pl.DataFrame:
    """What the registers usually count: register_id, use_micro over days, multiplier applied.

    Steps down, by rollover or mistake, do not count; registers with less than USUAL_DAYS_MIN days are left out.
    """
    multiplier = sites.select("register_id", "multiplier_micro").unique("register_id")
    ordered = (
        known.sort("register_id", "reading_date", "priority")
        .unique(["register_id", "reading_date"], keep="first", maintain_order=True)
        .with_columns(
            step=(pl.col("value_micro") - pl.col("value_micro").shift()).over("register_id"),
            days=(pl.col("reading_date") - pl.col("reading_date").shift())
            .dt.total_days()
            .over("register_id"),
        )
    )
    return (
        ordered.filter(pl.col("step") >= 0)
        .group_by("register_id")
        .agg(pl.col("step").sum(), pl.col("days").sum())
        .filter(pl.col("days") >= USUAL_DAYS_MIN)
        .join(multiplier, on="register_id")
        .with_columns(wide=pl.col("step").cast(pl.Int128) * pl.col("multiplier_micro") // MICRO)
        .filter(pl.col("wide") < 2**63)
        .select("register_id", pl.col("wide").cast(pl.Int64).alias("use_micro"), "days")
    )
