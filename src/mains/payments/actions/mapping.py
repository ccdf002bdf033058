"""How a sender's register is laid out: read from YAML, checked before any file is read with it."""

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from mains.kernel.errors import MainsError

FIELDS = ("account", "paid_on", "amount", "reference", "payer")
REQUIRED_FIELDS = FIELDS[:4]
DATE_FORMATS = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%Y%m%d")
_FOLDER = Path(__file__).resolve().parent.parent / "mappings"
_KEYS = {
    "code": str,
    "title": str,
    "sender": str,
    "encoding": str,
    "header": bool,
    "columns": dict,
    "date_format": str,
    "decimal_separator": str,
    "group_separator": str,
    "account_number": dict,
}


LAYOUTS = ("delimited", "fixed", "dbf", "xlsx")
# Tables of columns with names: a DBF and a sheet always have them.
_TABLES = ("dbf", "xlsx")
_OPTIONAL = {"trailer", "layout", "delimiter"}


class UnableToReadMapping(MainsError):
    """There is no such mapping, or it does not describe a register completely."""


@dataclass(frozen=True, kw_only=True)
class Trailer:
    """Control line: its first field is `marker`; `count` and `total` are positions in it, counted from 1, or
    with a fixed width the first and last character of each.
    """

    marker: str
    count: int | tuple[int, int]
    total: int | tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class RegisterMapping:
    """Layout of one sender's registers.

    `columns`: our field → its header name, its position from 1, or with a fixed width its first and last
    character from 1.
    """

    code: str
    title: str
    sender: str
    encoding: str
    layout: str
    delimiter: str
    has_header: bool
    columns: Mapping[str, str | int | tuple[int, int]]
    date_format: str
    decimal_separator: str
    group_separator: str
    trailer: Trailer | None
    account_drop: str
    account_pattern: re.Pattern[str]


def mapping_codes() -> list[str]:
    """Names of the mappings that come with Mains."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


def load_mapping(name_or_path: str) -> RegisterMapping:
    """The mapping of this name, or the one described in a YAML file of your own.

    Raises UnableToReadMapping naming the file and the key at fault.
    """
    path = _FOLDER / f"{name_or_path}.yaml" if name_or_path in mapping_codes() else Path(name_or_path)
    if not path.is_file():
        raise UnableToReadMapping(
            code="mapping-unknown",
            message=f"There is no mapping {name_or_path}.",
            remedy=f"Choose {', '.join(mapping_codes())}, or give the path of a YAML file.",
        )
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise _fault(path, "", f"It is not YAML in UTF-8: {error}") from error
    if not isinstance(document, dict):
        raise _fault(path, "", "It is not a list of keys and values.")
    return _checked(document, path)


def _checked(document: dict[str, object], path: Path) -> RegisterMapping:
    unknown = sorted(set(document) - set(_KEYS) - _OPTIONAL)
    if unknown:
        raise _fault(path, unknown[0], "There is no such key.")
    for key, kind in _KEYS.items():
        if not isinstance(document.get(key), kind):
            raise _fault(path, key, f"It is missing or not a {kind.__name__}.")
    texts = {key: value for key, value in document.items() if isinstance(value, str)}
    try:
        codecs.lookup(texts["encoding"])
    except LookupError as error:
        raise _fault(path, "encoding", "No such encoding is known.") from error
    layout = _layout(document, path)
    for key in ("delimiter", "decimal_separator") if layout == "delimited" else ("decimal_separator",):
        if len(texts.get(key, "")) != 1:
            raise _fault(path, key, "It is one character.")
    if len(texts["group_separator"]) > 1:
        raise _fault(path, "group_separator", "It is one character or empty.")
    if texts["date_format"] not in DATE_FORMATS:
        raise _fault(path, "date_format", f"It is one of {', '.join(DATE_FORMATS)}.")
    has_header = document["header"] is True
    drop, pattern = _account_number(document["account_number"], path)
    return RegisterMapping(
        **{key: texts[key] for key in ("code", "title", "sender", "encoding", "date_format")},
        layout=layout,
        delimiter=texts.get("delimiter", ""),
        decimal_separator=texts["decimal_separator"],
        group_separator=texts["group_separator"],
        has_header=has_header,
        columns=_ranges(document["columns"], path)
        if layout == "fixed"
        else _columns(document["columns"], path, kind=str if has_header else int),
        trailer=_trailer(document.get("trailer"), path, layout=layout),
        account_drop=drop,
        account_pattern=pattern,
    )


def _layout(document: dict[str, object], path: Path) -> str:
    layout = document.get("layout", "delimited")
    if layout not in LAYOUTS:
        raise _fault(path, "layout", f"It is one of {', '.join(LAYOUTS)}.")
    has_header = document["header"] is True
    if layout in _TABLES and not has_header:
        raise _fault(path, "header", "A table has names of its columns: it is true.")
    if layout == "fixed" and has_header:
        raise _fault(path, "header", "A file of fixed width has positions instead: it is false.")
    if layout in _TABLES and document.get("trailer") is not None:
        raise _fault(path, "trailer", "A table has no control line.")
    return str(layout)


def _check_fields(columns: object, path: Path) -> dict[str, object]:
    assert isinstance(columns, dict)
    for field in columns:
        if field not in FIELDS:
            raise _fault(path, f"columns.{field}", f"The fields are {', '.join(FIELDS)}.")
    for field in REQUIRED_FIELDS:
        if field not in columns:
            raise _fault(path, f"columns.{field}", "It is missing.")
    return columns


def _ranges(columns: object, path: Path) -> dict[str, str | int | tuple[int, int]]:
    """First and last character of each field, from 1."""
    checked = _check_fields(columns, path)
    return {field: _range(value, f"columns.{field}", path) for field, value in checked.items()}


def _range(value: object, key: str, path: Path) -> tuple[int, int]:
    is_pair = isinstance(value, list) and len(value) == 2 and all(type(part) is int for part in value)
    if not is_pair or not isinstance(value, list) or not 1 <= value[0] <= value[1]:
        raise _fault(path, key, "It is the first and the last character, counted from 1: [1, 10].")
    return value[0], value[1]


def _columns(
    columns: object, path: Path, *, kind: type[str] | type[int]
) -> dict[str, str | int | tuple[int, int]]:
    _check_fields(columns, path)
    assert isinstance(columns, dict)
    for field, column in columns.items():
        if not isinstance(column, kind) or isinstance(column, bool) or not column or column in (0, ""):
            word = "the name in the header" if kind is str else "a position, counted from 1"
            raise _fault(path, f"columns.{field}", f"It is {word}.")
    if len(set(columns.values())) < len(columns):
        raise _fault(path, "columns", "Two fields have the same column.")
    return columns


def _trailer(trailer: object, path: Path, *, layout: str) -> Trailer | None:
    if trailer is None:
        return None
    whole = isinstance(trailer, dict) and set(trailer) == {"marker", "count", "total"}
    if not whole or not isinstance(trailer, dict):
        raise _fault(path, "trailer", "It has the keys marker, count and total.")
    marker, count, total = trailer["marker"], trailer["count"], trailer["total"]
    if not isinstance(marker, str) or not marker:
        raise _fault(path, "trailer.marker", "It is a text.")
    if layout == "fixed":
        ranges = [
            _range(value, f"trailer.{key}", path) for key, value in (("count", count), ("total", total))
        ]
        return Trailer(marker=marker, count=ranges[0], total=ranges[1])
    for key, position in (("count", count), ("total", total)):
        if not isinstance(position, int) or position < 2:
            raise _fault(path, f"trailer.{key}", "It is a position after the marker, from 2.")
    return Trailer(marker=marker, count=count, total=total)


def _account_number(rule: object, path: Path) -> tuple[str, re.Pattern[str]]:
    whole = isinstance(rule, dict) and set(rule) == {"drop", "pattern"}
    if not whole or not isinstance(rule, dict) or not all(isinstance(text, str) for text in rule.values()):
        raise _fault(path, "account_number", "It has the keys drop and pattern, both texts.")
    try:
        return rule["drop"], re.compile(rule["pattern"])
    except re.error as error:
        raise _fault(path, "account_number.pattern", f"It is not a regular expression: {error}.") from error


def _fault(path: Path, key: str, what: str) -> UnableToReadMapping:
    return UnableToReadMapping(
        code="mapping-fault",
        message=what,
        place=f"{path.name}, key {key}" if key else path.name,
        remedy="Correct the mapping as described in docs/payments-register.md.",
        params={"key": key},
    )
