"""Components that start or end by themselves: their version becomes several, cut on these days."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from mains.engine.tariff.model import Component, Version


def split_by_dates(versions: tuple[Version, ...]) -> tuple[Version, ...]:
    """Versions in which every component holds on all days; the others are the same objects as before."""
    return tuple(part for version in versions for part in _parts(version))


def _parts(version: Version) -> Iterator[Version]:
    dated = [day for component in version.components for day in (component.since, component.until) if day]
    if not dated:
        yield version
        return
    end = version.valid_to
    inside = sorted({day for day in dated if day > version.valid_from and (end is None or day < end)})
    starts = [version.valid_from, *inside]
    for start, stop in zip(starts, [*inside, end], strict=True):
        yield replace(
            version,
            valid_from=start,
            valid_to=stop,
            # Told by the versions now; so that a later end changes nothing before it.
            components=tuple(
                replace(each, since=None, until=None) for each in version.components if _holds(each, start)
            ),
            written_from=version.valid_from,
            written=tuple(component.name for component in version.components),
        )


def _holds(component: Component, day: date) -> bool:
    return (component.since is None or component.since <= day) and (
        component.until is None or day < component.until
    )
