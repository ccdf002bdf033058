"""From which day on two editions of a tariff price differently."""

from datetime import date

from mains.engine.tariff.model import Tariff, Version

_OF_ALL_VERSIONS = (
    "code", "service", "currency", "minor_digits", "units", "day_count", "attributes", "quantities", "seasons",
    "use_rounding", "parts",
)  # fmt: skip


def first_difference(before: Tariff | None, after: Tariff | None) -> date | None:
    """The first day on which the editions may give another amount; None when there is none.

    An edition holds all versions of a tariff, so publishing next year's prices differs from its first day on and says
    nothing of the past. Titles, sources and notes price nothing.
    """
    if before is None or after is None:
        return None if before is after else date.min
    if any(getattr(before, name) != getattr(after, name) for name in _OF_ALL_VERSIONS):
        return date.min
    edges = {date.min}
    for version in (*before.versions, *after.versions):
        edges |= {version.valid_from} | ({version.valid_to} if version.valid_to else set())
    return next(
        (day for day in sorted(edges) if _terms(before.find_version(day)) != _terms(after.find_version(day))),
        None,
    )


def _terms(version: Version | None) -> object:
    return version and (version.tables, version.components, version.total_rounding)
