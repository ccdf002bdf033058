"""A frame as the bytes of PostgreSQL's binary COPY, built column by column.

Source of the format: PostgreSQL documentation, `COPY`, "Binary Format", and `array_recv` for arrays. Rows whose
values have the same lengths and the same nulls have the same shape: their bytes form a matrix, filled by whole
columns. A bulk table has few shapes, so its cost per value is that of copying it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"

_NULL = -1
_DAYS_TO_2000 = 10_957
_MICROSECONDS_TO_2000 = _DAYS_TO_2000 * 86_400_000_000
_ARRAY_HEAD = 20
_EMPTY_ARRAY = 12
_ROWS_PER_BLOCK = 20_000
_FORMAT_OF_TYPE: dict[object, str] = {
    pl.Boolean: ">i1",
    pl.Int16: ">i2",
    pl.Int32: ">i4",
    pl.Int64: ">i8",
    pl.Date: ">i4",
}
_FORMAT_OF_ELEMENT: dict[object, tuple[int, str]] = {
    pl.Int16: (21, ">i2"),
    pl.Int32: (23, ">i4"),
    pl.Int64: (20, ">i8"),
}


class UnableToEncodeRows(TypeError):
    """A column has a type that is not encoded here, or an array holds a null."""


def binary_rows(frame: pl.DataFrame) -> Iterator[memoryview]:
    """The tuples of the frame in blocks, in row order, without header and trailer.

    Types: Boolean, Int16, Int32, Int64, Date, Datetime in UTC microseconds, String, Binary (sent as it is), and lists
    of Int16, Int32 or Int64 without nulls inside. Raises UnableToEncodeRows.
    """
    for start in range(0, frame.height, _ROWS_PER_BLOCK):
        yield _block(frame.slice(start, _ROWS_PER_BLOCK).rechunk())


@dataclass(frozen=True)
class _Group:
    """Rows of one shape, their columns in a matrix of bytes."""

    matrix: Bytes
    rows: slice


def _block(frame: pl.DataFrame) -> memoryview:
    lengths = np.stack([_lengths(frame[name]) for name in frame.columns])
    order, edges = _shapes(lengths)
    ordered = frame if order is None else frame[order]
    starts = lengths[:, edges[:-1] if order is None else order[edges[:-1]]]
    columns = [_Column(ordered[name]) for name in frame.columns]
    widths = 2 + 4 * len(columns) + np.maximum(starts, 0).sum(axis=0)
    ends = np.cumsum(np.diff(edges) * widths)
    data = np.empty(int(ends[-1]), dtype=np.uint8)
    for shape, width in enumerate(widths.tolist()):
        rows = slice(int(edges[shape]), int(edges[shape + 1]))
        count = rows.stop - rows.start
        matrix = data[int(ends[shape]) - count * width : int(ends[shape])].reshape(count, width)
        _fill(_Group(matrix, rows), columns, starts[:, shape].tolist())
    if order is None:
        return data.data
    return _reordered(data, order, np.repeat(widths, np.diff(edges)))


def _lengths(column: pl.Series) -> Ints:
    """Bytes of each value in the format, without the length itself; -1 where it is null."""
    kind = column.dtype
    if isinstance(kind, pl.List):
        if type(kind.inner) not in _FORMAT_OF_ELEMENT:
            raise UnableToEncodeRows(f"Column {column.name}: {kind}")
        size = 4 + int(_FORMAT_OF_ELEMENT[type(kind.inner)][1][-1])
        count = column.list.len().cast(pl.Int64).fill_null(_NULL).to_numpy()
        return np.where(count > 0, _ARRAY_HEAD + count * size, np.where(count == 0, _EMPTY_ARRAY, _NULL))
    if isinstance(kind, pl.String | pl.Binary):
        size_of = column.str.len_bytes() if isinstance(kind, pl.String) else column.bin.size()
        return size_of.cast(pl.Int64).fill_null(_NULL).to_numpy()
    if isinstance(kind, pl.Datetime) and kind.time_unit == "us" and kind.time_zone == "UTC":
        size = 8
    elif type(kind) in _FORMAT_OF_TYPE:
        size = int(_FORMAT_OF_TYPE[type(kind)][-1])
    else:
        raise UnableToEncodeRows(f"Column {column.name}: {kind}")
    if column.null_count() == 0:
        return np.full(len(column), size, dtype=np.int64)
    return np.where(column.is_null().to_numpy(), _NULL, size)


def _shapes(lengths: Ints) -> tuple[Ints | None, Ints]:
    """The order that puts rows of one shape together (None: they are), and where each shape begins and ends."""
    varying = [column for column in lengths if (column != column[0]).any()]
    count = lengths.shape[1]
    if not varying:
        return None, np.array([0, count])
    order = np.lexsort(varying)
    changes = np.zeros(count, dtype=np.bool_)
    for column in varying:
        ordered = column[order]
        changes[1:] |= ordered[1:] != ordered[:-1]
    return order, np.concatenate([[0], np.flatnonzero(changes), [count]])


class _Column:
    """The values of a column as flat buffers, from which the rows of a shape are cut."""

    def __init__(self, column: pl.Series) -> None:
        kind = column.dtype
        self.element = 0
        self.format = ""
        self.offsets: Ints | None = None
        if isinstance(kind, pl.List):
            self.element, self.format = _FORMAT_OF_ELEMENT[type(kind.inner)]
            inner = column.drop_nulls().list.len().sum()
            flat = column.explode(empty_as_null=False, keep_nulls=False)
            if len(flat) != inner or flat.null_count():
                raise UnableToEncodeRows(f"Column {column.name}: an array holds a null")
            self.values = flat.to_numpy()
            self.offsets = _offsets(column.list.len())
        elif isinstance(kind, pl.String | pl.Binary):
            # Arrow's large binary lies as one run of bytes, where Polars' own may not.
            flat_bytes = column.cast(pl.Binary).to_arrow(compat_level=pl.CompatLevel.oldest())
            if isinstance(flat_bytes, pa.ChunkedArray):
                flat_bytes = flat_bytes.combine_chunks()
            _, offsets, data = flat_bytes.buffers()
            self.offsets = np.frombuffer(offsets, dtype=np.int64)[flat_bytes.offset :]
            self.values = np.frombuffer(data or b"", dtype=np.uint8)
        elif isinstance(kind, pl.Datetime):
            self.format = ">i8"
            self.values = column.to_physical().fill_null(0).to_numpy() - _MICROSECONDS_TO_2000
        else:
            self.format = _FORMAT_OF_TYPE[type(kind)]
            plain = column.cast(pl.Int8) if kind == pl.Boolean else column.to_physical()
            self.values = plain.fill_null(0).to_numpy()
            if kind == pl.Date:
                self.values = self.values - np.int32(_DAYS_TO_2000)


def _offsets(lengths: pl.Series) -> Ints:
    return np.concatenate([[0], np.cumsum(lengths.fill_null(0).cast(pl.Int64).to_numpy())])


def _fill(group: _Group, columns: list[_Column], lengths: list[int]) -> None:
    """What all rows of the shape share comes from one template; then the values, column by column."""
    matrix, rows = group.matrix, group.rows
    template = np.zeros(matrix.shape[1], dtype=np.uint8)
    template[:2] = np.array([len(columns)], dtype=">i2").view(np.uint8)
    places: list[int] = []
    at = 2
    for column, length in zip(columns, lengths, strict=True):
        template[at : at + 4] = np.array([length], dtype=">i4").view(np.uint8)
        at += 4
        places.append(at)
        if length > 0 and column.element:
            template[at : at + length] = _empty_elements(column, length)
        at += max(length, 0)
    matrix[:] = template
    for column, length, place in zip(columns, lengths, places, strict=True):
        if length > 0:
            _set(column, matrix, rows, place, length)


def _set(column: _Column, matrix: Bytes, rows: slice, place: int, length: int) -> None:
    count, width = matrix.shape
    if column.offsets is None:
        target = np.ndarray((count,), dtype=column.format, buffer=matrix, offset=place, strides=(width,))
        target[:] = column.values[rows]
        return
    part = column.values[int(column.offsets[rows.start]) : int(column.offsets[rows.stop])]
    if not column.element:
        matrix[:, place : place + length] = part.reshape(count, length)
    elif length > _ARRAY_HEAD:
        size = int(column.format[-1])
        elements = (length - _ARRAY_HEAD) // (4 + size)
        target = np.ndarray(
            (count, elements),
            dtype=column.format,
            buffer=matrix,
            offset=place + _ARRAY_HEAD + 4,
            strides=(width, 4 + size),
        )
        target[:] = part.reshape(count, elements)


def _empty_elements(column: _Column, length: int) -> Bytes:
    """The head of an array (dimensions, no nulls, element type, size, first index 1) and its elements' lengths."""
    if length == _EMPTY_ARRAY:
        return np.array([0, 0, column.element], dtype=">i4").view(np.uint8)
    size = int(column.format[-1])
    count = (length - _ARRAY_HEAD) // (4 + size)
    head = np.array([1, 0, column.element, count, 1], dtype=">i4").view(np.uint8)
    body = np.zeros((count, 4 + size), dtype=np.uint8)
    body[:, 3] = size
    return np.concatenate([head, body.reshape(-1)])


def _reordered(data: Bytes, order: Ints, widths: Ints) -> memoryview:
    """The rows, which lie by shape, in their own order."""
    offsets = np.concatenate([[0], np.cumsum(widths)])
    rows = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(order), [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    )
    back = np.empty(len(order), dtype=np.int64)
    back[order] = np.arange(len(order))
    taken = rows.take(pa.array(back))
    _, _, bytes_ = taken.buffers()
    assert taken.offset == 0, "Arrow lays out what it takes from the beginning."
    return memoryview(bytes_)[: int(offsets[-1])]
