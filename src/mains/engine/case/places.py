"""Where a clause stands: `versions[2024-01-01].components[vat].formula` → line of the document."""

import re
from collections.abc import Mapping

from mains.engine.tariff.document import Path, Value, line_of

_STEP = re.compile(r"\[([^\]]*)\]|([^.\[\]]+)")


def find_line(document: Value, clause: str, *, above: Path = ()) -> int | None:
    """Line of a clause of the tariff which stands at `above` in the document, or of its nearest ancestor."""
    steps = [match.group(1) or match.group(2) for match in _STEP.finditer(clause)]
    path = _walk(document, above, steps)
    if steps[:1] == ["versions"] and len(path) < len(above) + len(steps):
        # What a version does not write itself stands at the top of the tariff.
        common = _walk(document, above, steps[2:])
        path = max(path, common, key=lambda found: line_of(document, found) or 0)
    return line_of(document, path)


def _walk(document: Value, above: Path, steps: list[str]) -> Path:
    value, path = document, above
    for key in above:
        value = _child(value, key)
    for step in steps:
        found = _key_of(value, step)
        if found is None:
            break
        value, path = _child(value, found), (*path, found)
    return path


def _child(value: Value, key: str | int) -> Value:
    if isinstance(value, Mapping):
        return value.get(key)
    return value[key] if isinstance(value, list) and isinstance(key, int) and key < len(value) else None


def _key_of(value: Value, step: str) -> str | int | None:
    """The key under which `step` is found: a name, a number, or the name or date of an item of a list."""
    if isinstance(value, Mapping):
        return step if step in value else None
    if not isinstance(value, list):
        return None
    for at, item in enumerate(value):
        labels = (item.get("name"), item.get("valid_from")) if isinstance(item, Mapping) else ()
        if step in (str(at), *(str(label) for label in labels)):
            return at
    return None
