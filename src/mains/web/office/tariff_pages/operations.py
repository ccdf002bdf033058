"""What the buttons of the form do to the document: versions, tiers, prices, components come and go."""

import json
from collections.abc import Callable, Mapping

from mains.tariffs.values.document_text import (
    Path,
    UnableToEditText,
    append_entry,
    append_item,
    copy_item,
    insert_item,
    into_version,
    quoted,
    remove,
    scalar_texts,
    set_text,
)
from mains.web.office.tariff_pages.fields import BLOCKS, COMPONENT_SETTINGS, HEADING_SETTINGS, path_of
from mains.web.office.tariff_pages.wording import CHOICES


def apply_operation(text: str, operation: str, told: Mapping[str, str]) -> str:
    """The document after `operation`, such as `remove:["components", 2]`; `told` are the small inputs of the form.

    An operation that is none leaves it as it is. Raises UnableToEditText.
    """
    name, _colon, place = operation.partition(":")
    path = path_of(place) if place else ()
    if name not in _OPERATIONS or path is None:
        return text
    return _OPERATIONS[name](text, path, told)


def _add_version(text: str, _path: Path, told: Mapping[str, str]) -> str:
    """A copy of the last version, in force from a new day on."""
    starts = [path for path in scalar_texts(text) if path[0] == "versions" and path[2:] == ("valid_from",)]
    if not starts:
        raise UnableToEditText(
            code="text-edit",
            message="The tariff is in force at any time and has no versions to copy.",
            remedy="Make versions of it first.",
        )
    day = told.get("new_version", "").strip()
    if not day:
        raise UnableToEditText(
            code="date-missing",
            message="The first day of the new version is missing.",
            remedy="Choose the day from which it is in force.",
        )
    last = max(int(path[1]) for path in starts)
    changed = copy_item(text, ("versions", last))
    changed = set_text(changed, ("versions", last + 1, "valid_from"), day)
    ends = scalar_texts(changed)
    if ("versions", last + 1, "valid_to") in ends:
        changed = remove(changed, ("versions", last + 1, "valid_to"))
    if ("versions", last, "valid_to") in ends:
        changed = remove(changed, ("versions", last, "valid_to"))
    return changed


def _add_tier(text: str, path: Path, _told: Mapping[str, str]) -> str:
    """A tier before the open one, at its price and twice the limit below it."""
    texts = scalar_texts(text)
    count = 1 + max(
        (int(found[len(path)]) for found in texts if found[: len(path)] == path and len(found) > len(path)),
        default=-1,
    )
    if count < 1:
        raise UnableToEditText(code="text-edit", message="There are no tiers here.")
    last: Path = (*path, count - 1)
    is_pair = (*last, 1) in texts
    price = texts.get((*last, 1) if is_pair else (*last, "price"), "0")
    before = (
        texts.get((*path, count - 2, 0) if is_pair else (*path, count - 2, "upto"), "") if count > 1 else ""
    )
    limit = str(int(before) * 2) if before.isdecimal() else "100"
    item = f"[{limit}, {quoted(price)}]" if is_pair else f"{{upto: {limit}, price: {quoted(price)}}}"
    return insert_item(text, last, item)


def _add_component(text: str, path: Path, told: Mapping[str, str]) -> str:
    name = told.get("new_component", "").strip() or "new_line"
    formula = quoted(told.get("new_formula", "").strip() or "usage * price")
    if any(found[: len(path)] == path and isinstance(found[len(path)], int) for found in scalar_texts(text)):
        return append_item(text, path, f"{{name: {quoted(name)}, formula: {formula}}}")
    return append_entry(text, path, _key(name), f"{{formula: {formula}}}")


def _add_price(text: str, path: Path, told: Mapping[str, str]) -> str:
    name = told.get("new_price", "").strip() or "price"
    unit = quoted(told.get("new_unit", "").strip() or "number")
    return append_entry(text, path, _key(name), f"{{unit: {unit}, value: 0}}")


def _add_attribute(text: str, _path: Path, told: Mapping[str, str]) -> str:
    """One more fact that the tariff reads: a text, a number, yes/no, or a number with a unit."""
    name = told.get("new_attribute", "").strip() or "attribute"
    return _add_entry(text, ("attributes",), name, quoted(told.get("new_kind", "").strip() or "text"))


def _add_quantity(text: str, _path: Path, told: Mapping[str, str]) -> str:
    name = told.get("new_quantity", "").strip() or "export"
    return _add_entry(text, ("quantities",), name, quoted(told.get("new_measure", "").strip() or "kWh"))


def _add_balance(text: str, _path: Path, told: Mapping[str, str]) -> str:
    name = told.get("new_balance", "").strip() or "credit"
    return _add_entry(text, ("balances",), name, quoted(told.get("new_carried", "").strip() or "kWh"))


def _add_holiday(text: str, _path: Path, told: Mapping[str, str]) -> str:
    """A day of every year, such as 12-25 or 4th thu of nov, or one date."""
    day = json.dumps(_needed(told, "new_holiday", "Write a day such as 12-25, 4th thu of nov or 2024-03-29."))
    texts = scalar_texts(text)
    for path in (("holidays", "dates"), ("holidays",)):
        if any(found[: len(path)] == path and isinstance(found[-1], int) for found in texts):
            return append_item(text, path, day)
    return append_entry(text, (), "holidays", f"[{day}]")


def _add_zone(text: str, _path: Path, told: Mapping[str, str]) -> str:
    """Hours that are one zone; without days and hours all times that are left."""
    name = _needed(told, "new_zone", "Give the zone the name that formulas use, such as night.")
    days, hours = told.get("new_days", "").strip(), told.get("new_hours", "").strip()
    parts = [f"days: {quoted(days)}"] * bool(days) + [f"hours: {json.dumps(hours)}"] * bool(hours)
    if ("time_zone",) not in scalar_texts(text):
        clock = _needed(told, "new_time_zone", "Name the clock of the hours, such as Europe/Berlin.")
        text = append_entry(text, (), "time_zone", quoted(clock))
    return _add_entry(text, ("time_of_use",), name, f"{{{', '.join(parts)}}}" if parts else "rest")


def _add_maximum(text: str, _path: Path, told: Mapping[str, str]) -> str:
    """A measured maximum, such as the highest power of a bill."""
    name = told.get("new_maximum", "").strip() or "kw"
    unit = quoted(told.get("new_power", "").strip() or "kW")
    if ("time_zone",) not in scalar_texts(text):
        clock = _needed(told, "new_time_zone", "Name the clock of the hours, such as Europe/Berlin.")
        text = append_entry(text, (), "time_zone", quoted(clock))
    return _add_entry(text, ("demand",), name, f"{{unit: {unit}}}")


def _add_entry(text: str, path: Path, name: str, value: str) -> str:
    """A named entry in a part of the document that is made when there is none yet."""
    if any(found[: len(path)] == path and len(found) > len(path) for found in scalar_texts(text)):
        return append_entry(text, path, _key(name), value)
    return append_entry(text, path[:-1], str(path[-1]), f"{{{_key(name)}: {value}}}")


def _add_setting(text: str, path: Path, told: Mapping[str, str]) -> str:
    """A clause more above the versions, or of the component that was chosen."""
    prefix = "heading" if not path else "component"
    chosen = path_of(told.get("new_of", "")) if path else ()
    key = told.get(f"new_{prefix}_key", "")
    if chosen is None or key not in (COMPONENT_SETTINGS if path else HEADING_SETTINGS):
        return text
    usual = {} if told.get(f"new_{prefix}_value", "").strip() else {key: next(iter(CHOICES.get(key, ())), "")}
    value = usual.get(key) or _needed(told, f"new_{prefix}_value", "Write what it is to be.")
    return append_entry(text, chosen, key, quoted(value))


def _make_versions(text: str, _path: Path, told: Mapping[str, str]) -> str:
    """The prices become those of a first version, so that a second one can have others."""
    day = told.get("new_version", "").strip()
    if not day:
        raise UnableToEditText(
            code="date-missing",
            message="The first day of the new version is missing.",
            remedy="Choose the day from which it is in force.",
        )
    return into_version(text, day)


def _needed(told: Mapping[str, str], name: str, remedy: str) -> str:
    value = " ".join(told.get(name, "").split())
    if not value:
        raise UnableToEditText(code="entry-missing", message="Nothing is filled in.", remedy=remedy)
    return value


def _key(name: str) -> str:
    return name if name.isidentifier() else json.dumps(name, ensure_ascii=False)


def _remove(text: str, path: Path, _told: Mapping[str, str]) -> str:
    """Without an entry; the last one of its kind takes the heading above it along."""
    if len(path) > 1 and BLOCKS.keys() & set(path[:-1]):
        siblings = {found[: len(path)] for found in scalar_texts(text) if found[: len(path) - 1] == path[:-1]}
        if len(siblings) == 1:
            return _remove(text, path[:-1], _told)
    return remove(text, path)


_OPERATIONS: Mapping[str, Callable[[str, Path, Mapping[str, str]], str]] = {
    "add-version": _add_version,
    "add-tier": _add_tier,
    "add-component": _add_component,
    "add-price": _add_price,
    "add-attribute": _add_attribute,
    "add-quantity": _add_quantity,
    "add-balance": _add_balance,
    "add-holiday": _add_holiday,
    "add-zone": _add_zone,
    "add-maximum": _add_maximum,
    "add-setting": _add_setting,
    "make-versions": _make_versions,
    "remove": _remove,
}
