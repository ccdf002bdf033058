"""Tiers of a table: limits in rising order, the last one open."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from mains.engine.language.units import Unit, UnitSystem
from mains.engine.tariff.clauses import Clause
from mains.engine.tariff.model import Tier

_NO_LIMIT = ("", "rest", "inf", ".inf", "infinity", "∞", "above", "over", "unlimited", "more")


@dataclass(frozen=True)
class TierReader:
    """Reads the tiers of one table. `figure` reads a price; limits are in `limit_unit`, of which a bare number
    counts `limit_factor`.
    """

    units: UnitSystem
    limit_unit: Unit
    limit_factor: Fraction
    figure: Callable[[Clause], Fraction | None]

    def read(self, clause: Clause) -> tuple[Tier, ...] | None:
        """Tiers of a list, or of `150: 3.61` entries; faults go to the clause's problems."""
        if isinstance(clause.value, Mapping):
            items = [entry.pair(limit) for limit, entry in clause.entries()]
        else:
            items = clause.items()
        if not items:
            if isinstance(clause.value, list):
                clause.refuse("missing-tier", "The table has no tiers.", "Write at least one, [null, 3.61].")
            return None
        tiers: list[Tier] = []
        for at, item in enumerate(items):
            tier = self._tier(item, tiers[-1] if tiers else None, last=at == len(items) - 1)
            if tier is not None:
                tiers.append(tier)
        return tuple(tiers)

    def _tier(self, item: Clause, before: Tier | None, *, last: bool) -> Tier | None:
        parts = self._parts(item)
        if parts is None:
            return None
        start, limit, price = parts
        figure = self.figure(price)
        upto = self._limit(limit)
        if upto is None and not last and _is_open(limit):
            item.refuse(
                "missing-tier",
                "Only the last tier may be without a limit.",
                "Write `upto: 150`, or [150, 3.61].",
            )
        if upto is not None and last:
            message = f"Nothing says the price above {limit.value}."
            item.refuse("missing-tier", message, "Add a last tier without `upto`: [null, 3.61].")
        if upto is not None and upto < 0:
            item.refuse("tiers-order", "A limit cannot be negative.", "Start with the lowest limit.")
        if upto is not None and before is not None and before.upto is not None and upto <= before.upto:
            item.refuse(
                "tiers-order", "The limit is not above the limit before it.", "Put the tiers in rising order."
            )
        if start is not None:
            self._check_start(start, before)
        return Tier(upto, figure) if figure is not None else None

    def _parts(self, item: Clause) -> tuple[Clause | None, Clause, Clause] | None:
        """Where the tier starts (if it says so), its upper limit, and its price."""
        if isinstance(item.value, Mapping):
            item.only(("from", "upto", "to", "price", "value"))
            start = item.get("from") if "from" in item.value else None
            limit = item.get("to") if item.get("to").value is not None else item.get("upto")
            price = item.get("value") if item.get("value").value is not None else item.get("price")
            return start, limit, price
        parts = item.items() if isinstance(item.value, list) else []
        if len(parts) == 2:
            return None, parts[0], parts[1]
        if len(parts) == 3:
            return parts[0], parts[1], parts[2]
        item.refuse(
            "missing-value",
            "A tier is a limit and a price.",
            "Write [300, 120], and [null, 307.3] for the last.",
        )
        return None

    def _limit(self, clause: Clause) -> Fraction | None:
        """The upper limit in base units; None for the open end of the last tier, and when refused."""
        if _is_open(clause):
            return None
        found = clause.figure()
        if found is None:
            return None
        number, written = found
        if written is None:
            return number * self.limit_factor
        try:
            unit, size = self.units.parse(written)
        except ValueError as error:
            clause.refuse("unit-unknown", f"{error}.", "Write the limit alone, or with its unit: 150 kWh.")
            return None
        if unit != self.limit_unit:
            clause.refuse(
                "unit-mismatch",
                f"The limit is in {unit}, but the table's limits are in {self.limit_unit}.",
                f"Write `limit_unit: {unit}`.",
            )
        return number * size

    def _check_start(self, start: Clause, before: Tier | None) -> None:
        """A printed lower limit, `201–400` or `200–400`, must follow from the tier before; it decides nothing."""
        found = self._limit(start)
        floor = before.upto if before is not None and before.upto is not None else Fraction(0)
        if found is not None and found not in (floor, floor + self.limit_factor):
            message = f"The tier starts at {start.value}, but the one before it ends at {floor}."
            remedy = "Leave the lower limits out; upper limits are inclusive. Decimals have a point: 5.10, not 5,10."
            start.refuse("tiers-order", message, remedy)


def _is_open(clause: Clause) -> bool:
    return clause.value is None or str(clause.value).casefold() in _NO_LIMIT
