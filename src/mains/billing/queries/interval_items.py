"""Items whose tariff reads intervals: use by zone and day and demands, measured from the stored intervals."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.base.column_texts import text_of
from mains.engine.columns import TariffSet
from mains.engine.intervals import MeasuredColumns, measure_columns
from mains.engine.intervals.filled import (
    ROWS,
    YEAR_BEFORE,
    days_a_year_later,
    fill_intervals,
    midnights,
)
from mains.engine.intervals.values import ESTIMATE_WEEKS
from mains.engine.tariff.demands import USAGE
from mains.engine.tariff.model import Tariff
from mains.engine.tariff.schedule import price_register
from mains.metering.queries.intervals import read_interval_days
from mains.network.queries.conditions import read_conditions
from mains.tariffs.queries.hourly_prices import read_hourly_prices

_DAYS = ("item_id", "first_date", "days_micro")
_REFUSED = pl.Schema({"item_id": pl.Int64(), "code": pl.String(), "message": pl.String()})
_HISTORY = pl.Schema(
    {"point_id": pl.Int64(), "demand": pl.String(), "month": pl.Date(), "value_micro": pl.Int64()}
)
_DAY = ["service_point_id", "quantity", "day"]
_DEMAND = ["point_id", "demand", "month"]
_MINUTE_US = 60_000_000
_POINTS_AT_ONCE = 1_000
"""A month of quarter hours of so many points takes about 100 MB while it is filled."""


@dataclass(frozen=True, kw_only=True)
class MeasuredItems:
    """`usage` and `attributes` of items by column, as `cut_items` takes them; `item_ids` are all whose tariff reads
    intervals, `refused` (item_id, code, message) those of which they do not tell enough, `as_year_before` those of
    which days to come are taken for those of a year before."""

    item_ids: pl.Series
    usage: Mapping[str, pl.DataFrame]
    attributes: Mapping[str, pl.DataFrame]
    refused: pl.DataFrame
    as_year_before: pl.Series

    def among(
        self, usage: Mapping[str, pl.DataFrame], attributes: Mapping[str, pl.DataFrame]
    ) -> tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]]:
        """Use and attributes of all items, in which those read from intervals stand in the place of others."""
        if self.item_ids.is_empty():
            return dict(usage), dict(attributes)
        is_other = ~pl.col("item_id").is_in(self.item_ids.implode())
        days = {
            name: frame.filter(is_other if name.startswith(f"{USAGE}_") else True).select(_DAYS)
            for name, frame in usage.items()
        }
        for name, frame in self.usage.items():
            kept = days.get(name, frame.clear()).join(frame, on="item_id", how="anti")
            days[name] = pl.concat([kept, frame.select(_DAYS)])
        found = dict(attributes)
        for name, frame in self.attributes.items():
            kept = found.get(name, frame.clear()).join(frame, on="item_id", how="anti")
            found[name] = pl.concat([kept, frame.select(kept.columns)])
        return days, found


def measure_items(
    *,
    connection: Connection,
    tariffs: TariffSet,
    items: pl.DataFrame,
    as_of: datetime,
    coming_from: date | None = None,
) -> MeasuredItems:
    """Measure the items whose tariff reads intervals, as known at `as_of`; nothing is read where there are none.

    `items` as `make_items` gives them. Nobody without intervals is measured as nought: the item is refused. Days from
    `coming_from` on without intervals are taken for those of 52 weeks before, which fall on the same days of the week;
    None: no day is yet to come.
    """
    reading = {tariff.code: tariff for tariff in tariffs.tariffs if tariff.needs_intervals}
    own = items.filter(pl.col("tariff").cast(pl.String).is_in(list(reading))) if reading else items.clear()
    made = [MeasuredColumns({}, {}, _REFUSED.to_frame())]
    taken = [pl.Series("item_id", [], dtype=pl.Int64)]
    for start in range(0, own.height, _POINTS_AT_ONCE):
        for (code,), part in own[start : start + _POINTS_AT_ONCE].group_by("tariff", maintain_order=True):
            measurer = _Measurer(connection, tariffs, reading[str(code)], part, as_of, coming_from)
            made.append(measurer.measure())
            taken.append(measurer.as_year_before)
    return MeasuredItems(
        item_ids=own["item_id"],
        usage=_joined([each.usage for each in made]),
        attributes=_joined([each.attributes for each in made]),
        refused=pl.concat([each.refused.cast(_REFUSED) for each in made]),
        as_year_before=pl.concat(taken),
    )


def _joined(parts: list[Mapping[str, pl.DataFrame]]) -> dict[str, pl.DataFrame]:
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: pl.concat([part[name] for part in parts if name in part]) for name in names}


@dataclass(frozen=True)
class _Measurer:
    """Items of one tariff."""

    connection: Connection
    tariffs: TariffSet
    tariff: Tariff
    items: pl.DataFrame
    as_of: datetime
    coming_from: date | None = None

    def measure(self) -> MeasuredColumns:
        items = self.items.select("item_id", "service_point_id", "period_from", "period_to")
        rows = self._rows
        filled = _fill(items, rows, self.tariff)
        refused = self._refused(items, filled)
        prices = self._prices(items)
        whole, unpriced = self._with_prices(
            filled.filter(~pl.col("span_id").is_in(refused["item_id"].implode())), prices
        )
        refused = pl.concat([refused, unpriced])
        measured = self._measured(items, whole, history=self._history(items, rows, prices))
        usage = dict(measured.usage)
        if self.tariff.schedule_zones:
            zones = [f"{USAGE}_{zone}_micro" for zone in self.tariff.schedule_zones]
            usage[f"{USAGE}_micro"] = _total([usage[name] for name in zones if name in usage])
        return MeasuredColumns(
            usage, measured.attributes, pl.concat([refused, measured.refused.cast(_REFUSED)])
        )

    @cached_property
    def _rows(self) -> pl.DataFrame:
        """The rows that periods, estimates and ratchets look at: what is stored, and what is taken for days to come."""
        stored = self._stored
        return pl.concat([stored, self._coming]).select(
            *ROWS.names()[:1],
            "start_at",
            "step_minutes",
            "values_micro",
            point_id="service_point_id",
            register="quantity",
        )

    @cached_property
    def _stored(self) -> pl.DataFrame:
        first, last = self._days(self.items)
        return self._read(first - timedelta(weeks=ESTIMATE_WEEKS, days=1), last + timedelta(days=1))

    @cached_property
    def _coming(self) -> pl.DataFrame:
        """Days to come of which nothing is stored, as they were a year before."""
        _first, last = self._days(self.items)
        if self.coming_from is None or self.coming_from >= last:
            return self._stored.clear()
        past = self._read(self.coming_from - YEAR_BEFORE, last + timedelta(days=1) - YEAR_BEFORE)
        return days_a_year_later(past).join(self._stored, on=_DAY, how="anti")

    def _read(self, from_date: date, to_date: date) -> pl.DataFrame:
        found = read_interval_days(
            connection=self.connection,
            service_point_ids=self.items["service_point_id"].unique().sort(),
            from_date=from_date,
            to_date=to_date,
            as_of=self.as_of,
        )
        return found.filter(pl.col("quantity").is_in([USAGE, *self.tariff.quantities]))

    @property
    def as_year_before(self) -> pl.Series:
        """The items of which a day is taken for that of a year before."""
        days = self._coming.select("service_point_id", "day").unique()
        return (
            self.items.join(days, on="service_point_id")
            .filter(pl.col("day") >= pl.col("period_from"), pl.col("day") < pl.col("period_to"))["item_id"]
            .unique()
            .sort()
        )

    def _days(self, items: pl.DataFrame) -> tuple[date, date]:
        """The first day that is measured, ratchets included, and the end."""
        first, last = items["period_from"].min(), items["period_to"].max()
        assert isinstance(first, date), "There are items to measure."
        assert isinstance(last, date), "Each of them has an end."
        months_back = pl.Series([first]).dt.month_start().dt.offset_by(f"-{self.tariff.ratchet_months}mo")
        return min(first, months_back[0]), last

    def _measured(
        self, items: pl.DataFrame, series: pl.DataFrame, *, history: pl.DataFrame | None
    ) -> MeasuredColumns:
        """Items of which each has series of its own, under its own id."""
        told = items.filter(pl.col("item_id").is_in(series["span_id"].unique().implode()))
        return measure_columns(
            tariffs=self.tariffs,
            items=told.select(
                "item_id",
                "period_from",
                "period_to",
                point_id="item_id",
                tariff=pl.lit(self.tariff.code),
            ),
            intervals=series.select(
                "register", "start_at", "step_minutes", "values_micro", point_id="span_id"
            ),
            history=history,
        )

    def _prices(self, items: pl.DataFrame) -> pl.DataFrame:
        """Prices by the hour of all days that are measured: register, at (microseconds), step_us, price."""
        first, last = self._days(items)
        found = read_hourly_prices(
            connection=self.connection,
            series=self.tariff.price_series.keys(),
            from_date=first - timedelta(days=1),
            to_date=last + timedelta(days=1),
            as_of=self.as_of,
        )
        named = pl.DataFrame(
            [(name, unit, price_register(name)) for name, unit in self.tariff.price_series.items()],
            schema={"series": pl.String, "unit": pl.String, "register": pl.String},
            orient="row",
        )
        return (
            found.join(named, on=["series", "unit"])
            .with_columns(
                step_us=pl.col("step_minutes") * _MINUTE_US,
                place=pl.int_ranges(0, pl.col("values_micro").list.len()),
            )
            .explode("values_micro", "place", empty_as_null=False)
            .select(
                "register",
                "step_us",
                at=pl.col("start_at").to_physical() + pl.col("place") * pl.col("step_us"),
                price="values_micro",
            )
            .sort("at")
        )

    def _with_prices(self, series: pl.DataFrame, prices: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The series with those of the prices of their times, and the items whose prices are not all known."""
        names = list(self.tariff.price_series)
        own = series.filter(pl.col("register") == USAGE)
        if not names or own.is_empty():
            return series, _REFUSED.to_frame()
        times = (
            own.select(
                "span_id",
                "start_at",
                "step_minutes",
                place=pl.int_ranges(0, pl.col("values_micro").list.len()),
            )
            .explode("place", empty_as_null=False)
            .with_columns(
                at=pl.col("start_at").to_physical() + pl.col("place") * pl.col("step_minutes") * _MINUTE_US
            )
            .join(pl.DataFrame({"register": [price_register(name) for name in names]}), how="cross")
            .sort("at")
            .join_asof(
                prices.with_columns(since="at"),
                on="at",
                by="register",
                strategy="backward",
                check_sortedness=False,
            )
        )
        # An hour's price is that of its quarters; one of a part of an interval says nothing of the rest.
        end = pl.col("at") + pl.col("step_minutes") * _MINUTE_US
        holds = (pl.col("since") + pl.col("step_us") >= end).fill_null(value=False)
        times = times.with_columns(price=pl.when(holds).then("price"))
        unpriced = (
            times.filter(pl.col("price").is_null())
            .sort("span_id", "at")
            .group_by("span_id", maintain_order=True)
            .agg(pl.col("register").first(), first=pl.col("at").min(), count=pl.len())
            .select(
                item_id="span_id",
                code=pl.lit("prices-missing"),
                message=text_of(
                    "{} prices of the series {} are missing, the first is that of {}. Import them: mains tariff"
                    " import-prices.",
                    "count",
                    pl.col("register").str.strip_prefix(price_register("")),
                    pl.col("first")
                    .cast(pl.Datetime("us", "UTC"))
                    .dt.convert_time_zone(self.tariff.time_zone)
                    .dt.strftime("%Y-%m-%d %H:%M"),
                ),
            )
            .cast(_REFUSED)
        )
        made = (
            times.sort("span_id", "register", "place")
            .group_by("span_id", "register", maintain_order=True)
            .agg(pl.col("start_at", "step_minutes").first(), values_micro="price")
        )
        columns = ["span_id", "register", "start_at", "step_minutes", "values_micro"]
        both = pl.concat([series.select(columns), made.select(columns)])
        return both.filter(~pl.col("span_id").is_in(unpriced["item_id"].implode())), unpriced

    def _history(self, items: pl.DataFrame, rows: pl.DataFrame, prices: pl.DataFrame) -> pl.DataFrame:
        """Demands of the months before, of which all intervals are known; what nobody measured counts for nothing."""
        months = self.tariff.ratchet_months
        if not months:
            return _HISTORY.to_frame()
        back = pl.int_ranges(1, months + 1)
        before = (
            items.select("service_point_id", asked_id="item_id", first=pl.col("period_from").dt.month_start())
            .with_columns(back=back)
            .explode("back", empty_as_null=False)
            .with_columns(
                period_from=pl.col("first").dt.offset_by(pl.concat_str(pl.lit("-"), "back", pl.lit("mo")))
            )
            .with_columns(period_to=pl.col("period_from").dt.offset_by("1mo"))
            .with_row_index("item_id")
            .with_columns(pl.col("item_id").cast(pl.Int64))
        )
        filled = _fill(before, rows, self.tariff)
        whole = filled.filter(~_is_faulty().any().over("span_id"))
        whole, _unpriced = self._with_prices(whole, prices)
        measured = self._measured(before, whole, history=None)
        found = [
            frame.select("item_id", "value", demand=pl.lit(name.removesuffix("_micro")))
            for name, frame in measured.attributes.items()
        ]
        known = _HISTORY.to_frame()
        if found:
            known = (
                pl.concat(found)
                .join(before, on="item_id")
                .select("demand", point_id="asked_id", month="period_from", value_micro="value")
                .select(pl.col(name).cast(kind) for name, kind in _HISTORY.items())
            )
        stated = self._stated(before).join(known, on=_DEMAND, how="anti")
        return pl.concat([known, stated])

    def _stated(self, months: pl.DataFrame) -> pl.DataFrame:
        """Demands of the months before that somebody stated: conditions of supply under a demand's name."""
        first, end = months["period_from"].min(), months["period_to"].max()
        assert isinstance(first, date), "A ratchet looks back over some month."
        assert isinstance(end, date), "A month has an end."
        stated = read_conditions(
            connection=self.connection,
            service_point_ids=months["service_point_id"].unique().sort(),
            names=sorted(self.tariff.demands),
            from_date=first,
            to_date=end,
            as_of=self.as_of,
        ).filter(pl.col("value_micro").is_not_null())
        return (
            months.join(stated, on="service_point_id")
            .filter(
                pl.col("valid_from") <= pl.col("period_from"),
                pl.col("valid_to").is_null() | (pl.col("valid_to") > pl.col("period_from")),
            )
            .select("value_micro", demand="name", point_id="asked_id", month="period_from")
            .select(pl.col(name).cast(kind) for name, kind in _HISTORY.items())
        )

    def _refused(self, items: pl.DataFrame, filled: pl.DataFrame) -> pl.DataFrame:
        """Items without intervals of use, and those with holes that nothing fills."""
        silent = items.filter(
            ~pl.col("item_id").is_in(filled.filter(pl.col("register") == USAGE)["span_id"].unique().implode())
        ).select(
            "item_id",
            code=pl.lit("intervals-missing"),
            message=text_of(
                "The tariff {} reads intervals, and service point {} has none from {} to {} (excluded)."
                " Import them: mains reading import-intervals; or agree on another tariff.",
                pl.lit(self.tariff.code),
                "service_point_id",
                "period_from",
                "period_to",
            ),
        )
        clock = self.tariff.time_zone
        faulty = (
            filled.filter(_is_faulty())
            .join(items, left_on="span_id", right_on="item_id")
            .select(
                item_id="span_id",
                code=pl.when(pl.col("steps") > 1)
                .then(pl.lit("intervals-differ"))
                .otherwise(pl.lit("intervals-missing")),
                message=pl.when(pl.col("steps") > 1)
                .then(
                    text_of(
                        "The intervals of {} of service point {} have several lengths from {} to {} (excluded)."
                        " Import all of the month, and of the four weeks before it, in one length.",
                        "register",
                        "service_point_id",
                        "period_from",
                        "period_to",
                    )
                )
                .otherwise(
                    text_of(
                        "{} of {} intervals of {} of service point {} are missing, the first is {}, and no week of the"
                        " four before tells of them. Import them: mains reading import-intervals.",
                        "missing",
                        pl.col("values_micro").list.len(),
                        "register",
                        "service_point_id",
                        pl.col("first_missing_at").dt.convert_time_zone(clock).dt.strftime("%Y-%m-%d %H:%M"),
                    )
                ),
            )
            .unique("item_id", keep="first", maintain_order=True)
        )
        faulty = faulty.filter(~pl.col("item_id").is_in(silent["item_id"].implode()))
        return pl.concat([silent.cast(_REFUSED), faulty.cast(_REFUSED)])


def _is_faulty() -> pl.Expr:
    return (pl.col("steps") > 1) | (pl.col("missing") > 0)


def _fill(items: pl.DataFrame, rows: pl.DataFrame, tariff: Tariff) -> pl.DataFrame:
    """Series of the items' periods, days by the tariff's clock; `span_id` is the item's."""
    spans = items.select(
        span_id="item_id",
        point_id="service_point_id",
        start_at=midnights(pl.col("period_from"), tariff.time_zone),
        end_at=midnights(pl.col("period_to"), tariff.time_zone),
    )
    return fill_intervals(spans=spans, rows=rows.select(ROWS.names()))


def _total(zones: list[pl.DataFrame]) -> pl.DataFrame:
    """The sum over the zones, day by day."""
    if not zones:
        return pl.DataFrame(
            schema={"item_id": pl.Int64, "first_date": pl.Date, "days_micro": pl.List(pl.Int64)}
        )
    days = [
        zone.explode("days_micro", empty_as_null=False).with_columns(
            place=pl.int_range(pl.len()).over("item_id")
        )
        for zone in zones
    ]
    return (
        pl.concat(days)
        .group_by("item_id", "first_date", "place", maintain_order=True)
        .agg(pl.col("days_micro").sum())
        .sort("item_id", "place")
        .group_by("item_id", "first_date", maintain_order=True)
        .agg("days_micro")
        .select(_DAYS)
    )
