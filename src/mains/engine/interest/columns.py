"""Interest of many accounts at once: sums of money × the interest of one unit from due date to end, once per pair."""

from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from math import lcm

import polars as pl

from mains.engine.columns import rational
from mains.engine.columns.rational import Rational, TooLarge
from mains.engine.exact import UnableToRate
from mains.engine.facts import MICRO
from mains.engine.interest.exact import interest_exact
from mains.engine.interest.model import DAYS_OF_A_MONTH, InterestRule, OpenItem, Payment

_LINE = {"item_id": pl.Int64, "step": pl.Int16, "days": pl.Int32, "amount_minor": pl.Int64}
_Lines = list[tuple[int, int, int, int]]
"""`step` is the number of the rule's step from 0, or −1 where a line holds them all."""


def interest_columns(
    *, rule: InterestRule, items: pl.DataFrame, payments: pl.DataFrame, until: date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Lines and refused items, as of the end of `until`.

    `items`: item_id (unique), amount_minor, due_date. `payments`: item_id, paid_date, amount_minor. Lines: item_id,
    step (−1 for all), days, amount_minor, by item. Refused: item_id, code, message, where no rate is in force.
    """
    if not (payments["amount_minor"] > 0).all():
        raise ValueError("A payment is above zero; a reversal is taken out of the payments.")
    if rule.compound != "never":
        # A base that grows by its own rounded interest has no closed form; such rules are rare.
        return _one_by_one(rule, items, payments, until)
    sums = _sums(rule, items, payments, until)
    pairs = sums.select("due_date", "end", "rate_day").unique()
    counted = _Counter(rule).count_pairs(pairs)
    joined = sums.join(counted, on=["due_date", "end", "rate_day"], how="left", maintain_order="left")
    refused = (
        joined.filter(pl.col("refused"))
        .select(
            "item_id", code=pl.lit("no-rate"), message=pl.lit(f"The rule {rule.code} has no rate on a day.")
        )
        .unique("item_id", maintain_order=True)
    )
    good = joined.join(refused, on="item_id", how="anti", maintain_order="left").filter(
        pl.col("all_days") > 0
    )
    try:
        lines = _lines(rule, good, items)
    except TooLarge:
        kept = items.join(refused, on="item_id", how="anti", maintain_order="left")
        lines, _ = _one_by_one(rule, kept, payments, until)
    return lines, refused


def _sums(rule: InterestRule, items: pl.DataFrame, payments: pl.DataFrame, until: date) -> pl.DataFrame:
    """item_id, money, due_date, end (last day overdue), rate_day: what each payment took off its item, and the rest."""
    known = payments.filter(pl.col("paid_date") <= until).sort("item_id", "paid_date", maintain_order=True)
    taken = known.join(items, on="item_id", how="inner", suffix="_item", maintain_order="left").with_columns(
        upto=pl.min_horizontal(pl.col("amount_minor").cum_sum().over("item_id"), "amount_minor_item")
    )
    before = pl.col("upto").shift(1).over("item_id").fill_null(0)
    taken = taken.with_columns(
        money=pl.col("upto") - before, closes=pl.col("upto") == pl.col("amount_minor_item")
    )
    taken = taken.filter(pl.col("money") > 0)
    paid_last = (
        pl.col("paid_date") if rule.payment_day == "counts" else pl.col("paid_date").dt.offset_by("-1d")
    )
    if rule.base == "original":
        taken = taken.filter(pl.col("closes")).with_columns(money=pl.col("amount_minor_item"))
    parts = taken.select(
        "item_id", "money", "due_date", end=paid_last, rate_day=pl.col("paid_date"), part=pl.lit(0)
    )
    total = taken.group_by("item_id").agg(taken=pl.col("money").sum())
    rest = items.join(total, on="item_id", how="left", maintain_order="left").with_columns(
        money=pl.col("amount_minor") - pl.col("taken").fill_null(0)
    )
    rest = rest.filter(pl.col("money") > 0).select(
        "item_id", "money", "due_date", end=pl.lit(until), rate_day=pl.lit(until), part=pl.lit(1)
    )
    found = pl.concat([parts, rest]).sort("item_id", "part", maintain_order=True)
    return found if rule.rate_on == "payment" else found.with_columns(rate_day=pl.lit(date.min))


class _Counter:
    """The interest of one unit of money over a stretch of days, by the edges at which a day's terms change."""

    def __init__(self, rule: InterestRule) -> None:
        self._rule = rule

    def count_pairs(self, pairs: pl.DataFrame) -> pl.DataFrame:
        """Each (due_date, end, rate_day) with `value` per step as fractions over one denominator, and days."""
        rows = []
        for due, end, rate_day in pairs.iter_rows():
            by_step = [Fraction(0)] * len(self._rule.steps)
            days = [0] * len(self._rule.steps)
            refused = False
            for step, first, after, rate, units in self._stretches(due, end, rate_day):
                days[step] += (after - first).days
                factor = self._rule.steps[step].factor
                if rate is None:
                    refused = refused or bool(factor)
                else:
                    by_step[step] += rate * factor * units
            rows.append((due, end, rate_day, by_step, days, refused))
        common = lcm(*(value.denominator for row in rows for value in row[3]), 1)
        data: dict[str, pl.Series] = {
            "due_date": pl.Series([row[0] for row in rows], dtype=pl.Date),
            "end": pl.Series([row[1] for row in rows], dtype=pl.Date),
            "rate_day": pl.Series([row[2] for row in rows], dtype=pl.Date),
            "all_days": pl.Series([sum(row[4]) for row in rows], dtype=pl.Int32),
            "refused": pl.Series([row[5] for row in rows], dtype=pl.Boolean),
            "scale": pl.Series([str(common)] * len(rows), dtype=pl.String),
        }
        for at in range(len(self._rule.steps)):
            over = [row[3][at].numerator * (common // row[3][at].denominator) for row in rows]
            if max(over, default=0) >= 2**126:
                raise TooLarge
            data[f"value_{at}"] = pl.Series(over, dtype=pl.Int128)
            data[f"days_{at}"] = pl.Series([row[4][at] for row in rows], dtype=pl.Int32)
        return pl.DataFrame(data)

    def _stretches(
        self, due: date, end: date, rate_day: date
    ) -> Iterator[tuple[int, date, date, Fraction | None, Fraction]]:
        """(step, first day, day after, rate, units of time) of each stretch with the same terms; free days have a
        rate of nought.
        """
        first, after = due + timedelta(days=1), end + timedelta(days=1)
        for start, stop in pairwise(sorted(self._edges(due, first, after))):
            overdue = (start - due).days
            step = next(
                at for at, each in enumerate(self._rule.steps) if each.upto is None or overdue <= each.upto
            )
            dated = self._rule.find_rate(rate_day if self._rule.rate_on == "payment" else start)
            rate = None if dated is None else dated.rate
            if any(pause.from_date <= start < pause.to_date for pause in self._rule.moratoria):
                rate = Fraction(0)
            yield step, start, stop, rate, self._units(due, start, stop)

    def _edges(self, due: date, first: date, after: date) -> set[date]:
        edges = {first, after}
        edges |= {due + timedelta(days=step.upto + 1) for step in self._rule.steps if step.upto is not None}
        if self._rule.rate_on == "day":
            edges |= {rate.valid_from for rate in self._rule.rates}
        edges |= {day for pause in self._rule.moratoria for day in (pause.from_date, pause.to_date)}
        return {edge for edge in edges if first <= edge <= after} if after > first else set()

    def _units(self, due: date, start: date, stop: date) -> Fraction:
        """Days; or whole months from the due date that lie in the stretch, and a thirtieth for each other day."""
        days = (stop - start).days
        if self._rule.count == "days":
            return Fraction(days)
        whole, covered = 0, 0
        for month in range((start - due).days // 31, (stop - due).days // 28 + 1):
            first, last = _same_day(due, month), _same_day(due, month + 1)
            if start <= first + timedelta(days=1) and last < stop:
                whole, covered = whole + 1, covered + (last - first).days
        return whole + Fraction(days - covered, DAYS_OF_A_MONTH)


def _same_day(day: date, months: int) -> date:
    """The day of the month that many months later, or its last day."""
    place = day.year * 12 + day.month - 1 + months
    for back in range(4):
        try:
            return date(place // 12, place % 12 + 1, day.day - back)
        except ValueError:
            continue
    raise AssertionError("no month is shorter than 28 days")


def _lines(rule: InterestRule, good: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """Money × interest of one unit, summed over the item's parts and rounded once per item or step."""
    if not len(good):
        return pl.DataFrame(schema=_LINE)
    steps = [at for at, step in enumerate(rule.steps) if step.factor] if rule.each == "step" else [-1]
    scale = int(good["scale"][0])
    found = []
    for step in steps:
        numbers = [step] if step >= 0 else list(range(len(rule.steps)))
        value = sum((good[f"value_{at}"] for at in numbers), pl.Series([0], dtype=pl.Int128))
        days = "all_days" if step < 0 else f"days_{step}"
        top_value, top_money = _top(value), _top(good["money"])
        parts_most = max(good.group_by("item_id").len()["len"].to_list(), default=1)
        top = top_value * top_money * parts_most
        if top >= 2**127:
            raise TooLarge
        summed = (
            good.with_columns(over=value * good["money"].cast(pl.Int128))
            .filter(pl.col(days) > 0)
            .group_by("item_id", maintain_order=True)
            .agg(pl.col("over").sum(), days=pl.col(days).max().cast(pl.Int32))
        )
        if not len(summed):
            continue
        # The most days of any part are the days of the item: all parts begin on the day after the due date.
        unrounded = Rational(summed["over"], scale * rule.posting_scale, top)
        unrounded = _capped(rule, unrounded, summed, items)
        rounded = rational.round_to(unrounded, step=rule.rounding.step, mode=rule.rounding.mode)
        found.append(
            summed.select(
                "item_id",
                "days",
                step=pl.lit(step, dtype=pl.Int16),
                amount_minor=rational.to_int64(rounded, per_unit=rule.posting_scale),
            )
        )
    if not found:
        return pl.DataFrame(schema=_LINE)
    return pl.concat(found).select(list(_LINE)).sort("item_id", "step", maintain_order=True)


def _top(series: pl.Series) -> int:
    low, high = series.min(), series.max()
    assert isinstance(low, int)
    assert isinstance(high, int)
    return max(abs(low), abs(high))


def _capped(rule: InterestRule, value: Rational, summed: pl.DataFrame, items: pl.DataFrame) -> Rational:
    if rule.cap is None:
        return value
    amounts = summed.join(items, on="item_id", how="left", maintain_order="left")["amount_minor"]
    whole = rational.column(amounts, scale=rule.posting_scale)
    return rational.extreme("min", value, rational.multiply(whole, rational.constant(rule.cap)))


def _one_by_one(
    rule: InterestRule, items: pl.DataFrame, payments: pl.DataFrame, until: date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """By the exact implementation: for compound rules, and numbers beyond 128 bits."""
    received: dict[int, list[Payment]] = {}
    for item_id, paid, amount in payments.select("item_id", "paid_date", "amount_minor").iter_rows():
        received.setdefault(item_id, []).append(Payment(paid, amount))
    lines: _Lines = []
    refused: list[tuple[int, str, str]] = []
    names = {step.name: at for at, step in enumerate(rule.steps)} if rule.each == "step" else {}
    for item_id, amount, due in items.select("item_id", "amount_minor", "due_date").iter_rows():
        item = OpenItem(str(item_id), amount, due, tuple(received.get(item_id, ())))
        try:
            protocol = interest_exact(rule=rule, items=(item,), until=until)
        except UnableToRate as error:
            refused.append((item_id, error.code, f"The rule {rule.code} has no rate on a day."))
            continue
        lines.extend(
            (
                item_id,
                names.get(line.component, -1),
                (line.quantity_micro or 0) // MICRO,
                line.amount_minor or 0,
            )
            for line in protocol.lines
        )
    schema = {"item_id": pl.Int64, "code": pl.String, "message": pl.String}
    return pl.DataFrame(lines, schema=_LINE, orient="row"), pl.DataFrame(refused, schema=schema, orient="row")
