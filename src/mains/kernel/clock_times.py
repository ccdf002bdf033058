"""Times as files write them: by a clock, which leaves out an hour and has another one twice, or with an offset."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

_WRITTEN = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})(?::00)?(Z|[+-]\d{2}:?\d{2})?")


@dataclass(frozen=True)
class WrittenTime:
    """`local` as the clock shows it, None where there is an offset, or no time; `instants` (UTC): one, two in the hour
    that comes twice, none in the one that is left out."""

    local: datetime | None
    instants: tuple[datetime, ...]

    @property
    def instant(self) -> datetime | None:
        """The instant meant; None unless there is exactly one."""
        return self.instants[0] if len(self.instants) == 1 else None


def read_time(text: str, clock: ZoneInfo) -> WrittenTime:
    """A minute such as `2024-03-31T14:00`, by `clock` unless it names its offset: `2024-03-31T14:00+02:00`, `Z`."""
    match = _WRITTEN.fullmatch(text)
    if match is None:
        return WrittenTime(None, ())
    try:
        local = datetime.fromisoformat(f"{match[1]}T{match[2]}")
        if match[3]:
            offset = "+00:00" if match[3] == "Z" else match[3]
            at = datetime.fromisoformat(f"{match[1]}T{match[2]}{offset}").astimezone(UTC)
            return WrittenTime(None, (at,))
    except ValueError:
        return WrittenTime(None, ())
    return WrittenTime(local, instants_of(local, clock))


def instants_of(local: datetime, clock: ZoneInfo) -> tuple[datetime, ...]:
    """The instants (UTC) at which a clock shows a time, the earlier first."""
    found = {local.replace(tzinfo=clock, fold=fold).astimezone(UTC) for fold in (0, 1)}
    # Of a time that the clock leaves out Python makes one that the clock shows otherwise.
    return tuple(sorted(at for at in found if at.astimezone(clock).replace(tzinfo=None) == local))
