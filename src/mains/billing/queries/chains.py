"""What items open with and what they leave, where their tariff carries balances from bill to bill (decision 0021).

Such items are rated by ascending month and, within one, in the order of their first days: what one leaves is what the
next opens with. Many months of few items are rated at once instead, with guessed openings that the result must prove
(decision 0026).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.base.column_texts import text_of
from mains.billing.queries.carried import LEFT, read_kept, read_openings
from mains.billing.queries.chain_guesses import OPENING, guess_openings
from mains.billing.queries.run_tariffs import RunTariffs
from mains.billing.values import ExceptionCode, RunPlan
from mains.engine.columns import Rated, rate_columns
from mains.kernel.period import next_month

_PAIR = ["service_point_id", "service_month"]
_SUPPLY = ["account_id", "service_point_id"]
_KEY = ["service_month", "account_id", "agreement_id", "balance"]
_SAME_BALANCE = [*_SUPPLY, "balance", "unit"]
_INT64_MAX = 2**63 - 1
_STEPS_MIN = 4
_ITEMS_OF_STEP = 10
"""Rating a step takes as long as guessing what about ten items leave."""
_NO_OPENINGS = pl.DataFrame(schema={"item_id": pl.Int64, "balance": pl.String, "value_micro": pl.Int64})
_REFUSED = {"item_id": pl.Int64, "code": pl.String, "message": pl.String}


@dataclass(frozen=True, kw_only=True)
class Known:
    """What was known before the items are rated.

    `kept`: LEFT and revision, the last one of each, of the accounts' months before and during the items'. `openings`:
    month, account_id, service_point_id, balance, unit, value_micro of the opening balances believed. `agreements`: the
    rows believed: account_id, service_point_id, tariff_id, valid_from, valid_to.
    """

    kept: pl.DataFrame
    openings: pl.DataFrame
    agreements: pl.DataFrame


@dataclass(kw_only=True)
class BalanceChain:
    """Rates items in order and remembers what they leave.

    `rated_pairs` (service_point_id, service_month) are all that are rated: what was kept of them says nothing any more.
    Items are handed over by ascending month, all of a month at once. `balances_before` are those by which the month
    before the first was billed, if these are others than the tariffs'.
    """

    tariffs: RunTariffs
    known: Known
    rated_pairs: pl.DataFrame
    balances_before: pl.DataFrame | None = None
    _left: list[pl.DataFrame] = field(default_factory=list)
    _opened: list[pl.DataFrame] = field(default_factory=list)
    _still_kept: pl.DataFrame = field(init=False)

    def __post_init__(self) -> None:
        pairs = self.rated_pairs.select(_PAIR)
        self._still_kept = self.known.kept.join(pairs, on=_PAIR, how="anti")

    def rate(self, *, items: pl.DataFrame, segments: pl.DataFrame) -> Rated:
        """Rate items, whose segments know nothing of balances. An item of which nobody knows what it opens with is
        refused."""
        steps = list(_in_order(items))
        parts = self._rate_at_once(items, steps, segments) or [self._rate(some, segments) for some in steps]
        parts = parts or [
            rate_columns(tariffs=self.tariffs.compiled, segments=_with_openings(segments, _NO_OPENINGS))
        ]
        return Rated(
            pl.concat([part.lines for part in parts]).sort("item_id", maintain_order=True),
            pl.concat([part.refused for part in parts]).sort("item_id"),
        )

    @property
    def left(self) -> pl.DataFrame:
        """What the items rated so far leave: LEFT."""
        return pl.concat([pl.DataFrame(schema=LEFT), *self._left])

    def changes(self, *, blocked: pl.Series) -> pl.DataFrame:
        """What must be written, LEFT and revision: figures that are new or differ from what was kept, and an empty
        value for what was kept of items that are there no more. Nothing of the accounts that are blocked."""
        left = self.left.filter(~pl.col("account_id").is_in(blocked.implode()))
        pairs = self.rated_pairs.select(_PAIR)
        kept = self.known.kept.join(pairs, on=_PAIR, how="semi").filter(
            ~pl.col("account_id").is_in(blocked.implode())
        )
        gone = kept.filter(pl.col("value_micro").is_not_null()).join(left, on=_KEY, how="anti")
        now = pl.concat([left, gone.select(*LEFT).with_columns(value_micro=pl.lit(None, pl.Int64))])
        both = now.join(kept, on=_KEY, how="left", suffix="_kept", maintain_order="left")
        compared = [name for name in LEFT if name not in _KEY]
        is_same = pl.all_horizontal(
            pl.col("revision").is_not_null(),
            *(pl.col(name).eq_missing(pl.col(f"{name}_kept")) for name in compared),
        )
        return (
            both.filter(~is_same)
            .select(*LEFT, revision=(pl.col("revision").fill_null(-1) + 1).cast(pl.Int16))
            .sort(_KEY)
        )

    def unclaimed(self, *, month: date) -> pl.DataFrame:
        """What ended in the month or just before it and no item went on with: LEFT, for a person to decide on."""
        known = pl.concat([self.left, self._still_kept.select(*LEFT)])
        ended = known.filter(
            pl.col("value_micro") != 0, pl.col("to_date") >= month, pl.col("to_date") < next_month(month)
        )
        opened = pl.concat([ended.select(*_SAME_BALANCE, "to_date").clear(), *self._opened])
        return ended.join(opened, on=[*_SAME_BALANCE, "to_date"], how="anti").sort(_KEY)

    def _rate_at_once(
        self, items: pl.DataFrame, steps: Sequence[pl.DataFrame], segments: pl.DataFrame
    ) -> list[Rated]:
        """All items rated in one go with what they will probably open with, if what they then leave proves every one of
        these openings; else nothing, and nothing is remembered. Each opening depends on earlier items alone, so there
        is but one set of openings that proves itself: the one that rating step by step finds."""
        if (
            len(steps) < _STEPS_MIN
            or len(items) > _ITEMS_OF_STEP * len(steps)
            or self.balances_before is not None
        ):
            return []
        rows = pl.concat(steps)
        guessed = guess_openings(
            tariffs=self.tariffs,
            items=rows,
            asked=self._asked(rows),
            left=self._still_kept.select(*LEFT),
            segments=segments,
        )
        before = len(self._left), len(self._opened)
        rated = self._rate(rows, segments, guessed)
        if self._openings(rows).equals(guessed):
            return [rated]
        del self._left[before[0] :], self._opened[before[1] :]
        return []

    def _rate(
        self, items: pl.DataFrame, segments: pl.DataFrame, guessed: pl.DataFrame | None = None
    ) -> Rated:
        opening = self._openings(items) if guessed is None else guessed
        declared = self.tariffs.balances.select("tariff_id", "balance", "unit")
        self._opened.append(
            items.join(declared, on="tariff_id").select(*_SAME_BALANCE, to_date="period_from")
        )
        unknown = opening.filter(pl.col("value_micro").is_null())
        refused = unknown.select(
            "item_id",
            code=pl.lit(ExceptionCode.OPENING_MISSING.value),
            message=text_of(
                "No bill tells what was left of {} before {}. Record it: mains registry import opening-balances.",
                "balance",
                "period_from",
            ),
        ).unique("item_id", keep="first", maintain_order=True)
        opened = items.join(refused, on="item_id", how="anti")
        own = segments.join(opened.select("item_id"), on="item_id", how="semi", maintain_order="left")
        rated = rate_columns(tariffs=self.tariffs.compiled, segments=_with_openings(own, opening))
        left, too_large = self._leave(opened.join(rated.refused, on="item_id", how="anti"), rated.lines)
        self._left.append(left)
        lines = rated.lines.join(too_large, on="item_id", how="anti", maintain_order="left")
        return Rated(
            lines, pl.concat([refused.select(*_REFUSED), rated.refused, too_large.select(*_REFUSED)])
        )

    def _asked(self, items: pl.DataFrame) -> pl.DataFrame:
        """Every balance that a formula of an item reads, in the items' order: item_id, period_from, _SAME_BALANCE,
        told_micro of an opening balance that is recorded, and whether the account had the balance on the day before
        (`goes_on`)."""
        read = self.tariffs.balances.filter("is_read").select("tariff_id", "balance", "unit")
        wanted = items.select("item_id", *_SUPPLY, "tariff_id", "service_month", "period_from").join(
            read, on="tariff_id", maintain_order="left"
        )
        told = self.known.openings.select(
            *_SAME_BALANCE, service_month="month", is_first=pl.lit(value=True), told_micro="value_micro"
        )
        return (
            wanted.join(self._before(wanted), on=["item_id", "balance"], how="left", maintain_order="left")
            .with_columns(
                is_first=pl.col("began_earlier").is_null() | ~pl.col("began_earlier"),
                goes_on=pl.col("goes_on").fill_null(value=False),
            )
            .join(told, on=[*_SAME_BALANCE, "service_month", "is_first"], how="left", maintain_order="left")
            .select("item_id", "period_from", *_SAME_BALANCE, "told_micro", "goes_on")
        )

    def _openings(self, items: pl.DataFrame) -> pl.DataFrame:
        """item_id, period_from, balance, value_micro (null: nobody knows) of every balance that a formula reads."""
        known = pl.concat([self.left, self._still_kept.select(*LEFT)]).filter(
            pl.col("value_micro").is_not_null()
        )
        ended = known.select(*_SAME_BALANCE, period_from="to_date", left_micro="value_micro")
        nought = pl.when(~pl.col("goes_on")).then(pl.lit(0, pl.Int64))
        return (
            self._asked(items)
            .join(ended, on=[*_SAME_BALANCE, "period_from"], how="left", maintain_order="left")
            .select(
                *OPENING.names()[:3],
                value_micro=pl.coalesce("told_micro", "left_micro", nought),
            )
        )

    def _before(self, wanted: pl.DataFrame) -> pl.DataFrame:
        """item_id and balance of items before which the account had the balance for the point, under any tariff:
        `began_earlier` in the same month, `goes_on` until the item's own first day."""
        is_begin = wanted["service_month"].min() == self.rated_pairs["service_month"].min()
        declared = (
            self.balances_before if is_begin and self.balances_before is not None else self.tariffs.balances
        )
        rows = self.known.agreements.join(
            declared.select("tariff_id", "balance", "unit"), on="tariff_id"
        ).select(*_SAME_BALANCE, "valid_from", "valid_to")
        first, end = pl.col("period_from"), pl.col("valid_to")
        return (
            wanted.join(rows, on=_SAME_BALANCE)
            .filter(pl.col("valid_from") < first)
            .group_by("item_id", "balance")
            .agg(
                began_earlier=(
                    (first > pl.col("service_month")) & (end.is_null() | (end > pl.col("service_month")))
                ).any(),
                goes_on=(end.is_null() | (end >= first)).any(),
            )
        )

    def _leave(self, items: pl.DataFrame, lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """What the items leave, nothing where a balance has no line; and the items that leave more than can be kept."""
        figures = (
            lines.filter(pl.col("kind").cast(pl.String) == "balance")
            .with_columns(pl.col("component").cast(pl.String))
            .group_by("item_id", balance="component")
            .agg(pl.col("amount_minor", "quantity_micro").cast(pl.Int128).sum())
        )
        figure = pl.when("is_money").then("amount_minor").otherwise("quantity_micro").fill_null(0)
        left = (
            items.join(self.tariffs.balances, on="tariff_id", maintain_order="left")
            .join(figures, on=["item_id", "balance"], how="left", maintain_order="left")
            .with_columns(to_date="period_to", exact_micro=figure * pl.col("line_micro"))
        )
        is_too_large = pl.col("exact_micro").abs() > _INT64_MAX
        too_large = left.filter(is_too_large).select(
            "item_id",
            code=pl.lit("balance-too-large"),
            message=text_of("What is left of {} has more digits than can be kept.", "balance"),
        )
        return (
            left.filter(~pl.col("item_id").is_in(too_large["item_id"].implode()))
            .with_columns(value_micro=pl.col("exact_micro").cast(pl.Int64))
            .select(*LEFT),
            too_large.unique("item_id", keep="first", maintain_order=True),
        )


def begin_chain(
    *,
    connection: Connection,
    plan: RunPlan,
    tariffs: RunTariffs,
    agreements: pl.DataFrame,
    items: pl.DataFrame,
    changed: pl.DataFrame,
) -> BalanceChain | None:
    """The chain of a slice's items whose tariff carries balances; None where no account ever had such a tariff.

    `agreements` as `read_agreements` gives them, `changed` the pairs (service_point_id, service_month) of billed months
    that are rated again.
    """
    if not tariffs.carrying:
        return None
    carry = agreements.filter(pl.col("tariff_id").is_in(tariffs.carrying))
    if carry.is_empty():
        return None
    own = agreements.join(carry.select("account_id"), on="account_id", how="semi")
    pairs = pl.concat([changed.select(_PAIR), items.select(_PAIR)])
    if plan.bills_own_month:
        pairs = pl.concat([pairs, own.select("service_point_id", service_month=pl.lit(plan.month))])
    pairs = pairs.join(own, on="service_point_id", how="semi").unique()
    known = read_known(
        connection=connection,
        account_ids=carry["account_id"].unique().sort(),
        months=pairs["service_month"].unique(),
        as_of=plan.facts_as_of,
        agreements=own,
    )
    return BalanceChain(tariffs=tariffs, known=known, rated_pairs=pairs)


def read_known(
    *,
    connection: Connection,
    account_ids: pl.Series,
    months: pl.Series,
    as_of: datetime,
    agreements: pl.DataFrame,
) -> Known:
    """What was known of the accounts' balances before the months are rated."""
    return Known(
        kept=read_kept(connection=connection, account_ids=account_ids, months=months, as_of=as_of),
        openings=read_openings(connection=connection, account_ids=account_ids, as_of=as_of),
        agreements=agreements.filter("is_believed"),
    )


def with_followers(
    changed: pl.DataFrame, *, agreements: pl.DataFrame, tariffs: RunTariffs, months: Sequence[date]
) -> pl.DataFrame:
    """The pairs (service_point_id, service_month) with all later ones of `months` at the points that ever had a tariff
    with balances: their items open with other figures."""
    carry = agreements.filter(pl.col("tariff_id").is_in(tariffs.carrying))["service_point_id"].unique()
    first = (
        changed.filter(pl.col("service_point_id").is_in(carry.implode()))
        .group_by("service_point_id")
        .agg(first_month=pl.col("service_month").min())
    )
    all_months = pl.DataFrame({"service_month": months}, schema={"service_month": pl.Date})
    later = first.join_where(all_months, pl.col("service_month") > pl.col("first_month"))
    return pl.concat([changed, later.select(changed.columns)]).unique()


def _in_order(items: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Items of which none follows another, by month and place within it."""
    placed = items.with_columns(place=pl.col("period_from").rank("ordinal").over(*_SUPPLY, "service_month"))
    yield from placed.sort("service_month", "place", "item_id").partition_by(
        "service_month", "place", maintain_order=True
    )


def _with_openings(segments: pl.DataFrame, opening: pl.DataFrame) -> pl.DataFrame:
    """Each balance is a number attribute of the item, the same in all its segments."""
    for (balance,), values in opening.group_by("balance", maintain_order=True):
        name = f"{balance}_micro"
        opened = values.select("item_id", opened_micro="value_micro")
        joined = segments.join(opened, on="item_id", how="left", maintain_order="left")
        value = pl.coalesce("opened_micro", name) if name in segments.columns else pl.col("opened_micro")
        segments = joined.with_columns(value.alias(name)).drop("opened_micro")
    return segments
