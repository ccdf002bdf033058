"""Two documents of a tariff compared by meaning: versions, prices, components, and what stands above them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Literal

from mains.engine.exact import show_short
from mains.engine.tariff import Tariff, Version
from mains.engine.tariff.model import Cell, Table

Kind = Literal[
    "version-added", "version-removed", "version-moved",
    "price-added", "price-removed", "price-changed", "tiers-changed",
    "component-added", "component-removed", "component-changed", "heading-changed",
]  # fmt: skip
_HEADING = ("unit", "currency", "currency_digits", "day_count", "on_change", "cut", "split_usage", "seasons")
_TEXTS = ("title", "source", "confidence", "note", "service")
_COMPONENT_TEXTS = frozenset({"title", "source", "note"})
_ALWAYS = date.min


@dataclass(frozen=True)
class Change:
    """One difference. `version` is the day from which it counts, None above the versions.

    `subject` names the price or component, `part` what of it (a tier, a table's key, `formula`). `is_priced`
    tells what can change an amount from what people only read. `percent` is the rise of a price, in percent. `since` is
    the first day that differs, where that is later than the version's.
    """

    kind: Kind
    version: date | None
    subject: str
    part: str = ""
    before: str = ""
    after: str = ""
    unit: str = ""
    percent: Fraction | None = None
    is_priced: bool = True
    since: date | None = None


def compare_tariffs(
    before: Tariff | None, after: Tariff, documents: tuple[object, object]
) -> tuple[Change, ...]:
    """All differences in the order of the new document; `documents` are the two as read (see `read_document`)."""
    if before is None:
        return tuple(_added_version(version, None) for version in after.versions)
    old, new = (document if isinstance(document, Mapping) else {} for document in documents)
    changes = list(_heading(before, after, old, new))
    by_date = {version.valid_from: version for version in before.versions}
    earlier: Version | None = None
    for version in after.versions:
        known = by_date.pop(version.valid_from, None)
        if known is None:
            changes.append(_added_version(version, earlier))
            changes += _inside(earlier, version, new, new) if earlier is not None else ()
        else:
            changes += _moved_end(known, version, before, after)
            changes += _inside(known, version, old, new)
        earlier = version
    changes += [
        Change("version-removed", version.valid_from, str(version.valid_from), before=_period(version))
        for version in by_date.values()
    ]
    return tuple(changes)


def changes_of_the_past(changes: Sequence[Change], *, today: date) -> tuple[Change, ...]:
    """Differences that can change amounts of days before tomorrow: bills would be recalculated for them."""
    return tuple(
        change
        for change in changes
        if change.is_priced and (change.since or change.version or date.min) <= today
    )


def _added_version(version: Version, earlier: Version | None) -> Change:
    return Change(
        "version-added",
        version.valid_from,
        str(version.valid_from) if version.valid_from != _ALWAYS else "",
        before=_period(earlier) if earlier is not None else "",
        after=_period(version),
    )


def _period(version: Version) -> str:
    start = "" if version.valid_from == _ALWAYS else version.valid_from.isoformat()
    return f"{start} – {version.valid_to.isoformat() if version.valid_to else ''}".strip()


def _moved_end(known: Version, version: Version, before: Tariff, after: Tariff) -> Iterator[Change]:
    """Another end of a version; an end that follows from another version's start is a difference of that one."""
    starts = {one.valid_from for tariff in (before, after) for one in tariff.versions}
    ends = (known.valid_to, version.valid_to)
    if ends[0] == ends[1] or any(end in starts for end in ends):
        return
    was, now = (end.isoformat() if end else "" for end in ends)
    first = min(end for end in ends if end is not None)
    yield Change("version-moved", version.valid_from, "valid_to", before=was, after=now, since=first)


def _heading(
    before: Tariff, after: Tariff, old: Mapping[str, object], new: Mapping[str, object]
) -> Iterator[Change]:
    for key in (*_HEADING, *_TEXTS):
        if old.get(key) != new.get(key):
            yield Change(
                "heading-changed", None, key,
                before=_text(old.get(key)), after=_text(new.get(key)), is_priced=key in _HEADING,
            )  # fmt: skip
    for key, first, second in (
        ("attributes", before.attributes, after.attributes),
        ("quantities", before.quantities, after.quantities),
    ):
        for name in dict.fromkeys((*first, *second)):
            was, now = (_entry(document, key, name) for document in (old, new))
            if first.get(name) == second.get(name) and (key != "quantities" or was == now):
                continue
            # What a formula does not read yet changes no amount.
            yield Change("heading-changed", None, key, name, was, now, is_priced=name in first)


def _entry(document: Mapping[str, object], key: str, name: str) -> str:
    entries = document.get(key)
    return _text(entries.get(name)) if isinstance(entries, Mapping) else ""


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {_text(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(_text(item) for item in value)
    return str(value)


def _inside(
    before: Version, after: Version, old: Mapping[str, object], new: Mapping[str, object]
) -> Iterator[Change]:
    yield from _prices(before, after)
    yield from _components(before, after, old, new)
    if before.total_rounding != after.total_rounding:
        was, now = (_rounding(version) for version in (before, after))
        yield Change("component-changed", after.valid_from, "total", "round", was, now)


def _rounding(version: Version) -> str:
    rounding = version.total_rounding
    return f"{show_short(rounding.step)} {rounding.mode.value}" if rounding else ""


def _prices(before: Version, after: Version) -> Iterator[Change]:
    for name in dict.fromkeys((*after.tables, *before.tables)):
        old, new = before.tables.get(name), after.tables.get(name)
        if old is None and new is not None:
            yield Change("price-added", after.valid_from, name, after=_cells(new), unit=str(new.unit))
        elif new is None and old is not None:
            yield Change("price-removed", after.valid_from, name, before=_cells(old), unit=str(old.unit))
        elif old is not None and new is not None and old != new:
            yield from _table(old, new, after.valid_from)


def _table(old: Table, new: Table, version: date) -> Iterator[Change]:
    if (old.unit, old.limit_unit, old.keys) != (new.unit, new.limit_unit, new.keys):
        was, now = [f"{table.unit} {', '.join(table.keys)}: {_cells(table)}" for table in (old, new)]
        yield Change("tiers-changed", version, new.name, "", was, now)
        return
    for key in dict.fromkeys((*new.cells, *old.cells)):
        before, after = old.cells.get(key), new.cells.get(key)
        place = ", ".join(key)
        if before is None or after is None or _limits(before) != _limits(after):
            was, now = [_cell(cell) if cell is not None else "" for cell in (before, after)]
            yield Change("tiers-changed", version, new.name, place, was, now, str(new.unit))
            continue
        for limit, first, second in zip(_limits(after), _figures(before), _figures(after), strict=True):
            if first != second:
                yield _price(new, version, place, limit, first, second)


def _price(
    table: Table, version: date, place: str, limit: Fraction | None, was: Fraction, now: Fraction
) -> Change:
    tier = ""
    if table.tiered:
        tier = f"≤ {show_short(limit)} {table.limit_unit}" if limit is not None else "…"
    return Change(
        "price-changed", version, table.name, ", ".join(filter(None, (place, tier))),
        show_short(was), show_short(now), str(table.unit), (now - was) * 100 / was if was else None,
    )  # fmt: skip


def _limits(cell: Cell) -> tuple[Fraction | None, ...]:
    return tuple(tier.upto for tier in cell) if isinstance(cell, tuple) else (None,)


def _figures(cell: Cell) -> tuple[Fraction, ...]:
    return tuple(tier.figure for tier in cell) if isinstance(cell, tuple) else (cell,)


def _cell(cell: Cell) -> str:
    if not isinstance(cell, tuple):
        return show_short(cell)
    return "; ".join(
        f"≤ {show_short(tier.upto)}: {show_short(tier.figure)}"
        if tier.upto is not None
        else show_short(tier.figure)
        for tier in cell
    )


def _cells(table: Table) -> str:
    return " | ".join(
        f"{', '.join(key)}: {_cell(cell)}" if key else _cell(cell) for key, cell in table.cells.items()
    )


def _components(
    before: Version, after: Version, old: Mapping[str, object], new: Mapping[str, object]
) -> Iterator[Change]:
    was, now = (_written(document, version) for document, version in ((old, before), (new, after)))
    for name in dict.fromkeys((*after.by_name, *before.by_name)):
        if name not in before.by_name:
            yield Change(
                "component-added", after.valid_from, name, "formula", after=now[name].get("formula", "")
            )
        elif name not in after.by_name:
            yield Change("component-removed", after.valid_from, name, "formula", was[name].get("formula", ""))
        else:
            for key in dict.fromkeys((*now[name], *was[name])):
                first, second = was[name].get(key, ""), now[name].get(key, "")
                if " ".join(first.split()) != " ".join(second.split()):
                    yield Change(
                        "component-changed", after.valid_from, name, key, first, second,
                        is_priced=key not in _COMPONENT_TEXTS,
                    )  # fmt: skip
    order = [[name for name in version.by_name if name in was and name in now] for version in (before, after)]
    if order[0] != order[1]:
        yield Change(
            "component-changed", after.valid_from, "", "order", ", ".join(order[0]), ", ".join(order[1]),
            is_priced=False,
        )  # fmt: skip


def _written(document: Mapping[str, object], version: Version) -> dict[str, dict[str, str]]:
    """The components of a version as the author wrote them: texts by key, by name."""
    versions = document.get("versions")
    own: object = None
    for item in versions if isinstance(versions, list) else ():
        if isinstance(item, Mapping) and str(item.get("valid_from")) == version.valid_from.isoformat():
            own = item.get("components")
    listed = own if own is not None else document.get("components")
    found: dict[str, dict[str, str]] = {name: {} for name in version.by_name}
    pairs: list[tuple[object, object]] = []
    if isinstance(listed, Mapping):
        pairs = list(listed.items())
    elif isinstance(listed, list):
        pairs = [(item.get("name"), item) for item in listed if isinstance(item, Mapping)]
    for name, entry in pairs:
        keys = entry if isinstance(entry, Mapping) else {"formula": entry}
        found[str(name)] = {str(key): _text(value) for key, value in keys.items() if key != "name"}
    return found
