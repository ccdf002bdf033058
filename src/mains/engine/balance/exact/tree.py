"""The network day by day, and the meters in it."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import date
from itertools import pairwise

from mains.engine.balance.exact.facts import DAY, Days, Placement


class Tree:
    """The network as it stands day by day; `measured` has the use of each node with a meter (None: not known)."""

    def __init__(
        self,
        *,
        month_from: date,
        placements: Sequence[Placement],
        measured: Mapping[int, Days],
    ) -> None:
        self.month_from = month_from
        self.measured = measured
        self._placements: dict[int, list[Placement]] = {}
        for placement in placements:
            self._placements.setdefault(placement.node_id, []).append(placement)
        self._cuts = sorted(
            {day for placement in placements for day in (placement.valid_from, placement.valid_to) if day}
        )
        self._between: dict[int, int] = {}
        self._paths: dict[tuple[int, int], Sequence[int]] = {}

    def is_measured(self, node_id: int, day: int) -> bool:
        return node_id in self.measured and self.measured[node_id][day] is not None

    def path(self, node_id: int, day: int) -> Sequence[int]:
        """The node and all above it, upwards, on the month's day number `day` (from 0)."""
        # Between two cuts the trees stand still.
        between = self._between.get(day)
        if between is None:
            between = self._between[day] = bisect_right(self._cuts, self.month_from + day * DAY)
        key = (node_id, between)
        found = self._paths.get(key)
        if found is None:
            found = self._paths[key] = self._climb(node_id, self.month_from + day * DAY)
        return found

    def reach(
        self, at: int, node_id: int, known: Set[int], count: int
    ) -> tuple[Sequence[bool], Sequence[bool]]:
        """Of each of the month's `count` days, whether node `at` stands below `node_id`, or is it, on one of the
        `known` days; and whether no meter there or in between counts what it uses."""
        reached, nearest = [False] * count, [False] * count
        for first, end in self._still(count):
            path = self.path(at, first)
            if node_id not in path:
                continue
            meters = self._meters_in(path[: path.index(node_id)])
            for day in known & {*range(first, end)}:
                reached[day] = True
                nearest[day] = not meters or all(used[day] is None for used in meters)
        return reached, nearest

    def days_next_above(self, at: int, node_id: int, known: Set[int], count: int) -> Set[int]:
        """The `known` days on which `node_id` is the next node with a meter on the way upwards from `at`."""
        found: set[int] = set()
        for first, end in self._still(count):
            above = self.path(at, first)[1:]
            if node_id in above:
                meters = self._meters_in(above[: above.index(node_id)])
                days = known & {*range(first, end)}
                found |= {day for day in days if not any(used[day] is not None for used in meters)}
        return found

    def _meters_in(self, nodes: Sequence[int]) -> Sequence[Days]:
        return [self.measured[node] for node in nodes if node in self.measured]

    def _still(self, count: int) -> Iterator[tuple[int, int]]:
        """Days of the month, by number, between which the trees stand still."""
        cuts = {(day - self.month_from).days for day in self._cuts}
        return pairwise(sorted({0, count, *(cut for cut in cuts if 0 < cut < count)}))

    def _climb(self, node_id: int, on: date) -> Sequence[int]:
        found = [node_id]
        while True:
            parent = next(
                (
                    placement.parent_id
                    for placement in self._placements.get(found[-1], ())
                    if placement.valid_from <= on and (placement.valid_to is None or on < placement.valid_to)
                ),
                None,
            )
            if parent is None:
                return found
            found.append(parent)
