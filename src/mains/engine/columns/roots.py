"""Square roots of columns of whole numbers, by whole numbers alone."""

import polars as pl

from mains.engine.columns import rational
from mains.engine.columns.rational import Rational
from mains.engine.facts import MICRO

# Two squares of numbers below this add up within 126 bits, and their root fits 64.
_HALF = 2**62


def apparent(active: Rational, reactive: Rational) -> Rational:
    """√(active² + reactive²), both sides and the root half up to millionths. Raises TooLarge."""
    sides = [rational.to_int64(side, per_unit=MICRO).cast(pl.Int128) for side in (active, reactive)]
    if any(rational.column(side, scale=1).top >= _HALF for side in sides):
        raise rational.TooLarge
    root = half_up_root(sides[0] * sides[0] + sides[1] * sides[1])
    bad = rational.join_bad(active.bad, reactive.bad)
    return rational.column(root, scale=MICRO, bad=bad)


def half_up_root(squares: pl.Series) -> pl.Series:
    """Nearest whole number (Int64) to the root of each number of an Int128 column, none of them negative.

    There is no tie: (n + ½)² is not whole.
    """
    one, two = (pl.Series([number], dtype=pl.Int128) for number in (1, 2))
    # A zero ends with a guess of zero, by which nothing is divided: null, and left as it is.
    # The first guess is a power of two above the root; Newton's steps then come down to it.
    guess = one.new_from_index(0, len(squares))
    power = 1
    top = squares.max() or 0
    assert isinstance(top, int)
    while power <= top:
        guess = guess * (two.zip_with(squares >= pl.Series([power], dtype=pl.Int128), one))
        power *= 4
    while True:
        better = (guess + squares // guess) // two
        lower = (better < guess).fill_null(value=False)
        if not lower.any():
            break
        guess = better.zip_with(lower, guess)
    # `guess` is the whole part of the root.
    up = squares > guess * guess + guess
    return (guess + up.cast(pl.Int128)).cast(pl.Int64)
