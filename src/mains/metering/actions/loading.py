"""Load meters, installations and readings in bulk."""

from datetime import datetime

import polars as pl
from adbc_driver_postgresql.dbapi import Connection

from mains.base.db import copy_frame
from mains.base.loading import copy_facts

TABLES = (
    "metering_meter",
    "metering_register",
    "metering_installation",
    "metering_reading",
    "metering_readingexception",
)


def load_meters(
    *,
    meters: pl.DataFrame,
    registers: pl.DataFrame,
    installations: pl.DataFrame,
    known_at: datetime,
    connection: Connection,
) -> None:
    """Append meters with their registers, and where they hang.

    meters and registers: columns of Meter and Register. installations: meter_id, service_point_id,
    seal_number and the days of a fact (see `copy_facts`).
    """
    copy_frame(meters, "metering_meter", connection=connection)
    copy_frame(registers, "metering_register", connection=connection)
    copy_facts(installations, "metering_installation", known_at=known_at, connection=connection)


def load_readings(*, readings: pl.DataFrame, connection: Connection) -> None:
    """Append readings: id, register_id, bucket, reading_date, value_micro, source, recorded_at,
    recorded_by_id, evidence (JSON text or null). They are taken as facts: readings that the rules doubt
    belong to `load_exceptions`.
    """
    copy_frame(readings.with_columns(proof=pl.lit("")), "metering_reading", connection=connection)


def load_exceptions(*, exceptions: pl.DataFrame, connection: Connection) -> None:
    """Append readings that were not taken as facts: columns of ReadingException."""
    copy_frame(
        exceptions.with_columns(resolution=pl.lit("")), "metering_readingexception", connection=connection
    )
