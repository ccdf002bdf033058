"""Recalculation by itself, as pages show it: when a worker looks, what it found, what waits for a person."""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.conf import settings
from django.utils import timezone

from mains.billing.models import BillRun, RecalculationLook
from mains.billing.values import LookOutcome, RunKind, RunStatus
from mains.kernel.errors import MainsError

_MINUTES = re.compile(r"[1-9]\d{0,3}", re.ASCII)
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_LIMIT = re.compile(r"(\d{1,9})(%?)", re.ASCII)


class UnableToReadSchedule(MainsError):
    """The setting is neither an interval, nor a time of day, nor a limit."""


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """When a worker looks by itself: every `minutes`, every day at a time `at`, or, with neither, never."""

    minutes: int | None = None
    at: time | None = None

    @property
    def is_on(self) -> bool:
        return self.minutes is not None or self.at is not None

    def next_look(self, last: datetime | None, *, now: datetime) -> datetime | None:
        """When to look next after the last look, `now` where none was; None when switched off."""
        if not self.is_on:
            return None
        if last is None:
            return now
        if self.minutes is not None:
            return last + timedelta(minutes=self.minutes)
        assert self.at is not None, "A schedule that is on has one of the two."
        local = timezone.localtime(last)
        due = local.replace(hour=self.at.hour, minute=self.at.minute, second=0, microsecond=0)
        return due if due > local else due + timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Limit:
    """How many accounts are corrected unasked: a number, or a share of all in percent."""

    number: int
    is_percent: bool

    def of(self, accounts: int) -> int:
        return accounts * self.number // 100 if self.is_percent else self.number


@dataclass(frozen=True, kw_only=True)
class Watch:
    """How it stands with one cycle; `looked_at` None where nobody has looked. `is_asked`: somebody has agreed, and a
    worker will post what waits."""

    cycle: str
    looked_at: datetime | None
    next_at: datetime | None
    outcome: str
    touched: int
    at_most: int
    run_id: int | None
    message: str
    remedy: str
    is_agreed: bool

    @property
    def waits(self) -> bool:
        return self.outcome == LookOutcome.WAITS


def read_schedule() -> Schedule:
    """The setting MAINS_RECALCULATE. Raises UnableToReadSchedule."""
    text = settings.RECALCULATE.strip().lower()
    if text == "off":
        return Schedule()
    if _MINUTES.fullmatch(text):
        return Schedule(minutes=int(text))
    found = _TIME.fullmatch(text)
    if found:
        return Schedule(at=time(int(found[1]), int(found[2])))
    raise UnableToReadSchedule(
        code="schedule-wrong",
        message=f"{text!r} says neither how often nor when to recalculate.",
        place="MAINS_RECALCULATE",
        remedy="Give minutes as 15, a time of day as 02:30, or off; then start Mains again.",
    )


def read_limit() -> Limit:
    """The setting MAINS_RECALCULATE_AT_MOST. Raises UnableToReadSchedule."""
    text = settings.RECALCULATE_AT_MOST.strip()
    found = _LIMIT.fullmatch(text)
    if found and (not found[2] or int(found[1]) <= 100):
        return Limit(number=int(found[1]), is_percent=bool(found[2]))
    raise UnableToReadSchedule(
        code="limit-wrong",
        message=f"{text!r} is neither a number of accounts nor a share of them.",
        place="MAINS_RECALCULATE_AT_MOST",
        remedy="Give a number as 1000, or a share as 5%; then start Mains again.",
    )


def list_watches(*, now: datetime) -> list[Watch]:
    """Every cycle that has a billed month, with its last look; `now` by the wall clock. Raises UnableToReadSchedule."""
    schedule = read_schedule()
    posted = BillRun.objects.filter(kind=RunKind.MONTHLY, status=RunStatus.POSTED)
    looks = {look.cycle: look for look in RecalculationLook.objects.all()}
    return [
        _watch(cycle, looks.get(cycle), schedule, now=now)
        for cycle in sorted(set(posted.values_list("cycle", flat=True)))
    ]


def count_waiting() -> int:
    """Cycles whose recalculation waits for a person."""
    return RecalculationLook.objects.filter(outcome=LookOutcome.WAITS, agreed_at=None).count()


def _watch(cycle: str, look: RecalculationLook | None, schedule: Schedule, *, now: datetime) -> Watch:
    looked_at = look.looked_at if look else None
    next_at = schedule.next_look(looked_at, now=now)
    return Watch(
        cycle=cycle,
        looked_at=looked_at,
        next_at=max(next_at, now) if next_at else None,
        outcome=look.outcome if look else "",
        touched=look.touched if look else 0,
        at_most=look.at_most if look else 0,
        run_id=look.run_id if look else None,
        message=look.message if look else "",
        remedy=look.remedy if look else "",
        is_agreed=bool(look and look.agreed_at),
    )
