"""What settlements and on-site bills share: the readings of a day, and a part of the open month for one account."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
from adbc_driver_manager.dbapi import Connection
from django.db import models, transaction
from django.db.models import Max

from mains.base.db import adbc_connect, read_frame
from mains.base.one_processor import on_one_processor
from mains.base.shared_connection import shared_connection
from mains.billing.actions.recalculations.drafts import CYCLE_LOCK, draft_run
from mains.billing.actions.runs import prepare_partitions
from mains.billing.models import BillRun
from mains.billing.queries.charges import SliceCharges
from mains.billing.values import RunKind
from mains.customers.queries.records import AccountRecord
from mains.kernel.errors import MainsError
from mains.metering.actions.intake import REPEATED
from mains.metering.actions.readings import record_reading
from mains.metering.queries.readings import registers_read_on
from mains.metering.queries.records import MeterRecord
from mains.metering.values import DayQuality, Zone

_LONGEST_WAIT = timedelta(minutes=10)
_UNTOLD = {DayQuality.NONE.value, DayQuality.UNMETERED.value}
"""Of what the meter counted on such a day nothing tells; an act may tell of use besides."""


@dataclass(frozen=True, kw_only=True)
class FinalReading:
    """What a register showed at the end of the last day, as text."""

    register_id: int
    text_value: str


@dataclass(frozen=True, kw_only=True)
class DayOfReading:
    """The day up to which an account is billed, and how its readings came about; refusals are raised as `error`.

    `evidence` is kept with each reading. `is_estimate`: registers without a reading of the day go by forecast.
    """

    account: AccountRecord
    day: date
    source: int
    is_estimate: bool
    error: type[MainsError]
    evidence: Mapping[str, Any] | None = None

    def refusal(self, code: str, message: str, remedy: str, field: str) -> MainsError:
        return self.error(
            code=code,
            message=message,
            place=f"account {self.account.number}",
            remedy=remedy,
            params={"field": field},
        )


def check_day(
    *, about: DayOfReading, open_month_end: date, open_month: date, now: datetime, to_come: tuple[str, str]
) -> None:
    """Raise when the day is not over yet, or lies beyond the month that is open. `to_come`: message and remedy."""
    if about.day > now.date():
        raise about.refusal("day-to-come", *to_come, "last_date")
    if about.day >= open_month_end:
        raise about.refusal(
            "month-before-open",
            f"{open_month:%Y-%m} is not billed yet, and the last day {about.day} lies after it.",
            f"Bill it first: mains bill run --month {open_month:%Y-%m}.",
            "last_date",
        )


@contextmanager
def hold_cycle(
    *, account: AccountRecord, kind: RunKind, now: datetime, keeps: bool, check_month: Callable[[date], None]
) -> Iterator[Connection]:
    """Django's transaction as a bulk connection, with the lock of the account's cycle; all is rolled back at the end
    unless it `keeps`. `check_month` refuses by the month that is open, before anybody waits for the lock."""
    month = draft_run(cycle=account.cycle, now=now, created_by_id=None, kind=kind).month
    check_month(month)
    with adbc_connect() as other:  # partitions are there for all, whatever becomes of this transaction
        prepare_partitions(connection=other, month=month)
    with on_one_processor(), transaction.atomic():
        connection = shared_connection()
        read_frame(CYCLE_LOCK, {"cycle": f"billing cycle {account.cycle}"}, connection=connection)
        yield connection
        transaction.set_rollback(not keeps)


def draft_single(
    *, account: AccountRecord, kind: RunKind, now: datetime, check_month: Callable[[date], None]
) -> BillRun:
    """The run to be of one account. Planned under the lock of `hold_cycle`: only so does it stay as it is."""
    draft = draft_run(cycle=account.cycle, now=now, created_by_id=None, kind=kind)
    check_month(draft.month)
    draft.account_id = draft.last_account_id = account.id
    return draft


def after_last_run(*, cycle: str, now: datetime) -> datetime:
    """`now`, or the instant after the cycle's last run where that was planned while we waited for it: many officers
    bill at once, and what each knows comes after what the one before knew."""
    recent = BillRun.objects.filter(
        cycle=cycle, facts_as_of__gte=now, facts_as_of__lte=now + _LONGEST_WAIT
    ).aggregate(last=Max("facts_as_of"))["last"]
    return now if recent is None else recent + timedelta(microseconds=1)


def take_readings(
    *,
    about: DayOfReading,
    readings: Sequence[FinalReading],
    meters: Sequence[MeterRecord],
    actor: models.Model | None,
    now: datetime,
) -> None:
    """Take the readings through the door for readings. Raises when one is doubtful, or when one is missing and an
    estimate will not do."""
    by_register = {meter.register_id: meter for meter in meters}
    for reading in readings:
        meter = by_register.get(reading.register_id)
        if meter is None:
            raise about.refusal(
                "register-elsewhere",
                f"Register {reading.register_id} does not hang at the account's supply on {about.day}.",
                "Check the meter and the day.",
                "readings",
            )
        told = record_reading(
            register_id=reading.register_id,
            reading_date=about.day,
            text_value=reading.text_value,
            source=about.source,
            evidence=about.evidence,
            actor=actor,
            now=now,
        )
        if told.decision != "accept" and told.code != REPEATED:
            remedy = told.remedy
            if told.decision == "queue":
                remedy = "Record it among the readings and have it accepted there; then settle."
            raise about.error(
                code=told.code,
                message=told.message,
                place=_named(meter),
                remedy=remedy,
                params={"field": f"reading_{meter.register_id}"},
            )
    read = registers_read_on(register_ids=list(by_register), day=about.day)
    missing = [meter for register_id, meter in by_register.items() if register_id not in read]
    if missing and not about.is_estimate:
        raise about.refusal(
            "final-reading-missing",
            f"There is no reading of {about.day} of meter {_named(missing[0])}.",
            "Give the reading, or settle by estimate: the forecast is corrected when a reading comes.",
            f"reading_{missing[0].register_id}",
        )


def check_blocked(*, about: DayOfReading, charges: SliceCharges, remedy: str) -> None:
    """Raise when the account is blocked."""
    blocking = charges.exceptions.filter("blocking")
    if not blocking.is_empty():
        raise about.error(
            code=str(blocking["code"][0]),
            message=str(blocking["message"][0]),
            place=f"account {about.account.number}",
            remedy=remedy,
        )


def check_forecast(
    *, about: DayOfReading, used: pl.DataFrame, meters: Sequence[MeterRecord], month: date
) -> None:
    """Days of a meter of which nothing tells, neither readings nor its own history: an average of its class is kept
    with the month's run only, and nobody must guess nought before."""
    for meter in meters:
        of_register = (pl.col("service_point_id") == meter.service_point_id) & (pl.col("zone") == meter.zone)
        first = max(month, meter.installed_from)
        for letters in used.filter(of_register)["quality"]:
            if _UNTOLD & set(letters[(first - month).days : (about.day - month).days + 1]):
                raise about.refusal(
                    "no-forecast",
                    f"Meter {meter.serial} has too short a history for an estimate.",
                    "Give a final reading, or wait for the month's bill run.",
                    f"reading_{meter.register_id}",
                )


def corrected_pairs(charges: SliceCharges, *, month: date) -> list[tuple[date, int]]:
    """The earlier months and service points that the charges correct."""
    return (
        charges.lines.filter(pl.col("service_month") < month)
        .select("service_month", "service_point_id")
        .unique()
        .sort(pl.all())
        .rows()
    )


def _named(meter: MeterRecord) -> str:
    zone = f", {Zone(meter.zone).name.lower()}" if meter.zone else ""
    return f"{meter.serial}{zone}"
