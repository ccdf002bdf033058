"""A bill as plain text for the small printers that officers and tills carry: 58 mm has 32 characters, 80 mm has 48."""

import unicodedata
from collections.abc import Iterator
from typing import Any

WIDTH_OF_PAPER = {58: 32, 80: 48}
"""Characters of font A on thermal printers, by millimetres of paper."""


def slip_text(bill: dict[str, Any], *, width: int) -> str:
    """The texts of a bill (`bill_texts`) in lines of at most `width` columns; wide letters take two."""
    return "\n".join(_lines(bill, width)) + "\n"


def _lines(bill: dict[str, Any], width: int) -> Iterator[str]:
    rule = "-" * width
    yield from _centred(bill["supplier"]["name"], width)
    yield from _centred(bill["title"], width)
    yield from _centred(bill["month"], width)
    yield from _centred(bill["labels"]["bill"], width)
    yield rule
    yield from _wrapped(bill["customer"]["name"], width)
    for line in bill["customer"]["address"]:
        yield from _wrapped(line, width)
    for title, value in bill["customer"]["facts"]:
        yield from _pair(title, value, width)
    yield rule
    for row in bill["readings"]:
        if row["closing"]:
            for shown in (row["opening"], row["closing"]):
                if shown:
                    yield from _pair(f"{row['zone']}, {shown[1]}", shown[0], width)
    for section in bill["sections"]:
        yield from _wrapped(section["title"], width)
        for row in section["rows"]:
            if row["quantity"] and row["price"]:
                yield from _wrapped(f"{row['quantity']} x {row['price']}", width)
            yield from _pair(row["title"], row["amount"], width)
    for correction in bill["corrections"]:
        yield from _pair(
            f"{bill['labels']['corrections']}: {correction['title']}", correction["total"][2], width
        )
    yield rule
    yield from _pair(bill["pay"]["heading"], bill["pay"]["amount"], width)
    for note in (*bill["pay"]["notes"], *bill["notes"]):
        yield from _wrapped(note, width)


def _pair(title: str, value: str, width: int) -> Iterator[str]:
    """Title to the left, value to the right; on lines of their own where both are too long for one."""
    room = width - _columns(value) - 1
    lines = list(_wrapped(title, max(room, width // 2)))
    if room < width // 2:
        yield from lines
        yield from (" " * (width - _columns(line)) + line for line in _wrapped(value, width))
        return
    yield from lines[:-1]
    last = lines[-1] if lines else ""
    yield last + " " * (width - _columns(last) - _columns(value)) + value


def _centred(text: str, width: int) -> Iterator[str]:
    for line in _wrapped(text, width):
        yield " " * ((width - _columns(line)) // 2) + line


def _wrapped(text: str, width: int) -> Iterator[str]:
    line = ""
    for word in text.split():
        *full, rest = _cut(word, width)
        if line and (full or _columns(line) + 1 + _columns(rest) > width):
            yield line
            line = ""
        yield from full
        line = f"{line} {rest}" if line else rest
    if line:
        yield line


def _cut(word: str, width: int) -> Iterator[str]:
    """The word in pieces that fit, all but the last as long as may be."""
    while _columns(word) > width:
        head = _fitting(word, width)
        yield head
        word = word[len(head) :]
    yield word


def _fitting(word: str, width: int) -> str:
    taken = 0
    for place, letter in enumerate(word):
        taken += _columns(letter)
        if taken > width:
            return word[:place]
    return word


def _columns(text: str) -> int:
    """Columns that a text takes: two for wide letters, none for marks that stand on others."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )
