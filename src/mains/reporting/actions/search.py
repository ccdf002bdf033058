"""Makes the tokens of the search index from the registry: all of them in bulk, or those of single accounts."""

from collections.abc import Callable, Iterable

import polars as pl
import psycopg
from adbc_driver_manager.dbapi import Connection

from mains.base.db import adbc_connect, connection_url, copy_frame, execute, read_frame
from mains.base.folding import WORD_OF_COLUMN, fold_word
from mains.reporting.models import TokenKind

TABLE = "reporting_searchtoken"
DRAFT = "reporting_searchtoken_draft"
BUCKETS = 1024
BUCKETS_PER_SLICE = 64

# An account is found by its present customer, by every address and meter that it ever had, and by its number.
SOURCE = """
SELECT a.id AS account_id, a.organisation_id, a.number, c.name, c.phone,
       b.city, b.street, b.house, p.flat, m.serial
FROM customers_account a
JOIN customers_customer c ON c.id = a.customer_id
LEFT JOIN customers_agreement g ON g.account_id = a.id AND g.superseded_at IS NULL
LEFT JOIN network_servicepoint s ON s.id = g.service_point_id
LEFT JOIN network_premise p ON p.id = s.premise_id
LEFT JOIN network_building b ON b.id = p.building_id
LEFT JOIN metering_installation i
    ON i.service_point_id = s.id AND i.superseded_at IS NULL AND i.valid && g.valid
LEFT JOIN metering_meter m ON m.id = i.meter_id
WHERE {chosen}
"""


def rebuild_search_index(*, progress: Callable[[int, int], None] | None = None) -> int:
    """Make the whole index anew beside the old one and swap them in one transaction; the number of tokens.

    People go on searching the old index meanwhile. `progress` is called with slices done and slices in all.
    """
    slices = range(0, BUCKETS, BUCKETS_PER_SLICE)
    tokens = 0
    with adbc_connect() as connection:
        execute(f"DROP TABLE IF EXISTS {DRAFT}", connection=connection)
        execute(f"CREATE TABLE {DRAFT} (LIKE {TABLE} INCLUDING DEFAULTS)", connection=connection)
        for done, first in enumerate(slices, start=1):
            source = read_frame(
                SOURCE.format(chosen="a.bucket >= %(first)s AND a.bucket < %(next)s"),
                {"first": first, "next": first + BUCKETS_PER_SLICE},
                connection=connection,
            )
            tokens += copy_frame(tokens_of(source), DRAFT, connection=connection)
            if progress:
                progress(done, len(slices))
        _index_and_swap(connection=connection)
        connection.commit()
    # Index-only scans need the visibility map, good plans the statistics; neither can be had in a transaction.
    with psycopg.connect(connection_url(), autocommit=True) as session:
        session.execute(f"VACUUM (ANALYZE) {TABLE}")
    return tokens


def refresh_accounts(*, account_ids: Iterable[int]) -> int:
    """Make the tokens of some accounts anew after their customer, address or meter changed; the number of tokens."""
    chosen = sorted(set(account_ids))
    if not chosen:
        return 0
    with adbc_connect() as connection:
        source = read_frame(
            SOURCE.format(chosen="a.id = ANY(%(ids)s)"), {"ids": chosen}, connection=connection
        )
        execute(
            f"DELETE FROM {TABLE} WHERE account_id = ANY(%(ids)s)", {"ids": chosen}, connection=connection
        )
        tokens = copy_frame(tokens_of(source), TABLE, connection=connection)
        connection.commit()
    return tokens


def tokens_of(source: pl.DataFrame) -> pl.DataFrame:
    """Rows of SOURCE → account_id, token, kind, organisation_id; one row per account and token, the strongest kind.

    Words are folded once each, however many accounts share them.
    """
    whole = _texts(source, {"number": TokenKind.NUMBER, "serial": TokenKind.METER}).with_columns(
        word=_joined("text")
    )
    phones = _texts(source, {"phone": TokenKind.PHONE}).with_columns(
        digits=pl.col("text").str.replace_all(r"\D", "")
    )
    # By its last ten digits a phone is found with or without the country code.
    whole_phones = phones.select(*_KEYS, word="digits")
    local_phones = phones.select(*_KEYS, word=pl.col("digits").str.tail(10))
    names = _texts(source, {"name": TokenKind.NAME})
    addresses = _texts(source, dict.fromkeys(("city", "street", "house", "flat"), TokenKind.ADDRESS))
    # A serial such as EM-1203345 is found whole and by its parts.
    parts = _texts(source, {"serial": TokenKind.METER})
    spoken = pl.concat([names, addresses, parts]).unique()
    worded = spoken.with_columns(word=_words("text")).explode("word").drop_nulls("word")
    words = pl.concat(
        [whole.select(*_KEYS, "word"), whole_phones, local_phones, worded.select(*_KEYS, "word")]
    )
    folded = words.join(_folded(words["word"]), on="word").filter(pl.col("token") != "")
    return folded.group_by("account_id", "token").agg(pl.col("kind").min(), pl.col("organisation_id").first())


_KEYS = ("account_id", "organisation_id", "kind")


def _texts(source: pl.DataFrame, kinds: dict[str, TokenKind]) -> pl.DataFrame:
    """account_id, organisation_id, kind, text for the named columns, each distinct text of an account once."""
    return pl.concat(
        source.select("account_id", "organisation_id", kind=pl.lit(kind.value), text=column)
        .filter(pl.col("text").is_not_null() & (pl.col("text") != ""))
        .unique()
        for column, kind in kinds.items()
    )


def _unmarked(column: str) -> pl.Expr:
    return pl.col(column).str.normalize("NFKD").str.replace_all(r"\p{M}", "")


def _joined(column: str) -> pl.Expr:
    return _unmarked(column).str.replace_all(r"[\W_]+", "")


def _words(column: str) -> pl.Expr:
    return _unmarked(column).str.extract_all(WORD_OF_COLUMN)


def _folded(words: pl.Series) -> pl.DataFrame:
    """word, token for each distinct word; numbers fold to themselves and are most of the words."""
    distinct = words.unique().to_frame("word")
    is_number = pl.col("word").str.contains(r"^[0-9]+$")
    numbers = distinct.filter(is_number).with_columns(token=pl.col("word").str.head(60))
    others = distinct.filter(~is_number)
    tokens = [fold_word(word) for word in others["word"]]
    return pl.concat([numbers, others.with_columns(token=pl.Series("token", tokens, dtype=pl.String))])


def _index_and_swap(*, connection: Connection) -> None:
    """Index the draft and put it in the old table's place under the old names, which migrations know."""
    execute("SET LOCAL maintenance_work_mem = '384MB'", connection=connection)
    execute(
        f"ALTER TABLE {DRAFT} ADD CONSTRAINT {DRAFT}_pkey PRIMARY KEY (account_id, token)",
        connection=connection,
    )
    execute(
        f"CREATE INDEX search_token_draft ON {DRAFT} (token, account_id) INCLUDE (organisation_id, kind)",
        connection=connection,
    )
    execute(f"DROP TABLE {TABLE}", connection=connection)
    execute(f"ALTER TABLE {DRAFT} RENAME TO {TABLE}", connection=connection)
    execute("ALTER INDEX search_token_draft RENAME TO search_token_prefix", connection=connection)
    execute(f"ALTER INDEX {DRAFT}_pkey RENAME TO {TABLE}_pkey", connection=connection)
