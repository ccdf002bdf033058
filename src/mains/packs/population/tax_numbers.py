"""Taxpayer numbers of the demo's firms, made of their ids, with the check digits of the country."""

import polars as pl

from mains.base.column_texts import text_of

_CREDIT_CODE_LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def tax_number(country: str) -> pl.Expr:
    """The tax number of the firm with the column `id`, as a text."""
    makers = {"RU": _inn, "TR": _vkn, "CN": _credit_code}
    if country not in makers:
        return text_of("{}-0001", (pl.col("id") + 20_000_000).cast(pl.String))
    return makers[country]()


def _inn() -> pl.Expr:
    """Russia: ten digits, the last of them the INN's check digit."""
    base = (910_100_000 + pl.col("id") % 899_000).cast(pl.Int64)
    check = _weighted(base, (2, 4, 10, 3, 5, 9, 4, 6, 8)) % 11 % 10
    return base.cast(pl.String) + check.cast(pl.String)


def _vkn() -> pl.Expr:
    """Turkey: the vergi kimlik numarası of ten digits; each digit is turned and doubled by its place, modulo 9."""
    base = (300_000_000 + pl.col("id") * 37 % 600_000_000).cast(pl.Int64)
    parts = []
    for place in range(9):
        turned = (base // 10 ** (8 - place) % 10 + 9 - place) % 10
        doubled = turned * 2 ** (9 - place) % 9
        parts.append(pl.when((turned != 0) & (doubled == 0)).then(9).otherwise(doubled))
    check = (10 - pl.sum_horizontal(parts) % 10) % 10
    return base.cast(pl.String) + check.cast(pl.String)


def _credit_code() -> pl.Expr:
    """China: the unified social credit code (GB 32100) of a firm in Henan, with the organisation code's check digit
    inside it and its own at the end."""
    number = (20_000_000 + pl.col("id") * 17 % 70_000_000).cast(pl.Int64)
    inner = 11 - _weighted(number, (3, 7, 9, 10, 5, 8, 4, 2)) % 11
    last = (
        pl.when(inner == 10)
        .then(pl.lit("X"))
        .when(inner == 11)
        .then(pl.lit("0"))
        .otherwise(inner.cast(pl.String))
    )
    letter = pl.when(inner == 10).then(_CREDIT_CODE_LETTERS.index("X")).otherwise(inner % 11)
    head = sum(int(digit) * 3**place % 31 for place, digit in enumerate("91410300"))
    rest = _weighted(number, tuple(3**place % 31 for place in range(8, 16))) + letter * (3**16 % 31)
    check = (31 - (head + rest) % 31) % 31
    letters = dict(enumerate(_CREDIT_CODE_LETTERS))
    return pl.concat_str(
        pl.lit("91410300"),
        number.cast(pl.String),
        last,
        check.replace_strict(letters, return_dtype=pl.String),
    )


def _weighted(number: pl.Expr, weights: tuple[int, ...]) -> pl.Expr:
    """The sum of the number's digits, the first of them first, each times its weight."""
    top = len(weights) - 1
    return pl.sum_horizontal(
        [number // 10 ** (top - place) % 10 * weight for place, weight in enumerate(weights)]
    )
