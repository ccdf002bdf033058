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
    quoted,
    remove,
    scalar_texts,
    set_text,
)
from mains.web.office.tariff_pages.fields import path_of


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
            remedy="Write `versions:` in the text view.",
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
    name = _key(told.get("new_attribute", "").strip() or "attribute")
    kind = quoted(told.get("new_kind", "").strip() or "text")
    if any(found[0] == "attributes" and len(found) > 1 for found in scalar_texts(text)):
        return append_entry(text, ("attributes",), name, kind)
    return append_entry(text, (), "attributes", f"{{{name}: {kind}}}")


def _key(name: str) -> str:
    return name if name.isidentifier() else json.dumps(name, ensure_ascii=False)


def _remove(text: str, path: Path, _told: Mapping[str, str]) -> str:
    return remove(text, path)


_OPERATIONS: Mapping[str, Callable[[str, Path, Mapping[str, str]], str]] = {
    "add-version": _add_version,
    "add-tier": _add_tier,
    "add-component": _add_component,
    "add-price": _add_price,
    "add-attribute": _add_attribute,
    "remove": _remove,
}
