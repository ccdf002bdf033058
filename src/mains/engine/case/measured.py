"""What the exact way made of a case's intervals, compared with what the columns make of them."""

from collections.abc import Mapping
from datetime import date

import polars as pl

from mains.engine.case.errors import UnableToAgree
from mains.engine.case.read import Service
from mains.engine.columns import compile_tariffs
from mains.engine.facts import MICRO
from mains.engine.intervals import History, IntervalSeries, measure_columns

_ITEM, _POINT = 1, 1


def check_measured(service: Service) -> None:
    """Raises UnableToAgree when the two ways of measuring intervals differ."""
    if not service.intervals:
        return
    period = (service.facts.period_from, service.facts.period_to)
    columns = measure_columns(
        tariffs=compile_tariffs([service.tariff]),
        items=pl.DataFrame(
            {
                "item_id": [_ITEM],
                "point_id": [_POINT],
                "tariff": [service.tariff.code],
                "period_from": [period[0]],
                "period_to": [period[1]],
            }
        ),
        intervals=intervals_frame(service.intervals),
        history=history_frame(service.history),
    )
    found = {name: frame["days_micro"].to_list()[0] for name, frame in columns.usage.items()}
    wanted = {
        f"{name.replace('.', '_')}_micro": [stretch.micro for stretch in stretches]
        for name, stretches in service.measured.use.items()
    }
    values = {
        name: frame.select("valid_from", "valid_to", "value").rows()
        for name, frame in columns.attributes.items()
    }
    wanted_values = {
        f"{name}_micro": [(item.valid_from, item.valid_to, int(item.value * MICRO)) for item in items]
        for name, items in service.measured.attributes.items()
        if not any(isinstance(item.value, str) for item in items)
    }
    if len(columns.refused) or found != wanted or values != wanted_values:
        names = _different({**found, **values}, {**wanted, **wanted_values})
        raise UnableToAgree(
            code="interpreters-differ",
            message=f"Intervals are measured differently: {names}.",
            place=service.tariff.code,
            remedy="Please report this case: it is a fault of Mains.",
        )


def _different(found: Mapping[str, object], wanted: Mapping[str, object]) -> str:
    names = [name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name)]
    return ", ".join(sorted(names)) or "one of them refuses the item"


def intervals_frame(series: tuple[IntervalSeries, ...]) -> pl.DataFrame:
    """The series of one point as `measure_columns` takes them."""
    rows = [(_POINT, item.register, item.start_at, item.step_minutes, list(item.micro)) for item in series]
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "point_id": pl.Int64,
        "register": pl.String,
        "start_at": pl.Datetime("us", "UTC"),
        "step_minutes": pl.Int64,
        "values_micro": pl.List(pl.Int64),
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def history_frame(history: History) -> pl.DataFrame | None:
    """The demands of earlier months of one point as `measure_columns` takes them."""
    if history is None:
        return None
    rows: list[tuple[int, str, date, int]] = [
        (_POINT, name, month, micro) for name, months in history.items() for month, micro in months.items()
    ]
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "point_id": pl.Int64,
        "demand": pl.String,
        "month": pl.Date,
        "value_micro": pl.Int64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")
