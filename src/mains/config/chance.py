"""Chance for drills and benchmarks: what was drawn once is drawn again."""

from random import Random


class Repeatable(Random):
    """Draws the same from the same seed, in every process; nothing secret may come of it."""
