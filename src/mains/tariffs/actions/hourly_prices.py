"""Files of prices by the hour: whole days of one series, stored whole or not at all."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo, available_timezones

from django.db import models, transaction

from mains.base.csv_files import Column, FileFault, read_csv
from mains.engine.facts import MICRO
from mains.engine.intervals.known import midnight
from mains.engine.tariff.schedule import STEPS
from mains.kernel.clock_times import read_time
from mains.kernel.errors import MainsError
from mains.tariffs.models import HourlyPrices

COLUMNS = (Column("start"), Column("price"))
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_LARGEST_MICRO = 2**45
_DAY = timedelta(days=1)


class UnableToImportPrices(MainsError):
    """The series cannot be called so, or there is no such clock or length."""


@dataclass(frozen=True, kw_only=True)
class PriceFile:
    """What became of a file: `faults` by line, with any nothing is stored; `prices` in the file, `days` that were
    written, `corrected` of them later revisions."""

    faults: list[FileFault]
    prices: int = 0
    days: int = 0
    corrected: int = 0

    @property
    def is_stored(self) -> bool:
        return not self.faults


@dataclass
class _Reader:
    clock: ZoneInfo
    told: dict[datetime, tuple[int, int]] = field(default_factory=dict)
    faults: list[FileFault] = field(default_factory=list)

    def read(self, row: Mapping[str, str]) -> None:
        """Keep the price of a line, or a fault."""
        line = int(row["line"])
        start_at, micro = self._start(line, row["start"]), self._micro(line, row["price"])
        if start_at is None or micro is None:
            return
        if start_at in self.told:
            self.refuse(
                line,
                "start",
                "price-twice",
                f"Line {self.told[start_at][1]} has the price of the same time.",
                "Leave one of them out; at the hour that the clock has twice, give offsets.",
            )
            return
        self.told[start_at] = (micro, line)

    def _start(self, line: int, text: str) -> datetime | None:
        written = read_time(text, self.clock)
        if written.instant is not None:
            return written.instant
        self.refuse(
            line,
            "start",
            "time-twice" if written.instants else "time-invalid",
            f"{text} comes twice by the clock."
            if written.instants
            else f"{text} is not a time of the clock.",
            "Write 2024-03-31T14:00, with its offset where needed: 2024-10-27T02:00+01:00.",
        )
        return None

    def _micro(self, line: int, text: str) -> int | None:
        try:
            micro = Decimal(text) * MICRO
        except InvalidOperation:
            self.refuse(
                line, "price", "price-invalid", f"{text} is not a number.", "Write a number such as 81.25."
            )
            return None
        if not micro.is_finite() or micro != micro.to_integral_value() or abs(micro) >= _LARGEST_MICRO:
            self.refuse(
                line, "price", "price-invalid", f"{text} cannot be kept.", "Give at most six decimals."
            )
            return None
        return int(micro)

    def refuse(self, line: int, name: str, code: str, message: str, remedy: str) -> None:
        self.faults.append(FileFault(line=line, field=name, code=code, message=message, remedy=remedy))


@transaction.atomic
def import_hourly_prices(
    *,
    content: bytes,
    file_name: str,
    series: str,
    unit: str,
    clock: str,
    step_minutes: int = 60,
    actor: models.Model | None,
    now: datetime,
) -> PriceFile:
    """Store a CSV file (COLUMNS) of prices of whole days, by the clock, in steps of `step_minutes`.

    The same file again changes nothing. Raises UnableToImportPrices.
    """
    if not _NAME.fullmatch(series):
        raise _unable("series", f"A series cannot be called {series}.", "Write a name such as day_ahead.")
    if clock not in available_timezones():
        raise _unable("clock", f"There is no time zone {clock}.", "Name one such as Europe/Berlin.")
    if step_minutes not in STEPS:
        raise _unable("length", f"{step_minutes} min are no part of an hour.", "Write 60, 30 or 15.")
    rows, faults = read_csv(content, columns=COLUMNS)
    reader = _Reader(ZoneInfo(clock), faults=faults)
    for row in rows.iter_rows(named=True):
        reader.read(row)
    days = sorted({at.astimezone(reader.clock).date() for at in reader.told})
    made = [_day(reader, day, clock, step_minutes) for day in days]
    if reader.faults:
        return PriceFile(faults=sorted(reader.faults, key=lambda fault: (fault.line, fault.field)))
    last = {
        row.day: row for row in HourlyPrices.objects.filter(series=series, day__in=days).order_by("revision")
    }
    written = []
    for day, (start_at, values) in zip(days, made, strict=True):
        before = last.get(day)
        shape = (clock, step_minutes, unit, values)
        if before and (before.clock, before.step_minutes, before.unit, before.values_micro) == shape:
            continue
        written.append(
            HourlyPrices(
                series=series, day=day, revision=before.revision + 1 if before else 0, clock=clock,
                start_at=start_at, step_minutes=step_minutes, unit=unit, values_micro=values,
                recorded_at=now, recorded_by_id=actor.pk if actor else None, proof=file_name[:200],
            )
        )  # fmt: skip
    HourlyPrices.objects.bulk_create(written)
    return PriceFile(
        faults=[],
        prices=len(reader.told),
        days=len(written),
        corrected=sum(1 for each in written if each.revision),
    )


def _day(reader: _Reader, day: date, clock: str, step_minutes: int) -> tuple[datetime, list[int]]:
    """The prices of a whole day; a day that lacks some is a fault."""
    start_at, end_at = midnight(day, clock), midnight(day + _DAY, clock)
    step = timedelta(minutes=step_minutes)
    own = {at: told for at, told in reader.told.items() if start_at <= at < end_at}
    wanted = [start_at + step * place for place in range((end_at - start_at) // step)]
    if sorted(own) != wanted:
        reader.refuse(
            min(line for _micro, line in own.values()),
            "start",
            "price-count",
            f"The day {day} has {len(wanted)} prices of {step_minutes} min, the file {len(own)}.",
            "Give whole days, with the hour that the clock has twice or without the one that it leaves out.",
        )
        return start_at, []
    return start_at, [own[at][0] for at in wanted]


def _unable(place: str, message: str, remedy: str) -> UnableToImportPrices:
    return UnableToImportPrices(code=f"price-{place}", message=message, place=place, remedy=remedy)
