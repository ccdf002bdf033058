"""The two interpreters, which share only the parsed tree, give the same bill to the last minor unit."""

from datetime import date, timedelta

import polars as pl
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.engine import generated

from mains.engine.columns import compile_tariffs, rate_columns
from mains.engine.exact import UnableToRate, rate_exact
from mains.engine.facts import MICRO, Facts
from mains.engine.segments import cut_segments
from mains.engine.tariff import Problem, Tariff, UnableToReadTariff, read_tariff

LINE = ["component", "kind", "segment", "from_date", "to_date", "quantity_micro", "amount_minor"]
LONG_AGO = date(1990, 1, 1)


# A few documents contradict themselves: they are refused for one of these reasons, and no other.
REFUSED = {"version-mismatch", "unit-mismatch", "cut-mixed", "balance-cut"}


def read(document: dict[str, object]) -> tuple[Tariff | None, tuple[Problem, ...]]:
    try:
        return read_tariff(document), ()
    except UnableToReadTariff as error:
        return None, error.problems


def exact_lines(tariff: Tariff, facts: Facts) -> list[tuple[object, ...]] | None:
    try:
        protocol = rate_exact(tariff=tariff, facts=facts)
    except UnableToRate:
        return None
    return [tuple(getattr(line, name) for name in LINE) for line in protocol.lines]


def items_frame(tariff: Tariff, accounts: list[Facts]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "item_id": pl.Series(range(len(accounts)), dtype=pl.Int64),
            "tariff": [tariff.code] * len(accounts),
            "period_from": [facts.period_from for facts in accounts],
            "period_to": [facts.period_to for facts in accounts],
        }
    )


def use_frame(accounts: list[Facts], key: str) -> pl.DataFrame:
    rows = []
    for item, facts in enumerate(accounts):
        days = [
            facts.period_from + timedelta(days=at) for at in range((facts.period_to - facts.period_from).days)
        ]
        stretches = facts.use[key]
        micro = [sum(stretch.between(day, day + timedelta(days=1)) for stretch in stretches) for day in days]
        rows.append((item, facts.period_from, micro))
    return pl.DataFrame(
        rows,
        schema={"item_id": pl.Int64, "first_date": pl.Date, "days_micro": pl.List(pl.Int64)},
        orient="row",
    )


def attribute_frame(accounts: list[Facts], name: str, dtype: type[pl.DataType]) -> pl.DataFrame:
    rows = [
        (
            item,
            value.valid_from or LONG_AGO,
            value.valid_to,
            int(value.value * MICRO) if dtype == pl.Int64 else value.value,
        )
        for item, facts in enumerate(accounts)
        for value in facts.attributes.get(name, ())
    ]
    schema = {"item_id": pl.Int64, "valid_from": pl.Date, "valid_to": pl.Date, "value": dtype}
    return pl.DataFrame(rows, schema=schema, orient="row")


def column_lines(
    tariff: Tariff, accounts: list[Facts]
) -> tuple[dict[int, list[tuple[object, ...]]], set[int]]:
    tariffs = compile_tariffs([tariff])
    segments = cut_segments(
        items=items_frame(tariff, accounts),
        tariffs=tariffs,
        attributes={
            "band": attribute_frame(accounts, "band", pl.String),
            "residents_micro": attribute_frame(accounts, "residents", pl.Int64),
            "metered": attribute_frame(accounts, "metered", pl.Boolean),
            **{f"{name}_micro": attribute_frame(accounts, name, pl.Int64) for name in tariff.balances},
        },
        usage={f"usage_{zone}_micro": use_frame(accounts, f"usage.{zone}") for zone in ("day", "night")},
    )
    rated = rate_columns(tariffs=tariffs, segments=segments)
    lines: dict[int, list[tuple[object, ...]]] = {}
    for item, *line in rated.lines.select("item_id", *LINE).iter_rows():
        lines.setdefault(item, []).append(tuple(line))
    return lines, set(rated.refused["item_id"].to_list())


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
@given(document=generated.tariffs(), accounts=st.lists(generated.facts(), min_size=1, max_size=6))
def test_columns_equal_exact(document: dict[str, object], accounts: list[Facts]) -> None:
    tariff, problems = read(document)
    assert {problem.code for problem in problems} <= REFUSED, problems
    assume(tariff is not None)
    assert tariff is not None
    by_columns, refused = column_lines(tariff, accounts)
    for item, facts in enumerate(accounts):
        expected = exact_lines(tariff, facts)
        assert (item in refused) == (expected is None)
        assert by_columns.get(item, []) == (expected or [])
