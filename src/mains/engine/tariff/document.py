"""YAML and JSON documents read exactly: decimals keep their digits, every key knows its line.

YAML's traps are shut: `no` and `on` stay text, 12:30 is not a number, a key given twice is refused, and
numbers are never floats.
"""

import re
from collections.abc import Hashable, Mapping
from datetime import date
from decimal import Decimal

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from mains.kernel.errors import MainsError

Value = object
Path = tuple[str | int, ...]
MAX_DEPTH = 40
MAX_CHARACTERS = 2_000_000

_NUMBER = re.compile(r"[+-]?\d[\d_]*(?:\.\d+)?|[+-]?\.\d+")
_WHOLE = re.compile(r"[+-]?\d[\d_]*")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_WORDS: Mapping[str, object] = {"": None, "null": None, "~": None, "Null": None, "NULL": None}
_FLAGS = {"true": True, "True": True, "false": False, "False": False}


class UnableToReadDocument(MainsError):
    """The text is not a document: broken YAML, a key given twice, nested too deep."""


class Block(dict[str, Value]):
    """A mapping which knows the line of each key (from 1)."""

    def __init__(self, *, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}


class Sequence(list[Value]):
    """A list which knows the line of each item (from 1)."""

    def __init__(self, *, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: list[int] = []


class _Loader(yaml.SafeLoader):
    pass


# Every plain scalar arrives as written; `_scalar` alone decides what it is.
_Loader.yaml_implicit_resolvers = {}


def read_document(text: str, *, name: str = "") -> Value:
    """The document in `text`: Block, Sequence, str, int, Decimal, date, bool or None. Raises
    UnableToReadDocument.
    """
    if len(text) > MAX_CHARACTERS:
        raise _unable(
            "document-too-long",
            f"The document is longer than {MAX_CHARACTERS} characters.",
            name,
            "Split it.",
        )
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        message = f"This is not valid YAML: {error.problem or error.context}."
        remedy = "Check indentation and quotes near that line; a text with “: ” or “#” in it needs quotes."
        raise _unable("document-syntax", message, _place(name, line), remedy) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise _unable(
            "document-syntax", "This is not valid YAML.", name, "Check for unprintable characters."
        ) from error
    if node is None:
        raise _unable("document-empty", "The document is empty.", name, "")
    return _build(node, name, 0, frozenset())


def line_of(document: Value, path: Path) -> int | None:
    """Line of the thing at `path`, or of its nearest ancestor which has one."""
    line: int | None = getattr(document, "line", None)
    for step in path:
        if isinstance(document, Block) and step in document:
            line, document = document.lines[str(step)], document[str(step)]
            continue
        if not isinstance(document, Sequence) or not isinstance(step, int) or step >= len(document):
            break
        line, document = document.lines[step], document[step]
    return line


def _unable(code: str, message: str, place: str, remedy: str) -> UnableToReadDocument:
    return UnableToReadDocument(code=code, message=message, place=place, remedy=remedy)


def _place(name: str, line: int) -> str:
    return f"{name}, line {line}" if name else f"line {line}"


def _build(node: Node, name: str, depth: int, above: frozenset[int]) -> Value:
    line = node.start_mark.line + 1
    if depth > MAX_DEPTH or id(node) in above:
        raise _unable(
            "document-depth", f"The document is nested deeper than {MAX_DEPTH}.", _place(name, line), ""
        )
    if isinstance(node, ScalarNode):
        return _scalar(node, name)
    above = above | {id(node)}
    if isinstance(node, SequenceNode):
        items = Sequence(line=line)
        for child in node.value:
            items.append(_build(child, name, depth + 1, above))
            items.lines.append(child.start_mark.line + 1)
        return items
    if not isinstance(node, MappingNode):
        raise _unable("document-syntax", "This is not valid YAML.", _place(name, line), "")
    block = Block(line=line)
    for key_node, child in node.value:
        key_line = key_node.start_mark.line + 1
        if not isinstance(key_node, ScalarNode):
            raise _unable("document-syntax", "A key must be a word.", _place(name, key_line), "")
        key = key_node.value
        if key in block:
            raise _unable(
                "key-twice", f"“{key}” is given twice.", _place(name, key_line), "Keep one of the two."
            )
        block[key] = _build(child, name, depth + 1, above)
        block.lines[key] = key_line
    return block


def _scalar(node: ScalarNode, name: str) -> Hashable:
    text: str = node.value
    if node.style is not None:
        return text
    if text in _WORDS:
        return None
    if text in _FLAGS:
        return _FLAGS[text]
    if _WHOLE.fullmatch(text):
        return int(text.replace("_", ""))
    if _NUMBER.fullmatch(text):
        return Decimal(text.replace("_", ""))
    if _DATE.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError as error:
            line = node.start_mark.line + 1
            raise _unable(
                "date-unknown", f"{text} is not a day of the calendar.", _place(name, line), ""
            ) from error
    return text
