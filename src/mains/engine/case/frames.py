"""The segments of one account as the column interpreter takes them."""

import polars as pl

from mains.engine.exact.cut import Segment
from mains.engine.facts import MICRO
from mains.engine.tariff import Tariff


def segments_frame(*, tariff: Tariff, segments: tuple[Segment, ...]) -> pl.DataFrame:
    """The segments of one item as the column side takes them."""
    data: dict[str, pl.Series] = {
        "item_id": pl.Series([1] * len(segments), dtype=pl.Int64),
        "tariff": pl.Series([tariff.code] * len(segments), dtype=pl.String),
        "from_date": pl.Series([s.from_date for s in segments], dtype=pl.Date),
        "to_date": pl.Series([s.to_date for s in segments], dtype=pl.Date),
        "period_from": pl.Series([segments[0].from_date] * len(segments), dtype=pl.Date),
        "period_to": pl.Series([segments[-1].to_date] * len(segments), dtype=pl.Date),
    }
    for key in segments[0].use_micro:
        data[f"{key.replace('.', '_')}_micro"] = pl.Series(
            [s.use_micro[key] for s in segments], dtype=pl.Int64
        )
    for name in tariff.read_attributes:
        kind = tariff.attributes[name].kind
        values = [s.attributes[name].value if name in s.attributes else None for s in segments]
        if kind == "number":
            scaled = [
                None if value is None else int(value * MICRO)
                for value in values
                if not isinstance(value, str)
            ]
            data[f"{name}_micro"] = pl.Series(scaled, dtype=pl.Int64)
        else:
            data[name] = pl.Series(values, dtype=pl.Boolean if kind == "flag" else pl.String)
    return pl.DataFrame(data)
