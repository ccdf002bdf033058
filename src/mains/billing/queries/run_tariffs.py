"""The tariffs of a run, compiled once per process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import polars as pl

from mains.base.units import UNIT_OF_SERVICE
from mains.engine.columns import TariffSet, compile_tariffs
from mains.engine.facts import MICRO
from mains.engine.tariff import Tariff, first_difference, read_tariff
from mains.kernel.errors import MainsError
from mains.tariffs.queries.editions import Edition

_BALANCES = {
    "tariff_id": pl.Int64,
    "balance": pl.String,
    "unit": pl.String,
    "is_read": pl.Boolean,
    "is_money": pl.Boolean,
    "line_micro": pl.Int64,
}


class UnableToUseTariff(MainsError):
    """A tariff counts in another unit than the utility keeps the use of its service in."""


@dataclass(frozen=True)
class RunTariffs:
    """`editions`: tariff_id, tariff (code), tariff_edition_id (Int32), changed_from: the first day that is priced
    otherwise than by the edition known before, null where there is none. `compiled`: for the engine. `balances`: as
    `declared_balances` gives them. `carrying`: ids of the tariffs that carry balances, or did by the edition known
    before."""

    editions: pl.DataFrame
    compiled: TariffSet
    balances: pl.DataFrame
    carrying: tuple[int, ...]


@lru_cache(maxsize=2)
def compile_editions(editions: tuple[Edition, ...]) -> RunTariffs:
    """Read and compile the documents. Raises UnableToReadTariff when a stored document is not a valid tariff, and
    UnableToUseTariff when it counts in another unit than use is kept in."""
    read = [read_tariff(edition.document) for edition in editions]
    _check_units(editions, read)
    balances = declared_balances(
        {edition.tariff_id: tariff for edition, tariff in zip(editions, read, strict=True)}
    )
    dropped = {edition.tariff_id for edition in editions if _carried_before(edition)}
    return RunTariffs(
        editions=pl.DataFrame(
            {
                "tariff_id": [edition.tariff_id for edition in editions],
                "tariff": [edition.code for edition in editions],
                "tariff_edition_id": [edition.edition_id for edition in editions],
                "changed_from": [
                    _changed_from(edition, tariff) for edition, tariff in zip(editions, read, strict=True)
                ],
            },
            schema={
                "tariff_id": pl.Int64,
                "tariff": pl.String,
                "tariff_edition_id": pl.Int32,
                "changed_from": pl.Date,
            },
        ),
        compiled=compile_tariffs(read),
        balances=balances,
        carrying=tuple(sorted({*balances["tariff_id"], *dropped})),
    )


def _check_units(editions: tuple[Edition, ...], read: Sequence[Tariff]) -> None:
    for edition, tariff in zip(editions, read, strict=True):
        unit, own = UNIT_OF_SERVICE.get(edition.service), str(tariff.units.use)
        if unit is not None and own != unit:
            raise UnableToUseTariff(
                code="unit-of-service",
                message=f"Tariff {edition.code} counts in {own}, the use of {edition.service} is kept in {unit}.",
                place=f"tariff {edition.code}",
                remedy=f"The unit is chosen once: set MAINS_HEAT_UNIT={own} again, or publish the tariff in {unit}.",
            )


def declared_balances(tariffs: Mapping[int, Tariff]) -> pl.DataFrame:
    """The balances that tariffs declare, by id of the tariff: tariff_id, balance, unit, is_read (by a formula),
    is_money, and line_micro: how many micro-units of the balance one unit of its line's figure is."""
    rows = [
        (
            tariff_id,
            name,
            str(unit),
            name in tariff.read_attributes,
            unit == tariff.units.money,
            MICRO // tariff.posting_scale if unit == tariff.units.money else 1,
        )
        for tariff_id, tariff in tariffs.items()
        for name, unit in tariff.balances.items()
    ]
    return pl.DataFrame(rows, schema=_BALANCES, orient="row")


def _carried_before(edition: Edition) -> bool:
    return bool(edition.replaced and read_tariff(edition.replaced).balances)


def _changed_from(edition: Edition, tariff: Tariff) -> date | None:
    found = [day for series, day in edition.changed_prices if series in tariff.price_series]
    if edition.is_changed:
        before = read_tariff(edition.replaced) if edition.replaced else None
        changed = first_difference(before, tariff)
        found += [changed] if changed is not None else []
    return min(found, default=None)
