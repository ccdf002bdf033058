"""Random draws that depend on the seed, a stream's name and a slice's number, and on nothing else."""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

_PARTS = 1 << 30


class Draws:
    """Independent draws of `count` values for one slice of the population.

    Only whole-number draws of the generator are used, so that every machine draws the same.
    """

    def __init__(self, *, seed: int, stream: str, part: int = 0) -> None:
        self._generator = np.random.Generator(np.random.PCG64([seed, zlib.crc32(stream.encode()), part]))

    def integers(self, low: int, high: int, count: int) -> Integers:
        """Whole numbers from `low` to `high`, both included."""
        return self._generator.integers(low, high, size=count, endpoint=True, dtype=np.int64)

    def chance(self, share: float, count: int) -> Flags:
        """True with probability `share`."""
        return self.integers(0, _PARTS - 1, count) < round(share * _PARTS)

    def pick(self, weights: Iterable[int], count: int) -> Integers:
        """Positions in `weights`, each as likely as its weight."""
        limits = np.cumsum(np.fromiter(weights, dtype=np.int64))
        return np.searchsorted(limits, self.integers(0, int(limits[-1]) - 1, count), side="right")

    def pick_key(self, weights: Mapping[str, int], count: int) -> NDArray[Any]:
        """Keys of `weights` as an object array."""
        return np.array(list(weights), dtype=object)[self.pick(weights.values(), count)]

    def quantile(self, table: Sequence[int], count: int) -> Integers:
        """Whole numbers whose evenly spaced quantiles are `table`, linear between them."""
        limits = np.asarray(table, dtype=np.int64)
        place = self.integers(0, (len(limits) - 1) * 1000 - 1, count)
        step, rest = place // 1000, place % 1000
        return limits[step] + (limits[step + 1] - limits[step]) * rest // 1000

    def days(self, first: date, last: date, count: int) -> NDArray[np.datetime64]:
        """Dates from `first` to `last`, both included."""
        return np.datetime64(first, "D") + self.integers(0, (last - first).days, count).astype(
            "timedelta64[D]"
        )

    def choose(self, population: int, count: int) -> Integers:
        """`count` different whole numbers below `population`, ascending."""
        return np.sort(self._generator.permutation(population)[:count]).astype(np.int64)

    def shuffle(self, count: int) -> Integers:
        """The whole numbers below `count` in random order."""
        return self._generator.permutation(count).astype(np.int64)
