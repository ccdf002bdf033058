"""Plain tables and amounts for commands: readable on a terminal, easy to cut and grep elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass

import typer


@dataclass(frozen=True)
class Column:
    """A column's heading; numbers stand to the right."""

    title: str
    is_number: bool = False


def amount_text(minor: int) -> str:
    """Minor units with two decimals and groups of three: 1,250.40."""
    units, rest = divmod(abs(minor), 100)
    return f"{'-' if minor < 0 else ''}{units:,}.{rest:02d}"


def print_table(columns: Sequence[Column], rows: Sequence[Sequence[object]], *, empty: str = "") -> None:
    """Print aligned columns under their headings; `empty` when there are no rows."""
    if not rows:
        typer.echo(empty)
        return
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [
        max(len(column.title), *(len(row[position]) for row in texts))
        for position, column in enumerate(columns)
    ]
    for line in [[column.title for column in columns], *texts]:
        cells = (
            text.rjust(width) if column.is_number else text.ljust(width)
            for text, width, column in zip(line, widths, columns, strict=True)
        )
        typer.echo("  ".join(cells).rstrip())
