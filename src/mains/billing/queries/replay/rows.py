"""Rows of facts as replay holds them: tuples; `recorded_at` and `superseded_at` bound the time in which each was
believed.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import NamedTuple, Protocol, TypeVar

from mains.engine.usage.exact import MeterError, Reading, UnmeteredUse


class Believed(Protocol):
    """A row that was believed from one instant until another."""

    @property
    def recorded_at(self) -> datetime: ...

    @property
    def superseded_at(self) -> datetime | None: ...


BelievedRow = TypeVar("BelievedRow", bound=Believed)


class Agreement(NamedTuple):
    """An agreement's row with its service point and premise."""

    account_id: int
    id: int
    service_point_id: int
    tariff_id: int
    provider_id: int
    category: str
    load_class: str
    valid_from: date
    valid_to: date | None
    recorded_at: datetime
    superseded_at: datetime | None
    point_code: str
    premise_id: int
    node_id: int
    service: str
    connected_on: date
    disconnected_on: date | None
    premise_kind: str

    @property
    def parties(self) -> tuple[int, int, int, int]:
        """What rows have in common that follow one another in one item."""
        return self.account_id, self.service_point_id, self.tariff_id, self.provider_id


class Installed(NamedTuple):
    """A register of a meter while it is installed."""

    service_point_id: int
    installation_id: int
    meter_id: int
    register_id: int
    zone: int
    digits: int
    multiplier_micro: int
    valid_from: date
    valid_to: date | None
    recorded_at: datetime
    superseded_at: datetime | None


class BelievedReading(NamedTuple):
    """A reading, and when it was believed."""

    recorded_at: datetime
    superseded_at: datetime | None
    reading: Reading


class BelievedError(NamedTuple):
    """A found error of a register, and when it was believed."""

    register_id: int
    recorded_at: datetime
    superseded_at: datetime | None
    error: MeterError
    proof: str


class BelievedAct(NamedTuple):
    """An act of unmetered use, and when it was believed."""

    service_point_id: int
    recorded_at: datetime
    superseded_at: datetime | None
    act: UnmeteredUse


class Absence(NamedTuple):
    """Residents of a premise who are absent."""

    premise_id: int
    residents: int
    valid_from: date
    valid_to: date
    recorded_at: datetime
    superseded_at: datetime | None


class PremiseState(NamedTuple):
    """A premise record; areas in millionths of a square metre."""

    premise_id: int
    residents: int
    rooms: int
    floor_area_m2_micro: int
    heated_area_m2_micro: int
    storey_height_mm: int
    location: str
    cooker: str
    meter_possible: bool
    valid_from: date
    valid_to: date | None
    recorded_at: datetime
    superseded_at: datetime | None


class Placement(NamedTuple):
    """A node below another."""

    node_id: int
    parent_id: int | None
    valid_from: date
    valid_to: date | None
    recorded_at: datetime
    superseded_at: datetime | None


class NodeState(NamedTuple):
    """Band and hours of supply of a node."""

    node_id: int
    band: str | None
    supply_hours_day: int | None
    valid_from: date
    valid_to: date | None
    recorded_at: datetime
    superseded_at: datetime | None


class NodeFigure(NamedTuple):
    """A number that tariffs read of a node, in millionths."""

    node_id: int
    name: str
    value_micro: int
    valid_from: date
    valid_to: date | None
    recorded_at: datetime
    superseded_at: datetime | None


class Condition(NamedTuple):
    """A word, or a number in millionths, that tariffs read of a service point."""

    service_point_id: int
    id: int
    name: str
    word: str
    value_micro: int | None
    valid_from: date
    valid_to: date | None
    proof: str
    recorded_at: datetime
    superseded_at: datetime | None


class StoredUse(NamedTuple):
    """A month of daily use as it was computed at `recorded_at`."""

    service_point_id: int
    month: date
    zone: int
    revision: int
    recorded_at: datetime
    days_micro: list[int]
    quality: str


class KeptBalance(NamedTuple):
    """What was kept of a balance that an item left; an empty value where the item is there no more."""

    account_id: int
    month: date
    agreement_id: int
    service_point_id: int
    balance: str
    unit: str
    to_date: date
    value_micro: int | None
    run_id: int
    recorded_at: datetime


class OpeningFact(NamedTuple):
    """An opening balance of a month, and when it was believed."""

    account_id: int
    month: date
    service_point_id: int
    balance: str
    unit: str
    value_micro: int
    recorded_at: datetime
    superseded_at: datetime | None


class PostedLine(NamedTuple):
    """The amounts of a bill's lines under one key."""

    bill_id: int
    month: date
    agreement_id: int
    service_month: date
    component: str
    kind: str
    amount_minor: int


class PostedBill(NamedTuple):
    """A bill's head."""

    account_id: int
    month: date
    id: int
    run_id: int
    amount_minor: int


class Edition(NamedTuple):
    """A tariff document, and since when and how long it was believed."""

    tariff_id: int
    document: str
    recorded_at: datetime
    superseded_at: datetime | None


def believed(rows: Iterable[BelievedRow], at: datetime) -> list[BelievedRow]:
    """The rows that were believed at an instant."""
    return [
        row for row in rows if row.recorded_at <= at and (row.superseded_at is None or row.superseded_at > at)
    ]
