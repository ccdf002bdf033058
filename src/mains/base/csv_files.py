"""Files of comma-separated values that people send: read whole, with every fault by line and field."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

MAX_BYTES = 256 * 1024 * 1024
_DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True, kw_only=True)
class FileFault:
    """What is wrong in a file. Line 1 is the header; 0 is the file as a whole. `field` is a column's name."""

    line: int
    field: str = ""
    code: str
    message: str
    remedy: str

    def place(self, file_name: str) -> str:
        """`readings.csv, line 7, field value`."""
        parts = [
            file_name,
            f"line {self.line}" if self.line else "",
            f"field {self.field}" if self.field else "",
        ]
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True)
class Column:
    """A column of a file. With `is_needed` the header must name it and every line must fill it."""

    name: str
    is_needed: bool = True


def read_csv(content: bytes, *, columns: Sequence[Column]) -> tuple[pl.DataFrame, list[FileFault]]:
    """The lines of a UTF-8 file with a header: `line` (Int64) and each column as text without outer spaces.

    Commas, semicolons or tabs separate, whichever the header uses. Columns that the header leaves out are empty.
    Lines with a fault are not in the frame; the faults are sorted by line. Nothing is raised.
    """
    schema = {"line": pl.Int64(), **{column.name: pl.String() for column in columns}}
    text, fault = _decode(content)
    if fault:
        return pl.DataFrame(schema=schema), [fault]
    delimiter = max(_DELIMITERS, key=text.partition("\n")[0].count)
    lines = _split(text, delimiter=delimiter)
    header = [name.strip().casefold() for name in next(lines)[1] or ()]
    faults = _header_faults(header, columns)
    rows: list[list[str | int]] = []
    if not faults:
        positions = [header.index(column.name) if column.name in header else None for column in columns]
        for line, cells in lines:
            row, found = _read_line(line, cells, width=len(header), positions=positions, columns=columns)
            faults.extend(found)
            if row:
                rows.append(row)
        if not rows and not faults:
            faults.append(_empty_file())
    return pl.DataFrame(rows, schema=schema, orient="row"), faults


def _decode(content: bytes) -> tuple[str, FileFault | None]:
    if len(content) > MAX_BYTES:
        limit = MAX_BYTES // 1024 // 1024
        return "", _file_fault("file-too-large", f"The file is larger than {limit} MiB.", "Split it.")
    if not content.strip():
        return "", _empty_file()
    try:
        return content.decode("utf-8-sig"), None
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        message = f"The file is not UTF-8: byte {error.start + 1} is no character."
        return "", FileFault(line=line, code="file-encoding", message=message, remedy="Save it as UTF-8.")


def _split(text: str, *, delimiter: str) -> Iterator[tuple[int, list[str] | None]]:
    """Line numbers with their cells, None where the quotes are broken; empty lines are passed over."""
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.rstrip("\r")
        if not stripped.strip(f"{delimiter} \t"):
            continue
        if '"' not in stripped:
            yield number, stripped.split(delimiter)
            continue
        try:
            yield number, next(csv.reader([stripped], delimiter=delimiter, strict=True))
        except csv.Error:
            yield number, None


def _header_faults(header: Sequence[str], columns: Sequence[Column]) -> list[FileFault]:
    wanted = {column.name for column in columns}
    remedy = f"The columns are: {', '.join(column.name for column in columns)}."
    faults = [
        FileFault(
            line=1, field=name, code="header-unknown", message="There is no such column.", remedy=remedy
        )
        for name in header
        if name not in wanted
    ]
    for column in columns:
        times = header.count(column.name)
        if times > 1 or (column.is_needed and not times):
            message = "The column occurs twice." if times else "The column is missing."
            faults.append(
                FileFault(line=1, field=column.name, code="header-column", message=message, remedy=remedy)
            )
    return faults


def _read_line(
    line: int,
    cells: list[str] | None,
    *,
    width: int,
    positions: Sequence[int | None],
    columns: Sequence[Column],
) -> tuple[list[str | int], list[FileFault]]:
    if cells is None:
        message, remedy = "The quotes are not closed.", "Close or double them."
        return [], [FileFault(line=line, code="line-quotes", message=message, remedy=remedy)]
    if len(cells) != width:
        message = f"The line has {len(cells)} fields, the header {width}."
        remedy = "Quote fields that hold the separator."
        return [], [FileFault(line=line, code="line-width", message=message, remedy=remedy)]
    told = ["" if position is None else cells[position].strip() for position in positions]
    if all(told):
        return [line, *told], []
    faults = [
        FileFault(
            line=line,
            field=column.name,
            code="field-empty",
            message="The field is empty.",
            remedy="Fill it in.",
        )
        for column, cell in zip(columns, told, strict=True)
        if column.is_needed and not cell
    ]
    return ([] if faults else [line, *told]), faults


def _empty_file() -> FileFault:
    return _file_fault("file-empty", "The file has no lines.", "Send a file with a header and lines.")


def _file_fault(code: str, message: str, remedy: str) -> FileFault:
    return FileFault(line=0, code=code, message=message, remedy=remedy)
