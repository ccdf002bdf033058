"""The network day by day, and the meters in it."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import date

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
        self._meters: dict[tuple[int, int], int | None] = {}

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

    def nearest_meter(self, node_id: int, day: int) -> int | None:
        """The first node on the way upwards from a node, itself included, whose use is known that day."""
        key = (node_id, day)
        if key not in self._meters:
            path = self.path(node_id, day)
            self._meters[key] = next((node for node in path if self.is_measured(node, day)), None)
        return self._meters[key]

    def nearest_meter_above(self, node_id: int, day: int) -> int | None:
        """The same, without the node itself."""
        path = self.path(node_id, day)
        return self.nearest_meter(path[1], day) if len(path) > 1 else None
