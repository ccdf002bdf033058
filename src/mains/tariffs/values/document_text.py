"""Edits of a tariff's text, place by place: everything else stays as the author wrote it, remarks included.

A place is a path of keys and list positions. Every edit is read again and must have changed exactly that place;
what cannot be edited so (a value shared by & and *, an unusual layout) is refused and left to the text view.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

from mains.kernel.errors import MainsError

Path = tuple[str | int, ...]
NODES_MAX = 20_000
_BLOCK_STYLES = ("|", ">")
_NOTHING = ("null", "~", "Null", "NULL")


class UnableToEditText(MainsError):
    """The place cannot be changed without touching anything else."""


class _TextLoader(yaml.SafeLoader):
    """Scalars as written: what they mean is the engine's business."""


_TextLoader.yaml_implicit_resolvers = {}


@dataclass(frozen=True)
class _Text:
    text: str
    root: Node

    def find(self, path: Path) -> Node:
        node = self.root
        for step in path:
            found = _child(node, step)
            if found is None:
                raise _unable(path, "There is no such place in the document.")
            node = found
        return node

    def key(self, path: Path) -> Node:
        """The key of a mapping's entry."""
        holder = self.find(path[:-1])
        assert isinstance(holder, MappingNode), "Only entries of mappings have keys."
        key: Node = next(key for key, _value in holder.value if key.value == path[-1])
        return key

    def end(self, node: Node) -> int:
        """Position after the last character of the node; block layout has no end mark of its own."""
        if isinstance(node, ScalarNode):
            end: int = node.end_mark.index
            return len(self.text[:end].rstrip()) if node.style in _BLOCK_STYLES else end
        if _is_flow(node):
            return int(node.end_mark.index)
        children = [child for pair in node.value for child in (pair if isinstance(pair, tuple) else (pair,))]
        return max((self.end(child) for child in children), default=int(node.end_mark.index))

    def line_start(self, index: int) -> int:
        return self.text.rfind("\n", 0, index) + 1

    def line_end(self, index: int) -> int:
        """Position of the line break after `index`, or the end of the text."""
        at = self.text.find("\n", index)
        return len(self.text) if at < 0 else at


def set_text(text: str, path: Path, value: str) -> str:
    """The document with the scalar at `path` saying `value`. Raises UnableToEditText."""
    read = _read(text)
    node = read.find(path)
    if not isinstance(node, ScalarNode):
        raise _unable(path, "Here stands more than one value.")
    in_key_flow = any(_is_flow(read.find(path[:at])) for at in range(len(path)))
    written = _written(value, node, is_flow=in_key_flow)
    start, end = int(node.start_mark.index), read.end(node)
    # An empty value stands right behind its colon.
    gap = " " if start == end and text[start - 1 : start] not in (" ", "[", "") else ""
    changed = text[:start] + gap + written + text[end:]
    expected = _put(_tree(read.root), path, "" if written == "null" else value)
    return _verified(changed, expected, path)


def append_entry(text: str, path: Path, key: str, value_text: str) -> str:
    """The document with `key: value_text` at the end of the mapping at `path`, which has an entry already."""
    read = _read(text)
    node = read.find(path)
    if not isinstance(node, MappingNode) or not node.value:
        raise _unable(path, "There are no named entries here.")
    expected = _tree(read.root)
    holder = _at(expected, path)
    if key in holder:
        raise _unable((*path, key), "There is an entry of that name already.")
    holder[key] = _tree(_read(value_text).root)
    last_key, last_value = node.value[-1]
    entry = f"{key}: {value_text}"
    if _is_flow(node):
        at = max(read.end(last_value), int(last_key.end_mark.index))
        return _verified(f"{text[:at]}, {entry}{text[at:]}", expected, path)
    indent = int(node.value[0][0].start_mark.column)
    return _verified(_insert_line(read, read.end(last_value), indent, entry), expected, path)


def append_item(text: str, path: Path, item_text: str) -> str:
    """The document with an item at the end of the list at `path`, which has one already."""
    read = _read(text)
    node = read.find(path)
    if not isinstance(node, SequenceNode) or not node.value:
        raise _unable(path, "There is no list here.")
    expected = _tree(read.root)
    _at(expected, path).append(_tree(_read(item_text).root))
    last = node.value[-1]
    if _is_flow(node):
        at = read.end(last)
        return _verified(f"{text[:at]}, {item_text}{text[at:]}", expected, path)
    return _verified(
        _insert_line(read, read.end(last), _dash_column(read, last), f"- {item_text}"), expected, path
    )


def insert_item(text: str, path: Path, item_text: str) -> str:
    """The document with an item before the one at `path`."""
    read = _read(text)
    node = read.find(path)
    expected = _tree(read.root)
    _at(expected, path[:-1]).insert(path[-1], _tree(_read(item_text).root))
    start = int(node.start_mark.index)
    if _is_flow(read.find(path[:-1])):
        return _verified(f"{text[:start]}{item_text}, {text[start:]}", expected, path)
    at = read.line_start(start)
    line = f"{' ' * _dash_column(read, node)}- {item_text}\n"
    return _verified(text[:at] + line + text[at:], expected, path)


def copy_item(text: str, path: Path) -> str:
    """The document with a copy of the item at `path`, a list's last, behind it."""
    read = _read(text)
    node = read.find(path)
    expected = _tree(read.root)
    items = _at(expected, path[:-1])
    items.insert(int(path[-1]) + 1, json.loads(json.dumps(items[path[-1]])))
    start, end = int(node.start_mark.index), read.end(node)
    if _is_flow(read.find(path[:-1])):
        return _verified(f"{text[:end]}, {text[start:end]}{text[end:]}", expected, path)
    _dash_column(read, node)
    begin, stop = read.line_start(start), read.line_end(end)
    return _verified(f"{text[:stop]}\n{text[begin:stop]}{text[stop:]}", expected, path)


def remove(text: str, path: Path) -> str:
    """The document without the entry or item at `path`; it is not the only one of its mapping or list."""
    read = _read(text)
    holder = read.find(path[:-1])
    siblings = list(holder.value) if isinstance(holder, (MappingNode, SequenceNode)) else []
    if len(siblings) < 2:
        raise _unable(path, "The only entry here cannot be left out.")
    expected = _tree(read.root)
    del _at(expected, path[:-1])[path[-1]]
    node = read.find(path)
    start = int((read.key(path) if isinstance(holder, MappingNode) else node).start_mark.index)
    end = read.end(node)
    if not _is_flow(holder):
        if isinstance(holder, SequenceNode):
            _dash_column(read, node)
        begin, stop = read.line_start(start), read.line_end(end)
        if isinstance(holder, MappingNode) and text[begin:start].strip():
            return _verified(_without_first_entry(read, holder, start), expected, path)
        return _verified(text[:begin] + text[stop + 1 :], expected, path)
    following = re.match(r"\s*,\s*", text[end:])
    if following:
        return _verified(text[:start] + text[end + following.end() :], expected, path)
    before = re.search(r"\s*,\s*$", text[:start])
    return _verified(text[: before.start() if before else start] + text[end:], expected, path)


def into_version(text: str, day: str) -> str:
    """The document of a tariff without versions with one, in force from `day` on, that holds its prices.

    The prices move as they are written, remarks included; components stay above and count for all versions.
    """
    read = _read(text)
    expected = _tree(read.root)
    if "versions" in expected:
        raise _unable(("versions",), "There is an entry of that name already.")
    moved, rest = "", text
    version: dict[str, Any] = {"valid_from": day}
    if "prices" in expected:
        key, node = read.key(("prices",)), read.find(("prices",))
        begin, stop = read.line_start(int(key.start_mark.index)), read.line_end(read.end(node))
        moved, rest = text[begin:stop], text[:begin] + text[stop + 1 :]
        version["prices"] = expected.pop("prices")
    expected["versions"] = [version]
    lines = [f"    {line}" if line.strip() else line for line in moved.splitlines()]
    head = rest if rest.endswith("\n") or not rest else f"{rest}\n"
    added = "\n".join(["versions:", f"  - valid_from: {quoted(day)}", *lines])
    return _verified(f"{head}{added}\n", expected, ("versions",))


def _without_first_entry(read: _Text, holder: MappingNode, start: int) -> str:
    """`- valid_from: …` is the first entry of an item: the second one takes its place behind the dash."""
    second = int(holder.value[1][0].start_mark.index)
    return read.text[:start] + read.text[second:]


def scalar_text(text: str, path: Path) -> str | None:
    """What the scalar at `path` says, as written without quotes; None when there is no scalar."""
    node: Node | None = _read(text).root
    for step in path:
        node = _child(node, step) if node is not None else None
    return str(node.value) if isinstance(node, ScalarNode) else None


def scalar_texts(text: str) -> dict[Path, str]:
    """Every scalar of the document by its path, as written without quotes."""
    found: dict[Path, str] = {}
    _collect(_tree(_read(text).root), (), found)
    return found


def quoted(value: str) -> str:
    """A value as YAML inside brackets: plain where that is safe."""
    return value if _is_plain(value, is_flow=True) else json.dumps(value, ensure_ascii=False)


def _read(text: str) -> _Text:
    try:
        root = yaml.compose(text, Loader=_TextLoader)
    except (yaml.YAMLError, RecursionError) as error:
        raise _unable((), "The document is not valid YAML.") from error
    if root is None:
        raise _unable((), "The document is empty.")
    return _Text(text, root)


def _child(node: Node, step: str | int) -> Node | None:
    if isinstance(node, MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    if isinstance(node, SequenceNode) and isinstance(step, int) and 0 <= step < len(node.value):
        item: Node = node.value[step]
        return item
    return None


def _is_flow(node: Node) -> bool:
    """Whether the node is laid out in brackets."""
    return isinstance(node, CollectionNode) and bool(node.flow_style)


def _written(value: str, node: ScalarNode, *, is_flow: bool) -> str:
    if not value.strip():
        return "null"
    if node.style == "'" and "\n" not in value:
        return "'" + value.replace("'", "''") + "'"
    if node.style is None and _is_plain(value, is_flow=is_flow):
        return value
    return json.dumps(value, ensure_ascii=False)


def _is_plain(value: str, *, is_flow: bool) -> bool:
    """Whether YAML reads the bare text as this very value."""
    probe = f"[{value}]" if is_flow else f"a: {value}"
    if "\n" in value or value in _NOTHING:
        return False
    try:
        root = yaml.compose(probe, Loader=_TextLoader)
    except yaml.YAMLError:
        return False
    if not isinstance(root, (MappingNode, SequenceNode)):
        return False
    node = _child(root, 0 if is_flow else "a")
    is_alone = len(root.value) == 1
    return is_alone and isinstance(node, ScalarNode) and node.style is None and node.value == value


def _dash_column(read: _Text, item: Node) -> int:
    """Column of the dash of an item in block layout. Refused where something else stands before it."""
    start = int(item.start_mark.index)
    before = read.text[read.line_start(start) : start]
    if not re.fullmatch(r" *- +", before):
        raise _unable((), "The list is laid out in an unusual way.")
    return len(before) - len(before.lstrip(" "))


def _insert_line(read: _Text, after: int, indent: int, line: str) -> str:
    at = read.line_end(after)
    return f"{read.text[:at]}\n{' ' * indent}{line}{read.text[at:]}"


def _tree(node: Node) -> Any:
    """Nested dicts, lists and texts. Refused when aliases make it endless."""
    count = 0

    def build(part: Node, above: frozenset[int]) -> Any:
        nonlocal count
        count += 1
        if count > NODES_MAX or id(part) in above:
            raise _unable((), f"The document has more than {NODES_MAX} entries.")
        inside = above | {id(part)}
        if isinstance(part, MappingNode):
            return {
                key.value: build(value, inside) for key, value in part.value if isinstance(key, ScalarNode)
            }
        if isinstance(part, SequenceNode):
            return [build(item, inside) for item in part.value]
        value = str(part.value)
        return "" if value in _NOTHING and getattr(part, "style", None) is None else value

    return build(node, frozenset())


def _at(tree: Any, path: Path) -> Any:
    for step in path:
        tree = tree[step]
    return tree


def _put(tree: Any, path: Path, value: str) -> Any:
    if not path:
        return value
    _at(tree, path[:-1])[path[-1]] = value
    return tree


def _collect(tree: Any, path: Path, found: dict[Path, str]) -> None:
    if isinstance(tree, dict):
        for key, value in tree.items():
            _collect(value, (*path, key), found)
    elif isinstance(tree, list):
        for at, item in enumerate(tree):
            _collect(item, (*path, at), found)
    else:
        found[path] = tree


def _verified(text: str, expected: Any, path: Path) -> str:
    if _tree(_read(text).root) != expected:
        raise _unable(path, "The change would touch other places too.")
    return text


def _unable(path: Sequence[str | int], message: str) -> UnableToEditText:
    return UnableToEditText(
        code="text-edit",
        message=message,
        place=".".join(str(step) for step in path),
        remedy="Change it in the text view.",
    )
