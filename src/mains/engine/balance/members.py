"""Who is below a node on which days, what they used, and what each is given of the node's amount."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from mains.engine.balance.months import Flags, Ints, Months
from mains.engine.balance.reach import Reach
from mains.engine.balance.values import AllocationKey

UNMETERED = "NX"
"""Letters of a day on which a connected service point has no meter: its use is the norm's."""
_POINT = ["month", "service_point_id"]
_INT64_MAX = 2**63 - 1


@dataclass(frozen=True)
class Figures:
    """Service points by month, with their days: use, days of the norm, residents, those absent, floor area."""

    use: Ints
    is_norm: Flags
    residents: Ints
    absent: Ints
    area: Ints
    months: Months
    places: pl.DataFrame

    @staticmethod
    def read(months: Months, *, places: pl.DataFrame, use: pl.DataFrame, states: pl.DataFrame) -> "Figures":
        """`places`: month, month_to, service_point_id and place, the number of the row here."""
        shape = (places.height, months.width)
        used = use.join(places, on=_POINT)
        at, own = used["place"].to_numpy(), months.within(used)
        use_days = _placed(months, used, shape)
        is_norm = np.zeros(shape, dtype=np.bool_)
        is_norm[at] = own.letters(used["quality"], UNMETERED)
        told = states.join(places, on="service_point_id").filter(
            pl.col("valid_from") < pl.col("month_to"),
            pl.col("valid_to").is_null() | (pl.col("valid_to") > pl.col("month")),
        )
        held = months.within(told).mask(told, "valid_from", "valid_to")

        def figure(name: str) -> Ints:
            target = np.zeros(shape, dtype=np.int64)
            np.add.at(
                target, told["place"].to_numpy(), held * told[name].to_numpy().astype(np.int64)[:, None]
            )
            return target

        return Figures(
            use=use_days,
            is_norm=is_norm,
            residents=figure("residents"),
            absent=figure("absent"),
            area=figure("floor_area_m2_micro"),
            months=months,
            places=places,
        )

    def of_points(self, days: pl.DataFrame) -> Ints:
        """`days` (month, service_point_id, days_micro) in the places of the points; nothing for points without a
        row."""
        return _placed(self.months, days.join(self.places, on=_POINT), self.use.shape)


def _placed(months: Months, rows: pl.DataFrame, shape: tuple[int, ...]) -> Ints:
    found = np.zeros(shape, dtype=np.int64)
    found[rows["place"].to_numpy()] = months.within(rows).matrix(rows["days_micro"])
    return found


@dataclass(frozen=True)
class Members:
    """A service point below a node over some days of a month; ordered by balance, service point and day.

    `balance` is the number of the node's month among `balance_count`, `point` the place of the service point's month in
    the figures.
    """

    months: Months
    frame: pl.DataFrame
    balance: Ints
    point: Ints
    is_direct: Flags
    active: Flags
    balance_count: int

    @staticmethod
    def read(
        months: Months, *, nodes: pl.DataFrame, reach: Reach, points: pl.DataFrame
    ) -> tuple["Members", pl.DataFrame]:
        """The members of `nodes` (in order, with month and month_to), and their places as `Figures.read` takes them."""
        order = nodes.select("node_id", "month", "month_to", "key").with_row_index("balance")
        connected_to = pl.col("connected_to").fill_null(pl.col("to_date"))
        frame = (
            reach.members.join(order, on="node_id")
            # Whoever neither counts as an outflow nor gets a share plays no part.
            .filter(
                pl.col("is_direct") | (pl.col("key") != AllocationKey.NONE.value),
                pl.col("from_date") < pl.col("month_to"),
                pl.col("to_date") > pl.col("month"),
            )
            .join(points, left_on="at_node_id", right_on="node_id")
            .with_columns(
                from_date=pl.max_horizontal("from_date", "connected_from", "month"),
                to_date=pl.min_horizontal("to_date", connected_to, "month_to"),
            )
            .filter(pl.col("from_date") < pl.col("to_date"))
        )
        places = frame.select(*_POINT, "month_to").unique().with_row_index("place")
        frame = frame.join(places.select(*_POINT, "place"), on=_POINT).sort(
            "balance", "service_point_id", "from_date"
        )
        members = Members(
            months=months,
            frame=frame,
            balance=frame["balance"].to_numpy().astype(np.int64),
            point=frame["place"].to_numpy().astype(np.int64),
            is_direct=frame["is_direct"].to_numpy().astype(np.bool_),
            active=months.within(frame).mask(frame, "from_date", "to_date"),
            balance_count=nodes.height,
        )
        return members, places

    @property
    def all_rows(self) -> Flags:
        return np.ones(len(self.balance), dtype=np.bool_)

    def use(self, nodes: pl.DataFrame, figures: Figures) -> Ints:
        """What the rows used on their days: measured or forecast, or the norm where there is no meter."""
        norm = nodes["norm_person_micro"].fill_null(0).to_numpy()[self.balance][:, None]
        people = np.maximum(figures.residents[self.point], 1) - figures.absent[self.point]
        day, days = self.months.day, self.months.length[self.balance][:, None]
        monthly = norm * people
        share = monthly * (day + 1) // days - monthly * day // days
        taken = figures.use[self.point] + np.where(figures.is_norm[self.point], share, 0)
        return np.where(self.active, taken, 0)

    def fed_in(self, of_points: Ints) -> Ints:
        """What the rows whose use is an outflow of the node fed in on their days, of what their points did."""
        return np.where(self.is_direct[:, None] & self.active, of_points[self.point], 0)

    def weights(self, nodes: pl.DataFrame, figures: Figures, taken: Ints, is_measured: Flags) -> Ints:
        """Weight of each row on each measured day; where all are nought, every row counts alike."""
        key = nodes["key"].to_numpy()[self.balance][:, None]
        used = np.maximum(self._month_use(taken), 0)[:, None] + np.zeros_like(taken)
        weight = np.select(
            [
                key == AllocationKey.AREA.value,
                key == AllocationKey.RESIDENTS.value,
                key == AllocationKey.USE.value,
            ],
            [figures.area[self.point], figures.residents[self.point], used],
            1,
        )
        takes_part = self.active & is_measured[self.balance] & (key != AllocationKey.NONE.value)
        weight = np.where(takes_part, weight, 0)
        is_nought = self.sum_by_balance(weight) == 0
        return np.where(is_nought[self.balance] & takes_part, 1, weight)

    def _month_use(self, taken: Ints) -> Ints:
        """What each row's service point used below the node in all its stretches."""
        if not taken.size:
            return np.zeros(0, dtype=np.int64)
        begins = self._begins_point()
        sums = np.add.reduceat(taken.sum(axis=1), np.flatnonzero(begins))
        found: Ints = sums[np.cumsum(begins) - 1]
        return found

    def share(self, daily: Ints, weights: Ints) -> Ints:
        """Each row's part of its node's amount of the day.

        Over a run of days in which no weight changes, the row has floor(amount so far × weight up to and with it / all
        weights) less the same without it, so that both the rows of a day and the days of a row sum exactly.
        """
        if not weights.size:
            return weights
        total = np.maximum(self.sum_by_balance(weights)[self.balance], 1)
        starts = np.searchsorted(self.balance, np.arange(self.balance_count))
        running = np.concatenate(
            [np.zeros((1, weights.shape[1]), dtype=np.int64), np.cumsum(weights, axis=0)]
        )
        upto = running[1:] - running[starts][self.balance]
        begins = self._run_begins(weights)
        so_far = _sum_so_far(daily, begins)[self.balance]
        given = floor_part(so_far, upto, total) - floor_part(so_far, upto - weights, total)
        before = np.concatenate([np.zeros((len(given), 1), dtype=np.int64), given[:, :-1]], axis=1)
        return given - np.where(begins[self.balance], 0, before)

    def _run_begins(self, weights: Ints) -> Flags:
        """Balances × days: whether the weight of any of the node's service points differs from the day before."""
        # A service point whose stretch ends where its next one begins weighs what it did.
        starts = np.flatnonzero(self._begins_point())
        of_point = np.add.reduceat(weights, starts, axis=0)
        differs = np.ones_like(of_point)
        differs[:, 1:] = of_point[:, 1:] != of_point[:, :-1]
        begins = np.zeros((self.balance_count, self.months.width), dtype=np.bool_)
        np.logical_or.at(begins, self.balance[starts], differs.astype(np.bool_))
        return begins

    def _begins_point(self) -> Flags:
        """Whether a row is the first of its service point in its balance."""
        begins: Flags = np.r_[
            True, (self.balance[1:] != self.balance[:-1]) | (self.point[1:] != self.point[:-1])
        ]
        return begins

    def sum_by_balance(self, values: Ints) -> Ints:
        sums = np.zeros((self.balance_count, self.months.width), dtype=np.int64)
        if values.size:
            starts = np.flatnonzero(np.r_[True, self.balance[1:] != self.balance[:-1]])
            sums[self.balance[starts]] = np.add.reduceat(values, starts, axis=0)
        return sums

    def count_direct(self, chosen: Flags) -> pl.Series:
        """How many service points with a direct row among the chosen each balance has."""
        direct = pl.DataFrame({"balance": self.balance, "point": self.point}).filter(
            pl.Series(self.is_direct & chosen, dtype=pl.Boolean)
        )
        counted = np.bincount(direct.unique()["balance"].to_numpy(), minlength=self.balance_count)
        return pl.Series(counted.astype(np.int32))

    def gather_shares(self, shares: Ints) -> pl.DataFrame:
        """Shares by balance and service point; the stretches of one point in one balance together."""
        keyed = self.frame.select("month", "node_id", "service_point_id", "key").with_row_index("row")
        keyed = keyed.filter(pl.col("key") != AllocationKey.NONE.value)
        days = shares[keyed["row"].to_numpy()]
        key = keyed.select("month", "node_id", "service_point_id")
        starts = np.flatnonzero(key.select(pl.struct(pl.all()).is_first_distinct()).to_series().to_numpy())
        summed = np.add.reduceat(days, starts, axis=0) if len(starts) else days
        key = key[starts]
        return key.with_columns(
            days_micro=self.months.within(key).lists(summed),
            total_micro=pl.Series(summed.sum(axis=1), dtype=pl.Int64),
        )


def _sum_so_far(daily: Ints, begins: Flags) -> Ints:
    """Running sums of each row of days, begun anew where `begins` says so."""
    whole = np.cumsum(daily, axis=1)
    day = np.arange(daily.shape[1])[None, :]
    first = np.maximum.accumulate(np.where(begins, day, 0), axis=1)
    at_first = np.take_along_axis(whole - daily, first, axis=1)
    so_far: Ints = whole - at_first
    return so_far


def floor_part(amount: Ints, part: Ints, total: Ints) -> Ints:
    """floor(amount × part / total), element by element; in 128 bits where any product might need them."""
    if _size(amount) * _size(part) <= _INT64_MAX:
        small: Ints = np.floor_divide(amount * part, total)
        return small
    names = {"amount": amount, "part": part, "total": total}
    wide = pl.DataFrame({name: pl.Series(values.ravel()) for name, values in names.items()}).cast(pl.Int128)
    quotient = (pl.col("amount") * pl.col("part")) // pl.col("total")
    return wide.select(quotient.cast(pl.Int64, strict=True)).to_series().to_numpy().reshape(amount.shape)


def _size(values: Ints) -> int:
    """The largest magnitude, as an integer without limit."""
    return max(abs(int(values.min())), abs(int(values.max()))) if values.size else 0
