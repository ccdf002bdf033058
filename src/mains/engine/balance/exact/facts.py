"""What the balance of a node is drawn up from, and what is found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from mains.engine.balance.values import AllocationKey, NegativeRule

DAY = timedelta(days=1)
Days = Sequence[int | None]
"""Micro-units of each day of a month; None on days that do not count, or on which nothing is known."""


class Placement(NamedTuple):
    """From which node a node was fed over [valid_from, valid_to)."""

    node_id: int
    parent_id: int | None
    valid_from: date
    valid_to: date | None


class State(NamedTuple):
    """Residents and floor area (10^-6 m²) of a service point's premise over [valid_from, valid_to)."""

    residents: int
    area_micro: int
    valid_from: date
    valid_to: date | None


class Absence(NamedTuple):
    """Residents absent from a service point's premise over [valid_from, valid_to)."""

    residents: int
    valid_from: date
    valid_to: date


class MemberFacts(NamedTuple):
    """A service point: where it hangs, when it is connected, its use by day (micro-units; None: no meter that day), and
    what it fed into the network by day, if it did."""

    service_point_id: int
    node_id: int
    connected_from: date
    connected_to: date | None
    days: Days
    fed_in: Sequence[int] = ()
    states: Sequence[State] = ()
    absences: Sequence[Absence] = ()


@dataclass(frozen=True, kw_only=True)
class RestPoint:
    """The service point that takes what is over the cap on the days of its connection."""

    service_point_id: int
    connected_from: date
    connected_to: date | None


@dataclass(frozen=True, kw_only=True)
class Rule:
    """How a node is balanced; micro-units. `cap_micro` is a whole month's."""

    key: AllocationKey
    negative: NegativeRule
    cap_micro: int | None = None
    norm_person_micro: int = 0
    carried_micro: int = 0
    rest: RestPoint | None = None


@dataclass(frozen=True)
class ExactBalance:
    """A node's month with all that led to it, in micro-units; lists have one element per day.

    `direct` is the use of each member whose use is an outflow, `weights` of each service point that gets a share,
    `meters` the outflows into the meters below, `fed_in` what each such member fed into the network, `shares` what each
    service point is given, `rest_days` what the point named for it takes of `over_cap`.
    """

    measured_days: int
    node_days: tuple[int, ...]
    member_days: tuple[int, ...]
    direct: Mapping[int, int]
    fed_in_days: tuple[int, ...]
    meters: Mapping[int, int]
    fed_in: Mapping[int, int]
    remainder: int
    due: int
    cap: int | None
    amount: int
    allocated_days: tuple[int, ...]
    weights: Mapping[int, tuple[int, ...]]
    shares: Mapping[int, tuple[int, ...]]
    over_cap: int
    rest_days: tuple[int, ...]
    carried_out: int
