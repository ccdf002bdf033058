"""The tariffs of a run, compiled once per process."""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import polars as pl

from mains.engine.columns import TariffSet, compile_tariffs
from mains.engine.tariff import Tariff, first_difference, read_tariff
from mains.tariffs.queries.editions import Edition


@dataclass(frozen=True)
class RunTariffs:
    """`editions`: tariff_id, tariff (code), tariff_edition_id (Int32), changed_from: the first day that is priced
    otherwise than by the edition known before, null where there is none. `compiled`: for the engine."""

    editions: pl.DataFrame
    compiled: TariffSet


@lru_cache(maxsize=2)
def compile_editions(editions: tuple[Edition, ...]) -> RunTariffs:
    """Read and compile the documents. Raises UnableToReadTariff when a stored document is not a valid tariff."""
    read = [read_tariff(edition.document) for edition in editions]
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
    )


def _changed_from(edition: Edition, tariff: Tariff) -> date | None:
    if not edition.is_changed:
        return None
    return first_difference(read_tariff(edition.replaced) if edition.replaced else None, tariff)
