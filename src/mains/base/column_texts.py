"""Texts put together from columns."""

import polars as pl


def text_of(template: str, *values: pl.Expr | pl.Series | str) -> pl.Expr:
    """`template` with each `{}` replaced by a value, row by row; a string names a column. A null value gives null.

    For `polars.format`, which panics now and then: https://github.com/pola-rs/polars/issues/25525.
    """
    texts = template.split("{}")
    assert len(texts) == len(values) + 1, f"{template!r} has another number of places than {len(values)}."
    parts: list[pl.Expr | pl.Series] = [pl.lit(texts[0])]
    for value, following in zip(values, texts[1:], strict=True):
        parts += [pl.col(value) if isinstance(value, str) else value, pl.lit(following)]
    return pl.concat_str(parts)
