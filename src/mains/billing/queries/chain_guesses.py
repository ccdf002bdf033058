"""What items will probably open with, where a chain of them carries balances from month to month.

The exact interpreter walks along the chain, item by item. It decides nothing: what is posted is rated by columns, and
counts only if it proves the guess; a guess that is wrong costs time alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

import polars as pl

from mains.billing.queries.run_tariffs import RunTariffs
from mains.engine.exact.rate import rate_exact
from mains.engine.facts import MICRO, DatedValue, Facts, Stretch
from mains.engine.tariff import Tariff
from mains.kernel.errors import MainsError

OPENING = pl.Schema(
    {"item_id": pl.Int64(), "period_from": pl.Date(), "balance": pl.String(), "value_micro": pl.Int64()}
)
_Row = Mapping[str, Any]
_Balance = tuple[int, int, str, str, date]
"""Account, service point, balance, unit, and the day on which it opens or is left."""


def guess_openings(
    *,
    tariffs: RunTariffs,
    items: pl.DataFrame,
    asked: pl.DataFrame,
    left: pl.DataFrame,
    segments: pl.DataFrame,
) -> pl.DataFrame:
    """OPENING of every balance that `asked` asks for, in its order; empty values where nobody will know.

    `items` in the order in which one follows another; `asked` as `BalanceChain` asks for their balances; `left`: LEFT
    of what was kept and still counts; `segments` of the items, which know nothing of balances.
    """
    chain = {_key(row, row["to_date"]): row["value_micro"] for row in left.iter_rows(named=True)}
    of_item = _by_item(asked)
    cut = _by_item(segments.join(items.select("item_id"), on="item_id", how="semi", maintain_order="left"))
    declared: dict[int, list[_Row]] = {}
    for row in tariffs.balances.iter_rows(named=True):
        declared.setdefault(row["tariff_id"], []).append(row)
    found: dict[int, dict[str, int | None]] = {}
    for item in items.iter_rows(named=True):
        opening = {row["balance"]: _opening(row, chain) for row in of_item.get(item["item_id"], ())}
        found[item["item_id"]] = opening
        balances = declared.get(item["tariff_id"], [])
        figures = _leave(tariffs.compiled.by_code[item["tariff"]], cut.get(item["item_id"], ()), opening)
        if figures is None:
            continue
        for balance in balances:
            figure = figures.get(balance["balance"], (0, 0))[0 if balance["is_money"] else 1]
            chain[_key({**item, **balance}, item["period_to"])] = figure * balance["line_micro"]
    values = [found[item][balance] for item, balance in asked.select("item_id", "balance").iter_rows()]
    return asked.select(*OPENING.names()[:3], value_micro=pl.Series(values, dtype=pl.Int64))


def _opening(row: _Row, chain: Mapping[_Balance, int | None]) -> int | None:
    """What is recorded, else what the item before left, else nought where the account had no such balance."""
    if row["told_micro"] is not None:
        return int(row["told_micro"])
    before = chain.get(_key(row, row["period_from"]))
    return before if before is not None or row["goes_on"] else 0


def _leave(
    tariff: Tariff, segments: Sequence[_Row], opening: Mapping[str, int | None]
) -> Mapping[str, tuple[int, int]] | None:
    """What an item leaves of each balance that has a line, in minor units and in micro-units; None where it cannot be
    told."""
    opened = {name: Fraction(value, MICRO) for name, value in opening.items() if value is not None}
    if not segments or len(opened) < len(opening):
        return None
    try:
        protocol = rate_exact(tariff=tariff, facts=_facts(tariff, segments, opened))
    except MainsError:
        return None
    figures: dict[str, tuple[int, int]] = {}
    for line in protocol.lines:
        if line.kind == "balance":
            minor, micro = figures.get(line.component, (0, 0))
            figures[line.component] = minor + (line.amount_minor or 0), micro + (line.quantity_micro or 0)
    return figures


def _facts(tariff: Tariff, segments: Sequence[_Row], opened: Mapping[str, Fraction]) -> Facts:
    """One item's segments as the exact interpreter takes facts."""
    first = segments[0]
    columns = {"usage": "usage_micro"}
    columns |= {f"usage.{zone}": f"usage_{zone}_micro" for zone in tariff.zones}
    columns |= {name: f"{name}_micro" for name in tariff.quantities}
    use = {
        name: tuple(Stretch(row["from_date"], row["to_date"], row[column]) for row in segments)
        for name, column in columns.items()
        if first.get(column) is not None
    }
    attributes: dict[str, tuple[DatedValue, ...]] = {
        name: (DatedValue(value),) for name, value in opened.items()
    }
    for name in tariff.read_attributes:
        if name not in tariff.balances:
            attributes[name] = tuple(_dated(name, segments))
    return Facts(first["period_from"], first["period_to"], use, attributes)


def _dated(name: str, segments: Sequence[_Row]) -> Iterator[DatedValue]:
    for row in segments:
        number, other = row.get(f"{name}_micro"), row.get(name)
        value = other if number is None else Fraction(number, MICRO)
        if value is not None:
            yield DatedValue(value, row["from_date"], row["to_date"])


def _by_item(rows: pl.DataFrame) -> dict[int, list[_Row]]:
    found: dict[int, list[_Row]] = {}
    for row in rows.iter_rows(named=True):
        found.setdefault(row["item_id"], []).append(row)
    return found


def _key(row: _Row, day: date) -> _Balance:
    return row["account_id"], row["service_point_id"], row["balance"], row["unit"], day
