"""The door of the usage engine: which columns each frame must have, and what is refused there."""

from dataclasses import dataclass
from typing import TypeAlias

import polars as pl

from mains.kernel.errors import MainsError

MICRO = 1_000_000
DIGITS_MAX = 12
MULTIPLIER_MICRO_MAX = 10**12
STRETCH_USE_MICRO_MAX = 10**17
SHAPE_DAYS = 366
SHAPE_WEIGHT_MAX = 100_000
MONTH_DAYS_MAX = 1096

# Strong to weak, after X for nothing: a letter's position is its rank, and a day has its parts' highest.
QUALITY_LETTERS = "XMAFCN"
# The same of a day to which an act of unmetered use adds: U is the act's use alone.
LETTERS_WITH_ACT = "Umafcn"

HUNDRED_PERCENT = 10_000
"""Errors of meters are counted in hundredths of a percent."""
PERCENT_MAX = 100_000

INTEGER = "integer"
OPAQUE = "opaque"
ColumnType: TypeAlias = pl.DataType | type[pl.DataType] | str


class UnableToComputeUsage(MainsError):
    """The frames given to the usage engine do not fit together; nothing was computed."""


@dataclass(frozen=True)
class UsageRules:
    """How missing days are forecast.

    `lookback_days`: how many days before a gap count as own history. `history_days_min`: how many of them
    must be covered by readings, or else the class average is used.
    """

    lookback_days: int = 183
    history_days_min: int = 28

    def __post_init__(self) -> None:
        if not 1 <= self.history_days_min <= self.lookback_days:
            raise UnableToComputeUsage(
                code="usage-rules-impossible",
                message="The days of history asked for must lie between 1 and the days looked back.",
                place="rules",
                remedy="Ask for fewer days of history or look further back.",
            )


@dataclass(frozen=True)
class FrameSpec:
    """Columns of one input frame: required ones, those that may hold nulls, those that may be left out."""

    name: str
    columns: dict[str, ColumnType]
    nullable: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()


POINTS = FrameSpec(
    name="points",
    columns={"service_point_id": pl.Int64, "connected_from": pl.Date, "connected_to": pl.Date},
    nullable=frozenset({"connected_to"}),
)
REGISTERS = FrameSpec(
    name="registers",
    columns={
        "register_id": pl.Int64,
        "service_point_id": pl.Int64,
        "zone": OPAQUE,
        "digits": INTEGER,
        "multiplier_micro": pl.Int64,
        "installed_from": pl.Date,
        "installed_to": pl.Date,
        "class_code": pl.String,
        "shape_code": pl.String,
    },
    nullable=frozenset({"installed_to", "class_code", "shape_code"}),
    optional=frozenset({"class_code", "shape_code"}),
)
READINGS = FrameSpec(
    name="readings",
    columns={
        "reading_id": pl.Int64,
        "register_id": pl.Int64,
        "reading_date": pl.Date,
        "value_micro": pl.Int64,
        "priority": INTEGER,
        "recorded_order": pl.Int64,
        "rollover": pl.Boolean,
    },
    nullable=frozenset({"rollover"}),
    optional=frozenset({"rollover"}),
)
NORMS = FrameSpec(
    name="norms",
    columns={
        "service_point_id": pl.Int64,
        "zone": OPAQUE,
        "valid_from": pl.Date,
        "valid_to": pl.Date,
        "amount_micro": pl.Int64,
        "per": pl.String,
    },
    nullable=frozenset({"valid_to"}),
)
CLASS_AVERAGES = FrameSpec(
    name="class_averages",
    columns={"class_code": pl.String, "zone": OPAQUE, "use_micro": pl.Int64, "days": pl.Int64},
)
METER_ERRORS = FrameSpec(
    name="meter_errors",
    columns={
        "register_id": pl.Int64,
        "valid_from": pl.Date,
        "valid_to": pl.Date,
        "percent_hundredths": INTEGER,
    },
    nullable=frozenset({"valid_to"}),
)
UNMETERED = FrameSpec(
    name="unmetered",
    columns={
        "service_point_id": pl.Int64,
        "zone": OPAQUE,
        "valid_from": pl.Date,
        "valid_to": pl.Date,
        "amount_micro": pl.Int64,
    },
)
SHAPES = FrameSpec(name="shapes", columns={"shape_code": pl.String, "weights": pl.List(pl.Int64)})


def admit_frame(frame: pl.DataFrame | None, *, spec: FrameSpec, zone_type: pl.DataType) -> pl.DataFrame:
    """Return the spec's columns of `frame` in order, optional ones filled with nulls; no frame gives an empty
    one.

    Raises UnableToComputeUsage naming the frame and column when one is missing, of another type, or null.
    """
    if frame is None:
        return pl.DataFrame(
            schema={name: _exact_type(kind, zone_type) for name, kind in spec.columns.items()}
        )
    chosen = []
    schema = frame.schema
    for name, kind in spec.columns.items():
        wanted = _exact_type(kind, zone_type)
        if name not in schema:
            if name not in spec.optional:
                raise _refusal(spec, name, code="usage-column-missing", message="The column is missing.")
            chosen.append(pl.lit(None, dtype=wanted).alias(name))
            continue
        found = schema[name]
        whole_numbers = found.is_integer() and wanted.is_integer()
        if found != wanted and not whole_numbers:
            raise _refusal(
                spec, name, code="usage-column-type", message=f"The column is {found}, not {wanted}."
            )
        if name not in spec.nullable and frame[name].null_count():
            raise _refusal(spec, name, code="usage-column-null", message="The column holds nulls.")
        chosen.append(pl.col(name).cast(wanted))
    return frame.select(chosen)


def refuse_rows(frame: pl.DataFrame, *, spec: FrameSpec, bad: pl.Expr, column: str, message: str) -> None:
    """Raise UnableToComputeUsage with the first offending row when any row of `frame` is `bad`."""
    offending = frame.filter(bad)
    if offending.height:
        row = {name: str(value) for name, value in offending.row(0, named=True).items()}
        raise _refusal(
            spec, column, code="usage-row-refused", message=f"{message} First of {offending.height}: {row}."
        )


def _exact_type(kind: ColumnType, zone_type: pl.DataType) -> pl.DataType:
    if kind == OPAQUE:
        return zone_type
    if kind == INTEGER:
        return pl.Int64()
    if isinstance(kind, pl.DataType):
        return kind
    assert isinstance(kind, type)
    return kind()


def _refusal(spec: FrameSpec, column: str, *, code: str, message: str) -> UnableToComputeUsage:
    return UnableToComputeUsage(
        code=code,
        message=message,
        place=f"{spec.name}.{column}",
        remedy="Give the columns that the usage contract lists (engine/usage/README.md).",
        params={"frame": spec.name, "column": column},
    )
