"""The tariffs of a run, compiled once per process."""

from dataclasses import dataclass
from functools import lru_cache

import polars as pl

from mains.engine.columns import TariffSet, compile_tariffs
from mains.engine.tariff import read_tariff
from mains.tariffs.queries.editions import Edition


@dataclass(frozen=True)
class RunTariffs:
    """`editions`: tariff_id, tariff (code), tariff_edition_id (Int32), edition_changed. `compiled`: for the engine."""

    editions: pl.DataFrame
    compiled: TariffSet


@lru_cache(maxsize=2)
def compile_editions(editions: tuple[Edition, ...]) -> RunTariffs:
    """Read and compile the documents. Raises UnableToReadTariff when a stored document is not a valid tariff."""
    return RunTariffs(
        editions=pl.DataFrame(
            {
                "tariff_id": [edition.tariff_id for edition in editions],
                "tariff": [edition.code for edition in editions],
                "tariff_edition_id": [edition.edition_id for edition in editions],
                "edition_changed": [edition.is_changed for edition in editions],
            },
            schema={
                "tariff_id": pl.Int64,
                "tariff": pl.String,
                "tariff_edition_id": pl.Int32,
                "edition_changed": pl.Boolean,
            },
        ),
        compiled=compile_tariffs([read_tariff(edition.document) for edition in editions]),
    )
