"""Where the facts of balances come from: the whole network month by month, or some nodes over many months at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.balance.queries.frames import read_balances, read_rules, read_shares_of_nodes
from mains.kernel.period import month_start, next_month
from mains.metering.queries.frames import read_usage, read_usage_of_points
from mains.network.queries.absences import read_absences
from mains.network.queries.frames import (
    read_node_meters,
    read_placements,
    read_placements_below,
    read_points_at_nodes,
    read_premise_states,
)

_USE = ("days_micro", "quality")


class Source(Protocol):
    """Facts of one month, as believed at an instant, in the columns of the readers that they are named after."""

    @property
    def service_point_ids(self) -> pl.Series | None:
        """The service points that the nodes and all below them have; None means all there are."""

    def meters(self, month: date) -> pl.DataFrame:
        """Points at which meters count what flows into nodes: `read_node_meters`."""

    def placements(self, month: date) -> pl.DataFrame:
        """Who is fed from whom: node_id, parent_id, valid_from, valid_to (null is open)."""

    def points(self, month: date, node_ids: pl.Series) -> pl.DataFrame:
        """Service points at the nodes: `read_points_at_nodes`."""

    def usage(self, month: date, service_point_ids: pl.Series) -> pl.DataFrame:
        """Daily use: service_point_id, zone, days_micro, quality."""

    def states(self, month: date, premise_ids: pl.Series) -> pl.DataFrame:
        """Attributes of premises: `read_premise_states`."""

    def absences(self, month: date, premise_ids: pl.Series) -> pl.DataFrame:
        """Absences from premises: `read_absences`."""

    def rules(self, month: date) -> pl.DataFrame:
        """Rules in force on the month's last day: `read_rules`."""

    def balances(self, month: date, node_ids: pl.Series) -> pl.DataFrame:
        """Balances kept before: `read_balances`."""

    def shares(self, month: date, node_ids: pl.Series) -> pl.DataFrame:
        """Shares kept before: `read_shares_of_nodes`."""


@dataclass(frozen=True, kw_only=True)
class WholeNetwork:
    """Asks the database month by month: what is in memory does not grow with the months."""

    connection: Connection
    as_of: datetime

    @property
    def service_point_ids(self) -> pl.Series | None:
        return None

    def meters(self, month: date) -> pl.DataFrame:
        return read_node_meters(connection=self.connection, from_date=month, to_date=next_month(month))

    def placements(self, month: date) -> pl.DataFrame:
        return read_placements(
            connection=self.connection, from_date=month, to_date=next_month(month), as_of=self.as_of
        )

    def points(self, month: date, node_ids: pl.Series) -> pl.DataFrame:
        return read_points_at_nodes(
            connection=self.connection, node_ids=node_ids, from_date=month, to_date=next_month(month)
        )

    def usage(self, month: date, service_point_ids: pl.Series) -> pl.DataFrame:
        return read_usage(
            connection=self.connection,
            month=month,
            as_of=self.as_of,
            columns=_USE,
            service_point_ids=service_point_ids,
        )

    def states(self, month: date, premise_ids: pl.Series) -> pl.DataFrame:
        return read_premise_states(
            connection=self.connection,
            premise_ids=premise_ids,
            from_date=month,
            to_date=next_month(month),
            as_of=self.as_of,
        )

    def absences(self, month: date, premise_ids: pl.Series) -> pl.DataFrame:
        return read_absences(
            connection=self.connection,
            premise_ids=premise_ids,
            from_date=month,
            to_date=next_month(month),
            as_of=self.as_of,
        )

    def rules(self, month: date) -> pl.DataFrame:
        last_day = next_month(month) - timedelta(days=1)
        return read_rules(connection=self.connection, first_day=last_day, last_day=last_day, as_of=self.as_of)

    def balances(self, month: date, node_ids: pl.Series) -> pl.DataFrame:
        return read_balances(
            connection=self.connection, months=[month], as_of=self.as_of, node_ids=node_ids
        ).drop("month")

    def shares(self, month: date, node_ids: pl.Series) -> pl.DataFrame:
        return read_shares_of_nodes(
            connection=self.connection, months=[month], as_of=self.as_of, node_ids=node_ids
        ).drop("month")


@dataclass(frozen=True, kw_only=True)
class SomeNodes:
    """What some nodes and all below them need over many months, read at once: one query each instead of one a month."""

    _meters: pl.DataFrame
    _placements: pl.DataFrame
    _points: pl.DataFrame
    _usage: pl.DataFrame
    _states: pl.DataFrame
    _absences: pl.DataFrame
    _rules: pl.DataFrame
    _balances: pl.DataFrame
    _shares: pl.DataFrame

    @staticmethod
    def read(
        *, connection: Connection, node_ids: pl.Series, months: Sequence[date], as_of: datetime
    ) -> "SomeNodes":
        """Everything of the nodes over `months` (ascending)."""
        first, following = months[0], next_month(months[-1])
        before = month_start(first - timedelta(days=1))
        placements = read_placements_below(
            connection=connection, node_ids=node_ids, from_date=first, to_date=following, as_of=as_of
        )
        below = pl.concat([placements["node_id"], node_ids]).unique().sort()
        meters = read_node_meters(connection=connection, from_date=first, to_date=following, node_ids=below)
        points = read_points_at_nodes(
            connection=connection, node_ids=below, from_date=first, to_date=following
        )
        premises = points["premise_id"].drop_nulls().unique().sort()
        used = pl.concat([meters["service_point_id"], points["service_point_id"]]).unique().sort()
        return SomeNodes(
            _meters=meters,
            _placements=placements,
            _points=points,
            _usage=read_usage_of_points(
                connection=connection, months=months, as_of=as_of, service_point_ids=used, columns=_USE
            ),
            _states=read_premise_states(
                connection=connection,
                premise_ids=premises,
                from_date=first,
                to_date=following,
                as_of=as_of,
            ),
            _absences=read_absences(
                connection=connection,
                premise_ids=premises,
                from_date=first,
                to_date=following,
                as_of=as_of,
            ),
            _rules=read_rules(
                connection=connection,
                first_day=first,
                last_day=following - timedelta(days=1),
                as_of=as_of,
                node_ids=node_ids,
            ),
            _balances=read_balances(
                connection=connection, months=[before, *months], as_of=as_of, node_ids=node_ids
            ),
            _shares=read_shares_of_nodes(
                connection=connection, months=months, as_of=as_of, node_ids=node_ids
            ),
        )

    @property
    def service_point_ids(self) -> pl.Series | None:
        return pl.concat([self._meters["service_point_id"], self._points["service_point_id"]]).unique().sort()

    def meters(self, month: date) -> pl.DataFrame:
        return _during(self._meters, month, "connected_from", "connected_to")

    def placements(self, month: date) -> pl.DataFrame:
        return _during(self._placements, month, "valid_from", "valid_to")

    def points(self, month: date, node_ids: pl.Series) -> pl.DataFrame:
        of_nodes = self._points.filter(pl.col("node_id").is_in(node_ids.implode()))
        return _during(of_nodes, month, "connected_from", "connected_to")

    def usage(self, month: date, service_point_ids: pl.Series) -> pl.DataFrame:
        is_one = pl.col("service_point_id").is_in(service_point_ids.implode())
        return self._usage.filter(pl.col("month") == month, is_one)

    def states(self, month: date, premise_ids: pl.Series) -> pl.DataFrame:
        of_premises = self._states.filter(pl.col("premise_id").is_in(premise_ids.implode()))
        return _during(of_premises, month, "valid_from", "valid_to")

    def absences(self, month: date, premise_ids: pl.Series) -> pl.DataFrame:
        of_premises = self._absences.filter(pl.col("premise_id").is_in(premise_ids.implode()))
        return _during(of_premises, month, "valid_from", "valid_to")

    def rules(self, month: date) -> pl.DataFrame:
        return _during(self._rules, next_month(month) - timedelta(days=1), "valid_from", "valid_to", days=1)

    def balances(self, month: date, node_ids: pl.Series) -> pl.DataFrame:
        return _kept(self._balances, month, node_ids)

    def shares(self, month: date, node_ids: pl.Series) -> pl.DataFrame:
        return _kept(self._shares, month, node_ids)


def _during(
    rows: pl.DataFrame, first: date, start: str, end: str, *, days: int | None = None
) -> pl.DataFrame:
    """Rows whose half-open stretch has a day of the month that begins at `first`, or of so many `days` from it."""
    following = next_month(first) if days is None else first + timedelta(days=days)
    return rows.filter(pl.col(start) < following, pl.col(end).is_null() | (pl.col(end) > first))


def _kept(rows: pl.DataFrame, month: date, node_ids: pl.Series) -> pl.DataFrame:
    is_one = pl.col("node_id").is_in(node_ids.implode())
    return rows.filter(pl.col("month") == month, is_one).drop("month")
