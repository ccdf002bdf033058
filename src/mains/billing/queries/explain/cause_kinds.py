"""The kinds of facts that a recalculation comes from."""

from dataclasses import dataclass
from datetime import date, datetime

LATE_READING, FORECAST_REPLACED = "late_reading", "forecast_replaced"
CORRECTED_READING, WITHDRAWN_READING = "corrected_reading", "withdrawn_reading"
METER, AGREEMENT, AGREEMENT_WITHDRAWN, PREMISE = "meter", "agreement", "agreement_withdrawn", "premise"
NODE_FIGURE = "node_figure"
NODE_STATE, NODE_PLACEMENT, TARIFF, LEFT_OUT = "node_state", "node_placement", "tariff", "left_out"
BALANCE = "balance"
OPENING_BALANCE, CARRIED = "opening_balance", "carried"
METER_ERROR, METER_ERROR_WITHDRAWN = "meter_error", "meter_error_withdrawn"
UNMETERED_USE, UNMETERED_USE_WITHDRAWN = "unmetered_use", "unmetered_use_withdrawn"
ABSENCE, ABSENCE_WITHDRAWN = "absence", "absence_withdrawn"
INTERVALS, HOURLY_PRICES = "intervals", "hourly_prices"
CONDITION = "condition"


@dataclass(frozen=True, kw_only=True)
class Cause:
    """A fact that became known: its kind, id and day (a reading's, or its first day), and when we learnt of it.

    `name` says what it is about: a meter's serial, a node, the name of a figure and its node, that of a condition of
    supply, a tariff, the proof of an act or absence, or the attributes of a premise that differ, apart by commas.
    `replaced_id` is the fact that it corrects. A month that was left out of its bill has no fact.
    """

    kind: str
    fact_id: int | None = None
    day: date | None = None
    recorded_at: datetime | None = None
    name: str = ""
    replaced_id: int | None = None

    def to_data(self) -> dict[str, object]:
        """JSON-ready; schema in docs/schemas/bill-explanation.schema.json."""
        data: dict[str, object] = {"kind": self.kind}
        if self.fact_id is not None:
            data["fact_id"] = self.fact_id
        if self.day is not None:
            data["day"] = self.day.isoformat()
        if self.recorded_at is not None:
            data["recorded_at"] = self.recorded_at.isoformat()
        if self.name:
            data["name"] = self.name
        if self.replaced_id is not None:
            data["replaced_id"] = self.replaced_id
        return data
