"""Found errors of meters and use by acts: as frames for bulk work, and as people read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.base.changes import KNOWN, OF_POINTS, changed_days, read_changed
from mains.base.db import read_frame
from mains.base.rows import fetch_rows
from mains.base.units import UNIT_OF_SERVICE
from mains.metering.queries.records import NAME_OF_USER

METER_ERRORS = pl.Schema(
    {
        "register_id": pl.Int64(),
        "valid_from": pl.Date(),
        "valid_to": pl.Date(),
        "percent_hundredths": pl.Int64(),
    }
)
UNMETERED = pl.Schema(
    {
        "service_point_id": pl.Int64(),
        "zone": pl.Int16(),
        "valid_from": pl.Date(),
        "valid_to": pl.Date(),
        "amount_micro": pl.Int64(),
    }
)


_REGISTERS_OF_POINTS = """
    SELECT r.id FROM metering_installation i JOIN metering_register r ON r.meter_id = i.meter_id
    WHERE i.service_point_id = ANY(%(points)s::bigint[])
"""


@dataclass(frozen=True, kw_only=True)
class Findings:
    """`errors`: METER_ERRORS; `acts`: UNMETERED."""

    errors: pl.DataFrame
    acts: pl.DataFrame

    def of(self, *, registers: pl.DataFrame, points: pl.DataFrame) -> "Findings":
        """Those of the registers (register_id, service_point_id) and of the service points of either frame."""
        here = pl.concat([registers["service_point_id"], points["service_point_id"]]).unique()
        return Findings(
            errors=self.errors.join(registers.select("register_id").unique(), on="register_id", how="semi"),
            acts=self.acts.filter(pl.col("service_point_id").is_in(here.implode())),
        )


def read_findings(
    *,
    connection: Connection,
    from_date: date,
    to_date: date,
    as_of: datetime,
    register_ids: pl.Series | None = None,
    service_point_ids: pl.Series | None = None,
) -> Findings:
    """What is found of days in [from_date, to_date), as believed at `as_of`: the whole utility's, which is little, or
    that of the registers and service points named."""
    of_registers = "" if register_ids is None else "AND e.register_id = ANY(%(registers)s::bigint[])"
    of_points = "" if service_point_ids is None else "AND u.service_point_id = ANY(%(points)s::bigint[])"
    rows = read_frame(
        f"""
        SELECT e.register_id AS about, NULL::smallint AS zone, lower(e.valid) AS valid_from, upper(e.valid) AS valid_to,
               e.percent_hundredths::bigint AS amount
        FROM metering_metererror e
        WHERE e.valid && daterange(%(from_date)s, %(to_date)s) AND {KNOWN.format("e")} {of_registers}
        UNION ALL
        SELECT u.service_point_id, u.zone, lower(u.valid), upper(u.valid), u.amount_micro
        FROM metering_unmetereduse u
        WHERE u.valid && daterange(%(from_date)s, %(to_date)s) AND {KNOWN.format("u")} {of_points}
        """,
        {
            "from_date": from_date,
            "to_date": to_date,
            "as_of": as_of,
            "registers": register_ids,
            "points": service_point_ids,
        },
        connection=connection,
    )
    errors = rows.filter(pl.col("zone").is_null()).rename(
        {"about": "register_id", "amount": "percent_hundredths"}
    )
    acts = rows.filter(pl.col("zone").is_not_null()).rename(
        {"about": "service_point_id", "amount": "amount_micro"}
    )
    return Findings(
        errors=errors.select(pl.col(name).cast(kind) for name, kind in METER_ERRORS.items()),
        acts=acts.select(pl.col(name).cast(kind) for name, kind in UNMETERED.items()),
    )


def read_changed_findings(
    *,
    connection: Connection,
    from_date: date,
    to_date: date,
    known_since: datetime,
    as_of: datetime,
    service_point_ids: pl.Series | None = None,
) -> pl.DataFrame:
    """Service points of whose days in [from_date, to_date) another error or act is known since what became known in
    (known_since, as_of]: service_point_id, valid_from, valid_to (null is open).

    Looks at the whole utility, or at the service points named alone.
    """
    named = service_point_ids is not None
    errors = changed_days(
        table="metering_metererror",
        subject="register_id",
        values=("percent_hundredths",),
        only=f"f.register_id IN ({_REGISTERS_OF_POINTS})" if named else "",
    )
    acts = changed_days(
        table="metering_unmetereduse",
        subject="service_point_id",
        values=("id",),
        only=OF_POINTS if named else "",
    )
    changed = f"""
        SELECT i.service_point_id, c.valid * i.valid AS valid
        FROM ({errors}) AS c
        JOIN metering_register r ON r.id = c.register_id
        JOIN metering_installation i ON i.meter_id = r.meter_id AND i.recorded_at <= %(as_of)s AND i.valid && c.valid
        UNION
        SELECT service_point_id, valid FROM ({acts}) AS a
    """
    return read_changed(
        connection=connection,
        changed=changed,
        from_date=from_date,
        to_date=to_date,
        known_since=known_since,
        as_of=as_of,
        service_point_ids=service_point_ids,
    )


@dataclass(frozen=True)
class FindingRecord:
    """An error of a meter or an act, who recorded it and, where it is withdrawn, who did that, when and why.

    `amount` is hundredths of a percent, or 10^-6 of the service's unit. `serial` is empty of an act.
    """

    id: int
    is_error: bool
    register_id: int | None
    service_point_id: int | None
    service: str
    serial: str
    zone: int
    amount: int
    reason: str
    valid_from: date
    valid_to: date | None
    proof: str
    recorded_at: datetime
    recorded_by: str
    superseded_at: datetime | None
    withdrawn_by: str
    withdrawal_reason: str

    @property
    def unit(self) -> str:
        """The unit of an act's quantity."""
        return UNIT_OF_SERVICE[self.service]

    @property
    def last_day(self) -> date | None:
        """The last day that it speaks of; None while there is no end."""
        return date.fromordinal(self.valid_to.toordinal() - 1) if self.valid_to else None


def list_findings(*, register_ids: Sequence[int], service_point_ids: Sequence[int]) -> list[FindingRecord]:
    """Errors of the registers and acts of the service points, also the withdrawn ones, the latest dates first."""
    by = NAME_OF_USER.replace("u.", "w.")
    recorded = f"f.proof, f.recorded_at, {NAME_OF_USER}, f.superseded_at, {by}, coalesce(x.reason, '')"
    statement = f"""
        SELECT f.id, TRUE, f.register_id, NULL::bigint, m.service, m.serial, r.zone, f.percent_hundredths::bigint,
               '' AS reason, lower(f.valid) AS valid_from, upper(f.valid), {recorded}
        FROM metering_metererror f
        JOIN metering_register r ON r.id = f.register_id
        JOIN metering_meter m ON m.id = r.meter_id
        LEFT JOIN metering_metererrorwithdrawal x ON x.fact_id = f.id
        LEFT JOIN staff_user u ON u.id = f.recorded_by_id
        LEFT JOIN staff_user w ON w.id = x.withdrawn_by_id
        WHERE f.register_id = ANY(%(registers)s)
        UNION ALL
        SELECT f.id, FALSE, NULL, f.service_point_id, p.service, '', f.zone, f.amount_micro, f.reason,
               lower(f.valid), upper(f.valid), {recorded}
        FROM metering_unmetereduse f
        JOIN network_servicepoint p ON p.id = f.service_point_id
        LEFT JOIN metering_unmeteredusewithdrawal x ON x.fact_id = f.id
        LEFT JOIN staff_user u ON u.id = f.recorded_by_id
        LEFT JOIN staff_user w ON w.id = x.withdrawn_by_id
        WHERE f.service_point_id = ANY(%(points)s)
        ORDER BY valid_from DESC, 1 DESC
    """
    params = {"registers": list(register_ids), "points": list(service_point_ids)}
    return fetch_rows(FindingRecord, statement, params)
