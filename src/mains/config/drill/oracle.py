"""Rounding of money by the engine against PostgreSQL's numeric and Python's decimal, with every fifth value a tie."""

from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction

import polars as pl
from django.db import connection

from mains.config.chance import Repeatable
from mains.config.drill.counts import DrillCounts
from mains.engine.columns.rational import column, round_to
from mains.kernel.rounding import RoundingMode, round_to_step

_TIES_OF = 5
_CENT = Fraction(1, 100)
_PLACES = 8
"""Decimals of a quantity times a price."""


def compare_rounding(*, rows: int, seed: int) -> DrillCounts:
    """Round random products to the cent in four ways, and count where they differ; every fifth lies between two cents.

    The columns and the exact interpreter are ours; PostgreSQL and decimal know nothing of them.
    """
    chance = Repeatable(seed)
    values = [_value(chance, is_tie=number % _TIES_OF == 0) for number in range(rows)]
    exact = [
        int(round_to_step(Fraction(value), step=_CENT, mode=RoundingMode.HALF_UP) * 100) for value in values
    ]
    with localcontext() as context:
        context.prec = 60
        by_decimal = [int(value.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP) * 100) for value in values]
    columns = _by_columns(values)
    server = _by_server(values)
    return DrillCounts(
        name="oracle",
        seed=seed,
        counts={
            "amounts": rows,
            "ties": sum(abs(value) * 1000 % 10 == 5 and value * 1000 % 1 == 0 for value in values),
            "negative": sum(value < 0 for value in values),
        },
        losses={
            "columns differ from decimal": _differing(columns, by_decimal),
            "columns differ from PostgreSQL": _differing(columns, server),
            "exact differs from decimal": _differing(exact, by_decimal),
            "PostgreSQL differs from decimal": _differing(server, by_decimal),
        },
    )


def _value(chance: Repeatable, *, is_tie: bool) -> Decimal:
    """A product of a quantity and a price, of any size that bills have; a tie ends in half a cent."""
    sign = chance.choice((1, 1, 1, -1))
    digits = chance.randint(1, 13)
    if is_tie:
        return Decimal(sign * (chance.randrange(10**digits) * 10 + 5)).scaleb(-3)
    return Decimal(sign * chance.randrange(10 ** (digits + _PLACES - 2))).scaleb(-_PLACES)


def _by_columns(values: list[Decimal]) -> list[int]:
    scaled = pl.Series([int(value.scaleb(_PLACES)) for value in values], dtype=pl.Int128)
    rounded = round_to(column(scaled, scale=10**_PLACES), step=_CENT, mode=RoundingMode.HALF_UP)
    assert rounded.den is None, "A value over a fixed scale is rounded to a fixed step."
    return [int(Fraction(number, rounded.scale) * 100) for number in rounded.num.to_list()]


def _by_server(values: list[Decimal]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (round(v::numeric, 2) * 100)::bigint FROM unnest(%s::text[]) WITH ORDINALITY AS x(v, n) ORDER BY n",
            [[str(value) for value in values]],
        )
        return [int(row[0]) for row in cursor.fetchall()]


def _differing(one: list[int], other: list[int]) -> int:
    return sum(a != b for a, b in zip(one, other, strict=True))
