"""The bucket of an account, computed alike by the database, by frames and by
`mains.kernel.identifiers.bucket_of`.
"""

import polars as pl


def bucket_sql(column: str) -> str:
    """SQL expression of type BIGINT for the bucket of a BIGINT column;

    `column` is written as in the query.
    """
    return f"(((({column}) & 2147483647) * 2654435761 & 4294967295) >> 22)"


def bucket_column(column: str) -> pl.Expr:
    """Column expression (Int16, 0 … 1,023) for the bucket of an Int64 column."""
    product = (pl.col(column).cast(pl.Int64) & pl.lit(0x7FFF_FFFF, pl.Int64)) * pl.lit(
        2_654_435_761, pl.Int64
    )
    low = product & pl.lit(0xFFFF_FFFF, pl.Int64)
    return (low // pl.lit(1 << 22, pl.Int64)).cast(pl.Int16)
