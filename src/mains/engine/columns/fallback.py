"""Rates the few items whose numbers do not fit 128 bits with the exact interpreter."""

from collections.abc import Mapping
from datetime import date
from fractions import Fraction

import polars as pl

from mains.engine.columns.compiled import KINDS
from mains.engine.columns.group import Frame, Ints
from mains.engine.exact.cut import Segment
from mains.engine.exact.errors import UnableToRate
from mains.engine.exact.protocol import Protocol
from mains.engine.exact.rate import rate_segments
from mains.engine.facts import MICRO, AttributeValue, DatedValue

_EPOCH = date(1970, 1, 1).toordinal()
_INT64 = 2**63


def rate_rows_exactly(*, frame: Frame, rows: Ints) -> tuple[pl.DataFrame, Mapping[int, tuple[str, str]]]:
    """Lines, in the layout of `rate_columns`, and refused items."""
    records: list[tuple[object, ...]] = []
    refused: dict[int, tuple[str, str]] = {}
    items = frame.columns["item_id"]
    for item_rows in rows.tolist():
        item = items[item_rows[0]]
        tariff = frame.tariffs.editions[int(frame.edition[item_rows[0]])].tariff
        try:
            protocol = rate_segments(tariff=tariff, segments=[_segment(frame, row) for row in item_rows])
        except UnableToRate as error:
            refused[item] = (error.code, error.message)
            continue
        if not _fits(protocol):
            refused[item] = ("amount-too-large", "An amount or quantity of the item does not fit 64 bits.")
            continue
        records.extend(
            (
                item,
                line.component,
                line.kind,
                line.segment,
                line.from_date,
                line.to_date,
                line.quantity_micro,
                line.amount_minor,
            )
            for line in protocol.lines
        )
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "item_id": pl.Int64,
        "component": pl.Enum(list(frame.tariffs.components)),
        "kind": pl.Enum(list(KINDS)),
        "segment": pl.Int16,
        "from_date": pl.Date,
        "to_date": pl.Date,
        "quantity_micro": pl.Int64,
        "amount_minor": pl.Int64,
    }
    return pl.DataFrame(records, schema=schema, orient="row"), refused


def _fits(protocol: Protocol) -> bool:
    return all(
        abs(number or 0) < _INT64
        for line in protocol.lines
        for number in (line.quantity_micro, line.amount_minor)
    )


def _segment(frame: Frame, row: int) -> Segment:
    edition = frame.tariffs.editions[int(frame.edition[row])]
    tariff = edition.tariff
    first, end = (date.fromordinal(int(days[row]) + _EPOCH) for days in (frame.from_day, frame.to_day))
    use: dict[str, int] = {}
    for key, name in _use_columns(frame, tuple(tariff.quantities)).items():
        value = frame.columns[name][row]
        if value is not None:
            use[key] = value
    attributes = {
        name: _attribute(frame, row, name, tariff.attributes[name].kind) for name in tariff.read_attributes
    }
    defaults = {name: tariff.attributes[name].default for name in tariff.read_attributes}
    values = {name: value if value is not None else defaults[name] for name, value in attributes.items()}
    return Segment(
        from_date=first,
        to_date=end,
        version=edition.version,
        season=tariff.season_of(first) if tariff.uses_seasons else "",
        use_micro=use,
        use_source={},
        attributes={name: DatedValue(value) for name, value in values.items() if value is not None},
    )


def _use_columns(frame: Frame, quantities: tuple[str, ...]) -> dict[str, str]:
    names = {"usage": "usage_micro"} if "usage_micro" in frame.columns else {}
    for name in frame.columns:
        if name.startswith("usage_") and name.endswith("_micro") and name != "usage_micro":
            names[f"usage.{name[6:-6]}"] = name
    return names | {name: f"{name}_micro" for name in quantities if f"{name}_micro" in frame.columns}


def _attribute(frame: Frame, row: int, name: str, kind: str) -> AttributeValue | None:
    series = frame.columns.get(f"{name}_micro" if kind == "number" else name)
    if series is None:
        return None
    value = series[row]
    if value is None or kind == "flag":
        return None if value is None else bool(value)
    return Fraction(int(value), MICRO) if kind == "number" else str(value)
