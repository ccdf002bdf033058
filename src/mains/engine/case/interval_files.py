"""CSV files of interval values: one value a line, or a time and a value."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

from mains.engine.tariff.clauses import Clause

_MAX_CHARACTERS = 20_000_000
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d+)?|\.\d+)")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}.*")


@dataclass(frozen=True)
class Row:
    """A line of the file; `time` is empty where the file has none, `value` is None where it is not known."""

    line: int
    time: str
    value: str | None


def read_rows(text: str, *, column: str, clause: Clause) -> list[Row]:
    """Rows of the file, in order. The value is in the named column, or in the last; a first line of names is left
    out.
    """
    if len(text) > _MAX_CHARACTERS:
        clause.refuse("file-too-long", "The file is too long.", "Split it.")
        return []
    separator = ";" if ";" in text.partition("\n")[0] else ","
    lines = [
        (number, [cell.strip() for cell in cells])
        for number, cells in enumerate(csv.reader(io.StringIO(text), delimiter=separator), start=1)
        if any(cell.strip() for cell in cells)
    ]
    at, names = -1, lines[0][1] if lines and _is_header(lines[0][1]) else []
    if column and column not in names:
        clause.refuse(
            "unknown-name",
            f"The file has no column “{column}”.",
            f"Columns: {', '.join(names) or 'none are named'}.",
        )
        return []
    if column:
        at = names.index(column)
    rows = []
    for number, cells in lines[1:] if names else lines:
        value = cells[at] if -len(cells) <= at < len(cells) else ""
        if value and not _NUMBER.fullmatch(value):
            clause.refuse(
                "not-a-number",
                f"Line {number}: “{value[:40]}” is not a number.",
                "Write 16000 or 0.5; leave the place empty when the value is not known.",
            )
            return []
        time = cells[0] if len(cells) > 1 and _TIME.fullmatch(cells[0]) else ""
        rows.append(Row(number, time, value or None))
    return rows


def _is_header(cells: Sequence[str]) -> bool:
    return bool(cells[-1]) and not any(_NUMBER.fullmatch(cell) for cell in cells)
