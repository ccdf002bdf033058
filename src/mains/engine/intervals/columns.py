"""Interval data of many accounts: use per zone and day and measured demands, in columns of whole numbers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from mains.engine.columns.compiled import TariffSet
from mains.engine.facts import MICRO
from mains.engine.intervals.blocks import Block, make_blocks
from mains.engine.intervals.calendar import Ints
from mains.engine.intervals.maxima import highest_power
from mains.engine.intervals.values import MAX_WORTH_MICRO
from mains.engine.tariff.demands import USAGE
from mains.engine.tariff.schedule import (
    PER_MONTH,
    TAKEN,
    Demand,
    Ratchet,
    RegisterPart,
    price_register,
)

_EPOCH = date(1970, 1, 1).toordinal()
_DAYS: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "item_id": pl.Int64,
    "first_date": pl.Date,
    "days_micro": pl.List(pl.Int64),
}
_VALUES: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "item_id": pl.Int64,
    "valid_from": pl.Date,
    "valid_to": pl.Date,
    "value": pl.Int64,
}
_REFUSED: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "item_id": pl.Int64,
    "code": pl.String,
    "message": pl.String,
}


@dataclass(frozen=True)
class MeasuredColumns:
    """`usage` and `attributes` as `cut_segments` takes them, and the items whose intervals cannot be used."""

    usage: Mapping[str, pl.DataFrame]
    attributes: Mapping[str, pl.DataFrame]
    refused: pl.DataFrame


def measure_columns(
    *, tariffs: TariffSet, items: pl.DataFrame, intervals: pl.DataFrame, history: pl.DataFrame | None = None
) -> MeasuredColumns:
    """Use per zone and day, and demands, of many items; frames are described in `mains/engine/README.md`.

    `items`: item_id, point_id, tariff, period_from, period_to. `intervals`: point_id, register, start_at (UTC),
    step_minutes, values_micro. `history`: point_id, demand, month, value_micro; None when nothing is known of
    the past, an empty frame when there was nothing. An item whose intervals cannot be used is refused alone.
    """
    made = _Made()
    for key, own in items.partition_by("tariff", as_dict=True).items():
        tariff = tariffs.by_code.get(str(key[0]))
        if tariff is None:
            made.refuse(own["item_id"], "no-tariff", f"There is no tariff {key[0]}.")
            continue
        found = intervals.filter(pl.col("point_id").is_in(own["point_id"].unique().implode()))
        unseen = own.filter(~pl.col("point_id").is_in(found["point_id"].unique().implode()))
        made.refuse(unseen["item_id"], "intervals-missing", "The point has no intervals.")
        for block in make_blocks(tariff=tariff, intervals=found):
            _measure_block(block, own, history, made)
    return made.result()


@dataclass
class _Made:
    """Frames made so far, by column."""

    usage: dict[str, list[pl.DataFrame]] = field(default_factory=dict)
    attributes: dict[str, list[pl.DataFrame]] = field(default_factory=dict)
    refused: list[pl.DataFrame] = field(default_factory=list)

    def refuse(self, items: pl.Series, code: str, message: str) -> None:
        if len(items):
            self.refused.append(pl.DataFrame({"item_id": items, "code": code, "message": message}))

    def result(self) -> MeasuredColumns:
        """Whole: of an item that was refused, if only for its last day, nothing is measured."""
        refused = pl.concat([pl.DataFrame(schema=_REFUSED), *self.refused]).sort("item_id")
        usage = {name: pl.concat(frames) for name, frames in self.usage.items()}
        attributes = {name: pl.concat(frames) for name, frames in self.attributes.items()}
        if not refused.is_empty():
            measured = ~pl.col("item_id").is_in(refused["item_id"].unique().implode())
            usage = {name: frame.filter(measured) for name, frame in usage.items()}
            attributes = {name: frame.filter(measured) for name, frame in attributes.items()}
        return MeasuredColumns(usage, attributes, refused)


def _measure_block(block: Block, items: pl.DataFrame, history: pl.DataFrame | None, made: _Made) -> None:
    points = pl.DataFrame({"point_id": block.points, "place": range(len(block.points))})
    own = items.join(points, on="point_id", how="inner", maintain_order="left")
    for group in own.partition_by("period_from", "period_to", maintain_order=True):
        if block.fault is not None:
            made.refuse(group["item_id"], *block.fault)
            continue
        first, end = (group[name].cast(pl.Int64)[0] for name in ("period_from", "period_to"))
        calendar = block.calendar
        if not calendar.covers(first, end):
            made.refuse(
                group["item_id"], "intervals-missing", "The intervals do not cover every day of the period."
            )
            continue
        _Group(block, group, first, end, history, made).measure()


@dataclass(frozen=True)
class _Group:
    """Items of one period whose points share a block."""

    block: Block
    items: pl.DataFrame
    first: int
    end: int
    history: pl.DataFrame | None
    made: _Made

    def measure(self) -> None:
        prices = {*map(price_register, self.block.tariff.price_series)}
        if unknown := sorted(prices - self.block.values.keys()):
            name = unknown[0].removeprefix(price_register(""))
            message = f"There are no prices {name} in the period. Import them: mains tariff import-prices."
            self.made.refuse(self.items["item_id"], "prices-missing", message)
            return
        for register in self.block.values:
            if register not in prices:
                self._use(register)
        for name, part in self.block.tariff.parts.items():
            if name not in self.block.values and part.register in self.block.values:
                self._part(name, part)
        for name, demand in self.block.tariff.demands.items():
            if isinstance(demand, Ratchet):
                self._ratchet(name, demand)
            elif self.block.knows(demand):
                for first, end in self._parts(demand):
                    self._attribute(
                        name, first, end, self._rows(highest_power(self.block, demand, first, end))
                    )

    def _rows(self, of_points: pl.Series) -> pl.Series:
        """Values of points → of items."""
        return of_points.gather(self.items["place"])

    # --- use

    def _use(self, register: str) -> None:
        at, to = self.block.calendar.span(self.first, self.end)
        values = self.block.values[register][:, at:to]
        day = self.block.calendar.day[at:to] - self.first
        zones = self.block.calendar.zones if register == USAGE else ()
        if not zones:
            self._days(f"{register}_micro", _sums(values, day, self.end - self.first))
        for code, zone in enumerate(zones):
            chosen = np.flatnonzero(self.block.calendar.zone[at:to] == code)
            sums = _sums(values[:, chosen], day[chosen], self.end - self.first)
            self._days(f"{register}_{zone}_micro", sums)

    def _part(self, name: str, part: RegisterPart) -> None:
        """What a quantity has of another register."""
        calendar = self.block.calendar
        at, to = calendar.span(self.first, self.end)
        values = self.block.values[part.register][:, at:to]
        prices = self.block.values[price_register(part.price)][:, at:to] if part.price else None
        day = calendar.day[at:to] - self.first
        if part.zones:
            codes = np.array(calendar.zone_codes(part.zones), dtype=np.int64)
            chosen = np.flatnonzero(np.isin(calendar.zone[at:to], codes))
            values, day = values[:, chosen], day[chosen]
            prices = None if prices is None else prices[:, chosen]
        if part.only:
            values = np.maximum(values if part.only == TAKEN else -values, 0)
        days = self.end - self.first
        if prices is None:
            self._days(f"{name}_micro", _sums(values, day, days))
            return
        worth, is_large = _worth(values, prices, day, days, part)
        self._days(f"{name}_micro", worth)
        if is_large.any():
            items = self.items["item_id"].filter(self._rows(pl.Series(is_large)))
            message = f"A day of {part.register} is worth too much by the prices {part.price}."
            self.made.refuse(items, "amount-too-large", message)

    def _days(self, column: str, sums: Ints) -> None:
        days = pl.Series(sums).cast(pl.List(pl.Int64))
        frame = pl.DataFrame(
            {
                "item_id": self.items["item_id"],
                "first_date": self.items["period_from"],
                "days_micro": self._rows(days),
            },
            schema=_DAYS,
        )
        self.made.usage.setdefault(column, []).append(frame)

    # --- demands

    def _parts(self, demand: Demand) -> Iterator[tuple[int, int]]:
        if demand.per != PER_MONTH:
            yield self.first, self.end
            return
        first = self.first
        while first < self.end:
            following = min(_ordinal(_shift(_day(first), 1)), self.end)
            yield first, following
            first = following

    def _attribute(self, name: str, first: int, end: int, values: pl.Series) -> None:
        size = len(values)
        frame = pl.DataFrame(
            {
                "item_id": self.items["item_id"],
                "valid_from": pl.Series([_day(first)], dtype=pl.Date).new_from_index(0, size),
                "valid_to": pl.Series([_day(end)], dtype=pl.Date).new_from_index(0, size),
                "value": values,
            },
            schema=_VALUES,
        )
        self.made.attributes.setdefault(f"{name}_micro", []).append(frame.drop_nulls("value"))

    def _ratchet(self, name: str, ratchet: Ratchet) -> None:
        demand = self.block.tariff.demands[ratchet.of]
        assert isinstance(demand, Demand)
        for first, end in self._parts(demand):
            months = [_shift(_day(first), -count) for count in range(1, ratchet.months + 1)]
            kept = [month for month in months if not ratchet.within or month.month in ratchet.within]
            columns = [self._month(demand, month) for month in kept]
            highest = _highest(columns, len(self.items))
            if self.history is not None or not kept:
                highest = highest.fill_null(0)
            self._attribute(name, first, end, highest)

    def _month(self, demand: Demand, month: date) -> pl.Series:
        """What is known of one month, null where nothing is: as recorded, else as measured."""
        first, end = _ordinal(month), _ordinal(_shift(month, 1))
        size = len(self.items)
        measured = pl.Series([None], dtype=pl.Int64).new_from_index(0, size)
        if self.block.knows(demand) and self.block.calendar.covers(first, end):
            measured = self._rows(highest_power(self.block, demand, first, end))
        if self.history is None:
            return measured
        recorded = self.history.filter((pl.col("demand") == demand.name) & (pl.col("month") == month))
        joined = self.items.select("point_id").join(
            recorded.select("point_id", "value_micro"), on="point_id", how="left", maintain_order="left"
        )
        return joined["value_micro"].zip_with(joined["value_micro"].is_not_null(), measured)


def _sums(values: Ints, day: Ints, days: int) -> Ints:
    """Sums by day of the columns of [points, intervals]; `day` is in order. Days without a column are zero."""
    sums = np.zeros((len(values), days), dtype=np.int64)
    if len(day):
        starts = np.flatnonzero(np.concatenate(([True], day[1:] != day[:-1])))
        sums[:, day[starts]] = np.add.reduceat(values, starts, axis=1)
    return sums


def _worth(
    values: Ints, prices: Ints, day: Ints, days: int, part: RegisterPart
) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Sums by day of use times price, in millionths of the currency, half up; and the rows that are too large, in which
    they stand as nought."""
    size, over = 2 * part.price_size.numerator, MICRO * part.price_size.denominator
    top = int(np.abs(values).max(initial=0)) * int(np.abs(prices).max(initial=0)) * max(1, values.shape[1])
    if top * size + over < 2**63:
        sums = _sums(values * prices, day, days) * size
        worth = (sums + over) // (2 * over)
        is_large = np.any(np.abs(sums) >= 2 * over * MAX_WORTH_MICRO, axis=1)
    else:
        # Beyond 64 bits whole numbers of any size; no published price and no meter comes near.
        products = values.astype(object) * prices.astype(object)
        exact = np.zeros((len(values), days), dtype=object)
        for place in np.unique(day).tolist():
            exact[:, place] = products[:, day == place].sum(axis=1) * size
        is_large = np.asarray([any(abs(one) >= 2 * over * MAX_WORTH_MICRO for one in row) for row in exact])
        exact[is_large] = 0
        worth = ((exact + over) // (2 * over)).astype(np.int64)
    large: npt.NDArray[np.bool_] = np.asarray(is_large, dtype=np.bool_)
    return np.where(large[:, np.newaxis], 0, worth), large


def _highest(columns: Sequence[pl.Series], size: int) -> pl.Series:
    if not columns:
        return pl.Series([None], dtype=pl.Int64).new_from_index(0, size)
    frame = pl.DataFrame({str(at): column for at, column in enumerate(columns)})
    return frame.select(pl.max_horizontal(pl.all())).to_series()


def _day(number: int) -> date:
    return date.fromordinal(number + _EPOCH)


def _ordinal(day: date) -> int:
    return day.toordinal() - _EPOCH


def _shift(day: date, months: int) -> date:
    """First day of the month some months away."""
    number = day.year * 12 + day.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)
