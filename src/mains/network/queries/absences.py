"""Absences of residents: as frames for bulk work, and as people read them."""

from dataclasses import dataclass
from datetime import date, datetime

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.base.changes import KNOWN, changed_days, read_changed
from mains.base.db import read_frame
from mains.base.rows import fetch_rows


def read_absences(
    *, connection: Connection, premise_ids: pl.Series, from_date: date, to_date: date, as_of: datetime
) -> pl.DataFrame:
    """Absences from premises over [from_date, to_date), as believed at `as_of`: premise_id, absent (Int64), valid_from,
    valid_to. Rows of one premise may overlap and add up."""
    return read_frame(
        f"""
        SELECT a.premise_id, a.residents::bigint AS absent, lower(a.valid) AS valid_from, upper(a.valid) AS valid_to
        FROM network_absence a
        WHERE a.premise_id = ANY(%(premises)s)
          AND a.valid && daterange(%(from_date)s, %(to_date)s) AND {KNOWN.format("a")}
        """,
        {"premises": premise_ids, "from_date": from_date, "to_date": to_date, "as_of": as_of},
        connection=connection,
    )


def cut_absent(*, states: pl.DataFrame, absences: pl.DataFrame) -> pl.DataFrame:
    """How many of a premise's residents are absent: the columns of `states`, and absent (Int64).

    `states`: premise_id, valid_from, valid_to (null is open), residents (Int64) and others; its rows are cut where an
    absence begins or ends, so that absent is one number in each: the sum of those that overlap, at most the residents.
    """
    if absences.is_empty():
        return states.with_columns(absent=pl.lit(0, pl.Int64))
    named = states.with_row_index("state")
    met = (
        named.select("state", "premise_id", "valid_from", "valid_to")
        .join(absences, on="premise_id", suffix="_absent")
        .with_columns(
            first=pl.max_horizontal("valid_from", "valid_from_absent"),
            last=pl.min_horizontal(pl.col("valid_to").fill_null(date.max), "valid_to_absent"),
        )
    )
    met = met.filter(pl.col("first") < pl.col("last"))
    edges = pl.concat(
        [
            named.select("state", day="valid_from"),
            met.select("state", day="first"),
            met.filter(pl.col("last") < pl.col("valid_to").fill_null(date.max)).select("state", day="last"),
        ]
    )
    parts = (
        edges.unique()
        .sort("state", "day")
        .with_columns(until=pl.col("day").shift(-1).over("state"))
        .join(named, on="state", maintain_order="left")
    )
    away = (
        parts.select("state", "day")
        .join(met.select("state", "first", "last", "absent"), on="state")
        .filter(pl.col("day") >= pl.col("first"), pl.col("day") < pl.col("last"))
        .group_by("state", "day")
        .agg(pl.col("absent").sum())
    )
    cut = parts.join(away, on=["state", "day"], how="left", maintain_order="left").with_columns(
        valid_from="day",
        valid_to=pl.coalesce("until", "valid_to"),
        absent=pl.min_horizontal(pl.col("absent").fill_null(0), "residents"),
    )
    return cut.select(*states.columns, "absent")


def read_changed_absences(
    *,
    connection: Connection,
    from_date: date,
    to_date: date,
    known_since: datetime,
    as_of: datetime,
    service_point_ids: pl.Series | None = None,
) -> pl.DataFrame:
    """Service points of premises of whose days in [from_date, to_date) another absence is known since what became known
    in (known_since, as_of]: service_point_id, valid_from, valid_to.

    Looks at the whole utility, or at the service points named alone.
    """
    of_points = "(SELECT premise_id FROM network_servicepoint WHERE id = ANY(%(points)s::bigint[]))"
    days = changed_days(
        table="network_absence",
        subject="premise_id",
        values=("id",),
        only="" if service_point_ids is None else f"f.premise_id IN {of_points}",
    )
    of_premises = f"""
        SELECT sp.id AS service_point_id, c.valid
        FROM ({days}) AS c JOIN network_servicepoint sp ON sp.premise_id = c.premise_id
    """
    return read_changed(
        connection=connection,
        changed=of_premises,
        from_date=from_date,
        to_date=to_date,
        known_since=known_since,
        as_of=as_of,
        service_point_ids=service_point_ids,
    )


@dataclass(frozen=True)
class AbsenceRecord:
    """An absence, who recorded it and, where it is withdrawn, who did that, when and why."""

    id: int
    residents: int
    reason: str
    valid_from: date
    valid_to: date
    proof: str
    recorded_at: datetime
    recorded_by: str
    superseded_at: datetime | None
    withdrawn_by: str
    withdrawal_reason: str

    @property
    def days(self) -> int:
        """Full days of absence."""
        return (self.valid_to - self.valid_from).days


def list_absences(*, premise_id: int) -> list[AbsenceRecord]:
    """All absences from a premise, also the withdrawn ones, the latest dates first."""
    name = "coalesce(nullif(trim({0}.first_name || ' ' || {0}.last_name), ''), {0}.username, '')"
    statement = f"""
        SELECT a.id, a.residents, a.reason, lower(a.valid), upper(a.valid), a.proof, a.recorded_at, {name.format("u")},
               a.superseded_at, {name.format("w")}, coalesce(x.reason, '')
        FROM network_absence a
        LEFT JOIN network_absencewithdrawal x ON x.fact_id = a.id
        LEFT JOIN staff_user u ON u.id = a.recorded_by_id
        LEFT JOIN staff_user w ON w.id = x.withdrawn_by_id
        WHERE a.premise_id = %(id)s ORDER BY lower(a.valid) DESC, a.id DESC
    """
    return fetch_rows(AbsenceRecord, statement, {"id": premise_id})
