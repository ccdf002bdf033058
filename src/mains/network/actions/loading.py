"""Load network trees, buildings, premises and service points in bulk."""

from datetime import date, datetime

import polars as pl
from adbc_driver_postgresql.dbapi import Connection

from mains.base.buckets import bucket_column
from mains.base.db import copy_frame
from mains.base.loading import copy_facts, date_ranges
from mains.network.values import IdleReason

TABLES = (
    "network_node",
    "network_nodeplacement",
    "network_nodestate",
    "network_building",
    "network_premise",
    "network_premisestate",
    "network_servicepoint",
    "network_idleperiod",
    "network_pointcondition",
)


def load_nodes(
    *, nodes: pl.DataFrame, service: str, valid_from: date, known_at: datetime, connection: Connection
) -> None:
    """Append nodes of one service's tree and what feeds them.

    nodes: id, kind, code, name, latitude, longitude, parent_id (null for a source).
    """
    copy_frame(
        nodes.drop("parent_id").with_columns(service=pl.lit(service)), "network_node", connection=connection
    )
    copy_facts(
        nodes.select(
            "parent_id", node_id="id", valid_from=pl.lit(valid_from), valid_to=pl.lit(None, pl.Date)
        ),
        "network_nodeplacement",
        known_at=known_at,
        connection=connection,
    )


def load_node_states(*, states: pl.DataFrame, known_at: datetime, connection: Connection) -> None:
    """Append states of nodes: node_id, band, supply_hours_day, and the days of a fact (see `copy_facts`)."""
    copy_facts(states, "network_nodestate", known_at=known_at, connection=connection)


def load_buildings(*, buildings: pl.DataFrame, connection: Connection) -> None:
    """Append buildings: id, city, street, house, postal_code, latitude, longitude, node_id."""
    copy_frame(buildings, "network_building", connection=connection)


def load_premises(
    *,
    premises: pl.DataFrame,
    states: pl.DataFrame,
    points: pl.DataFrame,
    known_at: datetime,
    connection: Connection,
) -> None:
    """Append premises, their states and their service points.

    premises: id, building_id, kind, entrance, floor, flat. states: premise_id, the columns of PremiseState
    and the days of a fact. points: id, code, premise_id, service, node_id, connected_on; the bucket is
    computed.
    """
    copy_frame(premises.with_columns(riser=pl.lit("")), "network_premise", connection=connection)
    copy_facts(states, "network_premisestate", known_at=known_at, connection=connection)
    copy_frame(points.with_columns(bucket=bucket_column("id")), "network_servicepoint", connection=connection)


def load_node_points(*, points: pl.DataFrame, connection: Connection) -> None:
    """Append points that measure nodes: id, code, service, node_id, connected_on, measures_node."""
    copy_frame(points.with_columns(bucket=bucket_column("id")), "network_servicepoint", connection=connection)


def load_conditions(*, conditions: pl.DataFrame, connection: Connection) -> None:
    """Append conditions: service_point_id, name, word, value_micro, valid_from, valid_to, recorded_at, proof."""
    copy_frame(date_ranges(conditions), "network_pointcondition", connection=connection)


def load_idle_periods(*, idle: pl.DataFrame, connection: Connection) -> None:
    """Append vacancies that have not ended: service_point_id, valid_from, known_on (Date), proof (the act)."""
    noon = pl.col("known_on").cast(pl.Datetime("us")).dt.offset_by("12h").dt.replace_time_zone("UTC")
    rows = idle.with_columns(
        valid_to=pl.lit(None, pl.Date), reason=pl.lit(IdleReason.VACANT.value), recorded_at=noon
    )
    copy_frame(date_ranges(rows.drop("known_on")), "network_idleperiod", connection=connection)
