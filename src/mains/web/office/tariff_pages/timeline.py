"""The versions of a tariff on a line of time, today marked."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from mains.engine.tariff import Tariff

WIDTH = 1000
_MARGIN_DAYS = 120


@dataclass(frozen=True)
class Span:
    """A version as a bar; `valid_from` None: it has always been in force."""

    number: int
    valid_from: date | None
    valid_to: date | None
    source: str
    left: int
    width: int
    phase: Literal["past", "present", "future"]


@dataclass(frozen=True)
class Timeline:
    """The bars and where today stands, in thousandths of the width."""

    spans: tuple[Span, ...]
    today: int

    @property
    def present(self) -> Span | None:
        return next((span for span in self.spans if span.phase == "present"), None)

    @property
    def following(self) -> Span | None:
        return next((span for span in self.spans if span.phase == "future"), None)


def tariff_timeline(tariff: Tariff, *, today: date) -> Timeline:
    """The timeline from the first version to some time after the last one's start and today."""
    starts = [version.valid_from for version in tariff.versions if version.valid_from != date.min]
    ends = [version.valid_to for version in tariff.versions if version.valid_to is not None]
    first = min([*starts, today]) - timedelta(days=_MARGIN_DAYS // 4)
    last = max([*starts, *ends, today]) + timedelta(days=_MARGIN_DAYS)
    days = (last - first).days

    def at(day: date) -> int:
        return max(0, (day - first).days) * WIDTH // days

    spans = []
    for number, version in enumerate(tariff.versions, 1):
        start = max(version.valid_from, first)
        end = version.valid_to or last
        is_past = version.valid_to is not None and version.valid_to <= today
        spans.append(
            Span(
                number=number,
                valid_from=version.valid_from if version.valid_from != date.min else None,
                valid_to=version.valid_to,
                source=version.source,
                left=at(start),
                width=max(4, at(end) - at(start) - 2),
                phase="past" if is_past else "future" if version.valid_from > today else "present",
            )
        )
    return Timeline(tuple(spans), at(today))
