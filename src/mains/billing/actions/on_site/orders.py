"""What an officer asks for at the door, and what has to be refused before anything is computed."""

import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime

from django.utils import timezone

from mains.billing.actions.open_month import DayOfReading, FinalReading, check_day
from mains.customers.queries.records import AccountRecord
from mains.kernel.errors import MainsError
from mains.kernel.period import next_month
from mains.metering.values import ReadingSource

KEY_MAX = 80
_LATITUDE_MICRO, _LONGITUDE_MICRO = 90_000_000, 180_000_000


class UnableToBillOnSite(MainsError):
    """The account cannot be billed at the door on that day, or not by what is known."""


@dataclass(frozen=True, kw_only=True)
class Position:
    """Where the officer stood, in millionths of a degree (WGS 84), and how well the device knew it in metres."""

    latitude_micro: int
    longitude_micro: int
    accuracy_m: int | None = None


@dataclass(frozen=True, kw_only=True)
class OnSiteOrder:
    """A visit: what the registers showed at `captured_at`, and who read them where.

    `idempotency_key` is drawn by the field app once a visit. `printed_minor`: a bill made without a connection said so
    much. `is_estimate`: registers that nobody could read go by forecast.
    """

    account: AccountRecord
    readings: tuple[FinalReading, ...]
    captured_at: datetime
    idempotency_key: str
    position: Position | None = None
    officer: str = ""
    is_estimate: bool = False
    printed_minor: int | None = None

    @property
    def day(self) -> date:
        """The day of the visit, where the utility is: the last one that the bill covers."""
        return timezone.localdate(self.captured_at)

    @property
    def asked_hash(self) -> str:
        """Hash of all that is asked for: of another wish it is another one."""
        told = [
            self.account.id,
            sorted((each.register_id, each.text_value) for each in self.readings),
            self.captured_at.timestamp(),
            [self.position.latitude_micro, self.position.longitude_micro, self.position.accuracy_m]
            if self.position
            else None,
            self.officer,
            self.is_estimate,
            self.printed_minor,
        ]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def visit_day(order: OnSiteOrder) -> DayOfReading:
    """The order as what readings and use are asked by; time and place are kept with each reading."""
    evidence: dict[str, object] = {
        "captured_at": order.captured_at.isoformat(),
        "visit": order.idempotency_key,
    }
    if order.officer:
        evidence["officer"] = order.officer
    if order.position is not None:
        evidence["latitude"] = order.position.latitude_micro / 1_000_000
        evidence["longitude"] = order.position.longitude_micro / 1_000_000
        if order.position.accuracy_m is not None:
            evidence["accuracy_m"] = order.position.accuracy_m
    return DayOfReading(
        account=order.account,
        day=order.day,
        source=ReadingSource.FIELD,
        is_estimate=order.is_estimate,
        error=UnableToBillOnSite,
        evidence=evidence,
    )


def check_order(order: OnSiteOrder) -> None:
    """Raise UnableToBillOnSite on a key or a position that cannot be one."""
    about = visit_day(order)
    key = order.idempotency_key
    if not key.strip() or len(key) > KEY_MAX or not key.isprintable():
        raise about.refusal(
            "visit-key",
            f"A visit needs a key of 1 to {KEY_MAX} printable characters.",
            "Draw one when the visit begins, and send the same one every time.",
            "idempotency_key",
        )
    place = order.position
    if place is not None and not (
        abs(place.latitude_micro) <= _LATITUDE_MICRO
        and abs(place.longitude_micro) <= _LONGITUDE_MICRO
        and (place.accuracy_m is None or place.accuracy_m >= 0)
    ):
        raise about.refusal(
            "visit-position",
            "This is no place on earth.",
            "Give latitude from -90 to 90 and longitude from -180 to 180 degrees.",
            "position",
        )


def check_visit_day(order: OnSiteOrder, *, open_month: date, now: datetime) -> None:
    """Raise UnableToBillOnSite when the visit lies in the future, or beyond the month that is open."""
    to_come = (
        f"The visit of {order.captured_at:%Y-%m-%d %H:%M} is still to come.",
        "Check the clock of the device.",
    )
    about = visit_day(order)
    if order.captured_at > now:
        raise about.refusal("day-to-come", *to_come, "captured_at")
    check_day(
        about=about, open_month=open_month, open_month_end=next_month(open_month), now=now, to_come=to_come
    )
