"""Accounts and readings that people name on the command line."""

from datetime import date, datetime
from typing import TYPE_CHECKING

from mains.kernel.errors import MainsError

if TYPE_CHECKING:
    from mains.billing.actions.settlements import FinalReading
    from mains.customers.queries.records import AccountRecord


class UnableToReadOrder(MainsError):
    """There is no such account, meter, supply or way to say who comes next."""


def account_named(number: str, *, place: str, now: datetime) -> "AccountRecord":
    """The account of a number. Raises UnableToReadOrder."""
    from mains.customers.queries.records import find_account
    from mains.staff.values import EVERYTHING

    found = find_account(number=number, scope=EVERYTHING, on_date=now.date())
    if found is None:
        raise UnableToReadOrder(
            code="no-account",
            message=f"There is no account {number}.",
            place=place,
            remedy="Compare the number with the subscriber book.",
        )
    return found


def reading_said(text: str, last_date: date) -> "FinalReading":
    """SERIAL=VALUE or SERIAL/zone=VALUE as a reading of the day. Raises UnableToReadOrder."""
    from mains.billing.actions.settlements import FinalReading
    from mains.metering.actions.reading_files import ZONES
    from mains.metering.actions.readings import find_register

    named, separator, value = text.partition("=")
    serial, _, zone = named.partition("/")
    zone_code = ZONES.get(zone or "total")
    if not separator or zone_code is None:
        raise UnableToReadOrder(
            code="reading-unclear",
            message=f"{text!r} does not say which register showed what.",
            place="--reading",
            remedy="Write SERIAL=VALUE, or SERIAL/night=VALUE with total, day, night, peak or half_peak.",
        )
    register_id = find_register(serial=serial, zone=zone_code, reading_date=last_date)
    if register_id is None:
        raise UnableToReadOrder(
            code="register-unknown",
            message=f"There is no meter {serial} with such a register.",
            place="--reading",
            remedy="Compare the serial number and the zone with the meter.",
        )
    return FinalReading(register_id=register_id, text_value=value)
