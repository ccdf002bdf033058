"""Facts of the network as frames, for bulk work by slice of service points."""

from datetime import date, datetime

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.base.changes import CHANGED, KNOWN, changed_days, read_changed
from mains.base.db import read_frame

_STATE_VALUES = (
    "residents", "rooms", "floor_area_m2_micro", "heated_area_m2_micro", "storey_height_mm", "location", "cooker",
    "meter_possible",
)  # fmt: skip

POINTS_OF_BUCKETS = (
    "ANY (ARRAY(SELECT id FROM network_servicepoint"
    " WHERE bucket >= %(first)s AND bucket < %(next)s ORDER BY id))"
)
"""Service points of a slice, as a list: its rows are found by index, however large the tables around it are, where a
join lets the planner read whole tables for every slice."""


def points_where(buckets: range, service_point_ids: pl.Series | None) -> tuple[str, dict[str, object]]:
    """What a service point's id equals in SQL: any of the buckets' points or any of those named; with parameters."""
    if service_point_ids is None:
        return POINTS_OF_BUCKETS, {"first": buckets.start, "next": buckets.stop}
    return "ANY(%(points)s::bigint[])", {"points": service_point_ids}


def read_points(
    *,
    connection: Connection,
    buckets: range,
    from_date: date,
    to_date: date,
    service_point_ids: pl.Series | None = None,
) -> pl.DataFrame:
    """Service points of the buckets, or those named, that are connected on a day of [from_date, to_date).

    Columns: service_point_id, bucket (Int16), connected_from, connected_to (Date, null is open), class_code: the
    service and the kind of premise, by which forecasts without history are averaged; null for points that measure
    a node, which are like no other.
    """
    points, params = points_where(buckets, service_point_ids)
    return read_frame(
        f"""
        SELECT sp.id AS service_point_id, sp.bucket, sp.connected_on AS connected_from,
               sp.disconnected_on AS connected_to, sp.service || ' ' || p.kind AS class_code
        FROM network_servicepoint sp LEFT JOIN network_premise p ON p.id = sp.premise_id
        WHERE sp.id = {points}
          AND sp.connected_on < %(to_date)s
          AND (sp.disconnected_on IS NULL OR sp.disconnected_on > %(from_date)s)
        """,
        params | {"from_date": from_date, "to_date": to_date},
        connection=connection,
    )


def read_premise_states(
    *, connection: Connection, premise_ids: pl.Series, from_date: date, to_date: date, as_of: datetime
) -> pl.DataFrame:
    """Dated attributes of premises over [from_date, to_date), as believed at `as_of`.

    Columns: premise_id, valid_from, valid_to (null is open) and every attribute under the name that tariffs use;
    sizes in micro-units of their unit (m2, m).
    """
    return read_frame(
        f"""
        SELECT s.premise_id, lower(s.valid) AS valid_from, upper(s.valid) AS valid_to,
               s.residents::bigint * 1000000 AS residents_micro, s.rooms::bigint * 1000000 AS rooms_micro,
               s.floor_area_m2_micro, s.heated_area_m2_micro,
               s.storey_height_mm::bigint * 1000 AS storey_height_m_micro,
               s.location, s.cooker, s.meter_possible
        FROM network_premisestate s
        WHERE s.premise_id = ANY(%(premises)s)
          AND s.valid && daterange(%(from_date)s, %(to_date)s) AND {KNOWN.format("s")}
        """,
        {"premises": premise_ids, "from_date": from_date, "to_date": to_date, "as_of": as_of},
        connection=connection,
    )


def read_placements(
    *, connection: Connection, from_date: date, to_date: date, as_of: datetime
) -> pl.DataFrame:
    """Placements of all network trees over [from_date, to_date), as believed at `as_of`: node_id, parent_id,
    valid_from, valid_to (null is open)."""
    return read_frame(
        f"""
        SELECT n.node_id, n.parent_id, lower(n.valid) AS valid_from, upper(n.valid) AS valid_to
        FROM network_nodeplacement n
        WHERE n.valid && daterange(%(from_date)s, %(to_date)s) AND {KNOWN.format("n")}
        """,
        {"from_date": from_date, "to_date": to_date, "as_of": as_of},
        connection=connection,
    )


def read_node_states(
    *, connection: Connection, from_date: date, to_date: date, as_of: datetime
) -> pl.DataFrame:
    """States of all nodes over [from_date, to_date), as believed at `as_of`: node_id, band, supply_hours_day_micro,
    valid_from, valid_to (null is open)."""
    return read_frame(
        f"""
        SELECT n.node_id, nullif(n.band, '') AS band,
               n.supply_hours_day::bigint * 1000000 AS supply_hours_day_micro,
               lower(n.valid) AS valid_from, upper(n.valid) AS valid_to
        FROM network_nodestate n
        WHERE n.valid && daterange(%(from_date)s, %(to_date)s) AND {KNOWN.format("n")}
        """,
        {"from_date": from_date, "to_date": to_date, "as_of": as_of},
        connection=connection,
    )


def read_node_figures(
    *, connection: Connection, from_date: date, to_date: date, as_of: datetime
) -> pl.DataFrame:
    """Figures of all nodes over [from_date, to_date), as believed at `as_of`: node_id, name, value_micro, valid_from,
    valid_to (null is open). Without the days on which a node is said to have none."""
    return read_frame(
        f"""
        SELECT n.node_id, n.name, n.value_micro, lower(n.valid) AS valid_from, upper(n.valid) AS valid_to
        FROM network_nodefigure n
        WHERE n.value_micro IS NOT NULL
          AND n.valid && daterange(%(from_date)s, %(to_date)s) AND {KNOWN.format("n")}
        """,
        {"from_date": from_date, "to_date": to_date, "as_of": as_of},
        connection=connection,
    )


def read_changed_points(
    *,
    connection: Connection,
    from_date: date,
    to_date: date,
    known_since: datetime,
    as_of: datetime,
    service_point_ids: pl.Series | None = None,
) -> pl.DataFrame:
    """Service points whose premise or network facts over [from_date, to_date) changed in (known_since, as_of].

    Columns: service_point_id, valid_from, valid_to (null is open): the days of which something else is said now. A
    change at a node reaches everything that any placement ever put below it: too many rather than too few. Looks at
    the whole utility, or at the service points named and their premises alone.
    """
    named = service_point_ids is not None
    premises = changed_days(
        table="network_premisestate",
        subject="premise_id",
        values=_STATE_VALUES,
        only="f.premise_id IN (SELECT premise_id FROM network_servicepoint WHERE id = ANY(%(points)s::bigint[]))"
        if named
        else "",
    )
    states = changed_days(table="network_nodestate", subject="node_id", values=("band", "supply_hours_day"))
    figures = changed_days(table="network_nodefigure", subject="node_id", values=("name", "value_micro"))
    placements = changed_days(table="network_nodeplacement", subject="node_id", values=("parent_id",))
    changed = f"""
        WITH RECURSIVE below AS (
            SELECT node_id, valid FROM ({states}) AS s
            UNION
            SELECT node_id, valid FROM ({figures}) AS f
            UNION
            SELECT node_id, valid FROM ({placements}) AS p
            UNION
            SELECT p.node_id, b.valid FROM network_nodeplacement p JOIN below b ON p.parent_id = b.node_id
        )
        SELECT sp.id AS service_point_id, s.valid
        FROM ({premises}) AS s JOIN network_servicepoint sp ON sp.premise_id = s.premise_id
        UNION ALL
        SELECT sp.id, b.valid FROM below b JOIN network_servicepoint sp ON sp.node_id = b.node_id
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


def read_placements_below(
    *, connection: Connection, node_ids: pl.Series, from_date: date, to_date: date, as_of: datetime
) -> pl.DataFrame:
    """Placements over [from_date, to_date), as believed at `as_of`, of the nodes and of all that any of them ever put
    below: node_id, parent_id, valid_from, valid_to (null is open)."""
    return read_frame(
        f"""
        WITH RECURSIVE below AS (
            SELECT unnest(%(nodes)s::bigint[]) AS node_id
            UNION
            SELECT p.node_id FROM network_nodeplacement p JOIN below b ON p.parent_id = b.node_id
        )
        SELECT n.node_id, n.parent_id, lower(n.valid) AS valid_from, upper(n.valid) AS valid_to
        FROM network_nodeplacement n JOIN below b ON b.node_id = n.node_id
        WHERE n.valid && daterange(%(from_date)s, %(to_date)s) AND {KNOWN.format("n")}
        """,
        {"nodes": node_ids, "from_date": from_date, "to_date": to_date, "as_of": as_of},
        connection=connection,
    )


def read_node_meters(
    *, connection: Connection, from_date: date, to_date: date, node_ids: pl.Series | None = None
) -> pl.DataFrame:
    """The points at which meters count what flows into nodes, connected on a day of [from_date, to_date); of all nodes
    or of those named.

    Columns: service_point_id, node_id, connected_from, connected_to (null is open).
    """
    return read_frame(
        f"""
        SELECT id AS service_point_id, node_id, connected_on AS connected_from, disconnected_on AS connected_to
        FROM network_servicepoint
        WHERE measures_node AND connected_on < %(to_date)s
          AND (disconnected_on IS NULL OR disconnected_on > %(from_date)s)
        {"" if node_ids is None else "AND node_id = ANY(%(nodes)s::bigint[])"}
        """,
        {"from_date": from_date, "to_date": to_date, "nodes": node_ids},
        connection=connection,
    )


def read_points_at_nodes(
    *, connection: Connection, node_ids: pl.Series, from_date: date, to_date: date
) -> pl.DataFrame:
    """Service points of premises that hang on the nodes and are connected on a day of [from_date, to_date), without
    those that take rests.

    Columns: service_point_id, node_id, premise_id, connected_from, connected_to (null is open).
    """
    return read_frame(
        """
        SELECT id AS service_point_id, node_id, premise_id, connected_on AS connected_from,
               disconnected_on AS connected_to
        FROM network_servicepoint
        WHERE node_id = ANY(%(nodes)s) AND NOT measures_node AND NOT takes_rest AND connected_on < %(to_date)s
          AND (disconnected_on IS NULL OR disconnected_on > %(from_date)s)
        """,
        {"nodes": node_ids, "from_date": from_date, "to_date": to_date},
        connection=connection,
    )


def read_rest_points(*, connection: Connection, buckets: range) -> pl.Series:
    """The service points of the buckets that take what is over the cap of a node's balance."""
    return read_frame(
        """
        SELECT id FROM network_servicepoint
        WHERE takes_rest AND bucket >= %(first)s AND bucket < %(next)s ORDER BY id
        """,
        {"first": buckets.start, "next": buckets.stop},
        connection=connection,
    )["id"]


def read_changed_feeds(
    *, connection: Connection, from_date: date, to_date: date, known_since: datetime, as_of: datetime
) -> pl.DataFrame:
    """Nodes that a placement over [from_date, to_date) recorded or superseded in (known_since, as_of] speaks of, the
    fed one and the feeding one: node_id, valid_from, valid_to (null is open)."""
    return read_frame(
        f"""
        SELECT DISTINCT unnest(ARRAY[n.node_id, n.parent_id]) AS node_id, lower(n.valid) AS valid_from,
               upper(n.valid) AS valid_to
        FROM network_nodeplacement n
        WHERE {CHANGED.format("n")} AND n.valid && daterange(%(from_date)s, %(to_date)s)
        """,
        {"from_date": from_date, "to_date": to_date, "known_since": known_since, "as_of": as_of},
        connection=connection,
    ).filter(pl.col("node_id").is_not_null())
