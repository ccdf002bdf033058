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
# Aliases can make a small text stand for an endless document.
MAX_NODES = 500_000
MAX_DIGITS = 60

_NUMBER = re.compile(r"[+-]?\d[\d_]*(?:\.\d+)?|[+-]?\.\d+")
_WHOLE = re.compile(r"[+-]?\d[\d_]*")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_UNREADABLE = "Look for an unprintable character or for hundreds of brackets in brackets."
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
            _place(name, 1),
            "Split it.",
        )
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        if error.context == "expected a single document in the stream":
            raise _unable(
                "document-syntax", "There is a second document, after `---`.", _place(name, line),
                "Keep one case or tariff in a file.",
            ) from error  # fmt: skip
        message = f"This is not valid YAML: {error.problem or error.context}."
        remedy = (
            "Check indentation and quotes near that line; a text with “: ”, “#”, “[” or a comma needs quotes."
        )
        raise _unable("document-syntax", message, _place(name, line), remedy) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise _unable(
            "document-syntax", "This is not valid YAML.", _place(name, _line(error, text)), _UNREADABLE
        ) from error
    if node is None:
        raise _unable(
            "document-empty",
            "The document is empty.",
            _place(name, 1),
            "Write `case:`, `tariff:` and `facts:`.",
        )
    return _Builder(name).build(node, 0, frozenset())


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


def _line(error: yaml.YAMLError | RecursionError, text: str) -> int:
    """Line of an unprintable character; 1 when the fault has no place."""
    at = getattr(error, "position", 0)
    return text.count("\n", 0, at) + 1 if isinstance(at, int) else 1


def _unable(code: str, message: str, place: str, remedy: str) -> UnableToReadDocument:
    return UnableToReadDocument(code=code, message=message, place=place, remedy=remedy)


def _place(name: str, line: int) -> str:
    return f"{name}, line {line}" if name else f"line {line}"


class _Builder:
    """Turns YAML nodes into values, within limits that no honest document meets."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes = 0

    def build(self, node: Node, depth: int, above: frozenset[int]) -> Value:
        self._nodes += 1
        if depth > MAX_DEPTH or id(node) in above:
            raise self._refuse(
                node, "document-depth", f"The document is nested deeper than {MAX_DEPTH}.", "Flatten it."
            )
        if self._nodes > MAX_NODES:
            raise self._refuse(
                node, "document-too-long", f"The document has more than {MAX_NODES} entries.",
                "Repeat less with * and &, or split it.",
            )  # fmt: skip
        match node:
            case ScalarNode():
                return _scalar(node, self._name)
            case SequenceNode():
                return self._sequence(node, depth + 1, above | {id(node)})
            case MappingNode():
                return self._block(node, depth + 1, above | {id(node)})
        raise self._refuse(node, "document-syntax", "This is not valid YAML.", "Write `key: value` lines.")

    def _sequence(self, node: SequenceNode, depth: int, above: frozenset[int]) -> Sequence:
        items = Sequence(line=node.start_mark.line + 1)
        for child in node.value:
            items.append(self.build(child, depth, above))
            items.lines.append(child.start_mark.line + 1)
        return items

    def _block(self, node: MappingNode, depth: int, above: frozenset[int]) -> Block:
        block = Block(line=node.start_mark.line + 1)
        for key_node, child in node.value:
            if not isinstance(key_node, ScalarNode):
                raise self._refuse(
                    key_node, "document-syntax", "A key must be a word.", "Write `key: value`."
                )
            key = key_node.value
            if key in block:
                raise self._refuse(key_node, "key-twice", f"“{key}” is given twice.", "Keep one of the two.")
            block[key] = self.build(child, depth, above)
            block.lines[key] = key_node.start_mark.line + 1
        return block

    def _refuse(self, node: Node, code: str, message: str, remedy: str) -> UnableToReadDocument:
        return _unable(code, message, _place(self._name, node.start_mark.line + 1), remedy)


def _scalar(node: ScalarNode, name: str) -> Hashable:
    text: str = node.value
    if node.style is not None:
        return text
    if text in _WORDS:
        return None
    if text in _FLAGS:
        return _FLAGS[text]
    if len(text) > MAX_DIGITS:
        return text
    if _WHOLE.fullmatch(text):
        return int(text.replace("_", ""))
    if _NUMBER.fullmatch(text):
        return Decimal(text.replace("_", ""))
    if _DATE.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError as error:
            line = node.start_mark.line + 1
            remedy = "Check the day and the month; dates are year-month-day."
            raise _unable(
                "date-unknown", f"{text} is not a day of the calendar.", _place(name, line), remedy
            ) from error
    return text
