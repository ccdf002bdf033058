"""Where the facts of balances come from: the whole network month by month, or some nodes over many months at once."""

from collections.abc import Iterator, Sequence
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
_POINT_MONTHS_MAX = 50_000
"""Service points times months that are balanced at once; each takes a few kilobytes."""


class Part(Protocol):
    """Facts of adjoining months, as believed at an instant, in the columns of the readers that they are named after."""

    @property
    def months(self) -> Sequence[date]: ...

    def meters(self) -> pl.DataFrame:
        """Points at which meters count what flows into nodes: `read_node_meters`."""

    def placements(self) -> pl.DataFrame:
        """Who is fed from whom: node_id, parent_id, valid_from, valid_to (null is open)."""

    def points(self, node_ids: pl.Series) -> pl.DataFrame:
        """Service points at the nodes: `read_points_at_nodes`."""

    def usage(self, service_point_ids: pl.Series) -> pl.DataFrame:
        """Daily use: month, service_point_id, zone, days_micro, quality."""

    def states(self, premise_ids: pl.Series) -> pl.DataFrame:
        """Attributes of premises: `read_premise_states`."""

    def absences(self, premise_ids: pl.Series) -> pl.DataFrame:
        """Absences from premises: `read_absences`."""

    def rules(self) -> pl.DataFrame:
        """Rules in force on a day of the months: `read_rules`."""

    def balances(self, node_ids: pl.Series) -> pl.DataFrame:
        """Balances kept before, also of the month just before: `read_balances`."""

    def shares(self, node_ids: pl.Series) -> pl.DataFrame:
        """Shares kept before: `read_shares_of_nodes`."""


class Source(Protocol):
    """Gives the facts of months part by part."""

    @property
    def service_point_ids(self) -> pl.Series | None:
        """The service points that the nodes and all below them have; None means all there are."""

    def batches(self, months: Sequence[date]) -> Iterator[tuple[date, ...]]:
        """`months` (ascending) in runs of adjoining ones, as many as may be in memory at once."""

    def part(self, months: Sequence[date]) -> Part:
        """The facts of one batch."""


@dataclass(frozen=True, kw_only=True)
class WholeNetwork:
    """Asks the database month by month: what is in memory does not grow with the months."""

    connection: Connection
    as_of: datetime

    @property
    def service_point_ids(self) -> pl.Series | None:
        return None

    def batches(self, months: Sequence[date]) -> Iterator[tuple[date, ...]]:
        return ((month,) for month in months)

    def part(self, months: Sequence[date]) -> Part:
        (month,) = months
        return _WholeMonth(connection=self.connection, as_of=self.as_of, month=month)


@dataclass(frozen=True, kw_only=True)
class _WholeMonth:
    connection: Connection
    as_of: datetime
    month: date

    @property
    def months(self) -> Sequence[date]:
        return (self.month,)

    @property
    def _following(self) -> date:
        return next_month(self.month)

    def meters(self) -> pl.DataFrame:
        return read_node_meters(connection=self.connection, from_date=self.month, to_date=self._following)

    def placements(self) -> pl.DataFrame:
        return read_placements(
            connection=self.connection, from_date=self.month, to_date=self._following, as_of=self.as_of
        )

    def points(self, node_ids: pl.Series) -> pl.DataFrame:
        return read_points_at_nodes(
            connection=self.connection, node_ids=node_ids, from_date=self.month, to_date=self._following
        )

    def usage(self, service_point_ids: pl.Series) -> pl.DataFrame:
        return read_usage(
            connection=self.connection,
            month=self.month,
            as_of=self.as_of,
            columns=_USE,
            service_point_ids=service_point_ids,
        )

    def states(self, premise_ids: pl.Series) -> pl.DataFrame:
        return read_premise_states(
            connection=self.connection,
            premise_ids=premise_ids,
            from_date=self.month,
            to_date=self._following,
            as_of=self.as_of,
        )

    def absences(self, premise_ids: pl.Series) -> pl.DataFrame:
        return read_absences(
            connection=self.connection,
            premise_ids=premise_ids,
            from_date=self.month,
            to_date=self._following,
            as_of=self.as_of,
        )

    def rules(self) -> pl.DataFrame:
        last_day = self._following - timedelta(days=1)
        return read_rules(connection=self.connection, first_day=last_day, last_day=last_day, as_of=self.as_of)

    def balances(self, node_ids: pl.Series) -> pl.DataFrame:
        return read_balances(
            connection=self.connection,
            months=[_month_before(self.month), self.month],
            as_of=self.as_of,
            node_ids=node_ids,
        )

    def shares(self, node_ids: pl.Series) -> pl.DataFrame:
        return read_shares_of_nodes(
            connection=self.connection, months=[self.month], as_of=self.as_of, node_ids=node_ids
        )


@dataclass(frozen=True, kw_only=True)
class SomeNodes:
    """Some nodes and all below them over many months: one query for each kind of fact instead of one a month."""

    connection: Connection
    as_of: datetime
    node_ids: pl.Series
    _placements: pl.DataFrame
    _meters: pl.DataFrame
    _points: pl.DataFrame

    @staticmethod
    def read(
        *, connection: Connection, node_ids: pl.Series, months: Sequence[date], as_of: datetime
    ) -> "SomeNodes":
        """The nodes with all that any of `months` (ascending) may need of them."""
        days = {"from_date": months[0], "to_date": next_month(months[-1])}
        placements = read_placements_below(connection=connection, node_ids=node_ids, **days, as_of=as_of)
        below = pl.concat([placements["node_id"], node_ids]).unique().sort()
        return SomeNodes(
            connection=connection,
            as_of=as_of,
            node_ids=node_ids,
            _placements=placements,
            _meters=read_node_meters(connection=connection, **days, node_ids=below),
            _points=read_points_at_nodes(connection=connection, node_ids=below, **days),
        )

    @property
    def service_point_ids(self) -> pl.Series | None:
        return pl.concat([self._meters["service_point_id"], self._points["service_point_id"]]).unique().sort()

    def batches(self, months: Sequence[date]) -> Iterator[tuple[date, ...]]:
        at_once = max(1, _POINT_MONTHS_MAX // max(1, self._points.height))
        batch: list[date] = []
        for month in months:
            if batch and (len(batch) == at_once or month != next_month(batch[-1])):
                yield tuple(batch)
                batch = []
            batch.append(month)
        if batch:
            yield tuple(batch)

    def part(self, months: Sequence[date]) -> Part:
        first, following = months[0], next_month(months[-1])
        premises = self._points["premise_id"].drop_nulls().unique().sort()
        used = self.service_point_ids
        assert used is not None, "Named nodes have named service points."
        days = {"from_date": first, "to_date": following}
        return _NodesOverMonths(
            months=months,
            _meters=_during(self._meters, first, following, "connected_from", "connected_to"),
            _placements=_during(self._placements, first, following, "valid_from", "valid_to"),
            _points=_during(self._points, first, following, "connected_from", "connected_to"),
            _usage=read_usage_of_points(
                connection=self.connection,
                months=months,
                as_of=self.as_of,
                service_point_ids=used,
                columns=_USE,
            ),
            _states=read_premise_states(
                connection=self.connection, premise_ids=premises, **days, as_of=self.as_of
            ),
            _absences=read_absences(
                connection=self.connection, premise_ids=premises, **days, as_of=self.as_of
            ),
            _rules=read_rules(
                connection=self.connection,
                first_day=first,
                last_day=following - timedelta(days=1),
                as_of=self.as_of,
                node_ids=self.node_ids,
            ),
            _balances=read_balances(
                connection=self.connection,
                months=[_month_before(first), *months],
                as_of=self.as_of,
                node_ids=self.node_ids,
            ),
            _shares=read_shares_of_nodes(
                connection=self.connection, months=months, as_of=self.as_of, node_ids=self.node_ids
            ),
        )


@dataclass(frozen=True, kw_only=True)
class _NodesOverMonths:
    """What is read of the nodes is all there is to it; who asks for fewer gets those."""

    months: Sequence[date]
    _meters: pl.DataFrame
    _placements: pl.DataFrame
    _points: pl.DataFrame
    _usage: pl.DataFrame
    _states: pl.DataFrame
    _absences: pl.DataFrame
    _rules: pl.DataFrame
    _balances: pl.DataFrame
    _shares: pl.DataFrame

    def meters(self) -> pl.DataFrame:
        return self._meters

    def placements(self) -> pl.DataFrame:
        return self._placements

    def points(self, node_ids: pl.Series) -> pl.DataFrame:
        return _of(self._points, "node_id", node_ids)

    def usage(self, service_point_ids: pl.Series) -> pl.DataFrame:
        return _of(self._usage, "service_point_id", service_point_ids)

    def states(self, premise_ids: pl.Series) -> pl.DataFrame:
        return _of(self._states, "premise_id", premise_ids)

    def absences(self, premise_ids: pl.Series) -> pl.DataFrame:
        return _of(self._absences, "premise_id", premise_ids)

    def rules(self) -> pl.DataFrame:
        return self._rules

    def balances(self, node_ids: pl.Series) -> pl.DataFrame:
        return _of(self._balances, "node_id", node_ids)

    def shares(self, node_ids: pl.Series) -> pl.DataFrame:
        return _of(self._shares, "node_id", node_ids)


def _during(rows: pl.DataFrame, first: date, following: date, start: str, end: str) -> pl.DataFrame:
    """Rows whose half-open stretch (a null end is open) has a day of [first, following)."""
    return rows.filter(pl.col(start) < following, pl.col(end).is_null() | (pl.col(end) > first))


def _of(rows: pl.DataFrame, column: str, ids: pl.Series) -> pl.DataFrame:
    return rows.filter(pl.col(column).is_in(ids.implode()))


def _month_before(month: date) -> date:
    return month_start(month - timedelta(days=1))
