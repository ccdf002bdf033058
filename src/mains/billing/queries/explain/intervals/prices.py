"""Prices by the hour as series beside those of use."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from mains.engine.intervals import IntervalSeries, UnableToMeasure
from mains.engine.intervals.values import IntervalRow
from mains.engine.tariff.schedule import price_register


def price_series(rows: Sequence[IntervalRow], name: str, like: IntervalSeries) -> IntervalSeries:
    """The price of each interval of a series. Raises UnableToMeasure where one is not known."""
    step = timedelta(minutes=like.step_minutes)
    told: dict[datetime, tuple[int, str]] = {}
    for row in rows:
        length = timedelta(minutes=row.step_minutes)
        for place, price in enumerate(row.micro):
            at = row.start_at + length * place
            while price is not None and length >= step and at < row.start_at + length * (place + 1):
                told[at] = (price, f"{row.row_id}.{place + 1}")
                at += step
    times = [like.start_at + step * place for place in range(len(like.micro))]
    missing = [at for at in times if at not in told]
    if missing:
        raise UnableToMeasure(
            code="prices-missing",
            message=f"{len(missing)} prices of the series {name} are missing, the first is that of "
            f"{missing[0]:%Y-%m-%d %H:%M} UTC.",
            place=f"quantities, price {name}",
            remedy="Import them: mains tariff import-prices.",
        )
    micro, names = zip(*(told[at] for at in times), strict=True)
    sources = ", ".join(dict.fromkeys(row.source for row in rows))
    return IntervalSeries(price_register(name), like.start_at, like.step_minutes, micro, sources, names)


def end_of(series: IntervalSeries) -> datetime:
    return series.start_at + timedelta(minutes=series.step_minutes) * len(series.micro)
