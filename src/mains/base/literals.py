"""Values put into SQL as literals, quoted as PostgreSQL needs them."""

from collections.abc import Mapping, Sequence

import polars as pl
from psycopg import sql


def bind(statement: str, params: Mapping[str, object] | None) -> str:
    """Put literals, quoted as PostgreSQL needs them, in the place of `%(name)s`; `%%` is a percent sign.

    ADBC turns off its COPY protocol, several times faster for large results, when parameters are bound.
    """
    if params is None:
        return statement
    return statement % {name: literal(value) for name, value in params.items()}


def literal(value: object) -> str:
    """The value as SQL: a scalar, a sequence, or a series of integers."""
    if isinstance(value, pl.Series):
        if value.dtype.is_integer() and len(value) and not value.null_count():
            return "'{" + ",".join(value.cast(pl.String).to_list()) + "}'::bigint[]"
        value = value.to_list()
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        value = list(value)
        if value and all(type(item) is int for item in value):
            return "'{" + ",".join(map(str, value)) + "}'::bigint[]"
        if not value:
            return "'{}'"
    # In parentheses: a cast binds more tightly than the sign of a negative number.
    return f"({sql.Literal(value).as_string(None)})"
