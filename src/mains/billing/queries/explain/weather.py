"""The weather of an item's days, where the network knows it: degree days, a dated figure of nodes."""

from fractions import Fraction

from mains.billing.queries.explain.evidence import Item
from mains.billing.queries.explain.facts import days_of, nearest_row
from mains.billing.values import COMMON_USE
from mains.engine.exact.change import Weather
from mains.engine.facts import MICRO

DEGREE_DAYS = "degree_days"
"""Name of the figure: the sum of degree days over all dates of which it speaks (Kelvin × days, by the utility's base
temperature), recorded of the nodes of a service whose use follows the weather."""


def weather_between(before: Item, after: Item) -> Weather | None:
    """Degree days of the two items' days; None unless the network tells of every one of them, and of some before."""
    earlier, later = degree_days(before), degree_days(after)
    if not earlier or later is None:
        return None
    return Weather(earlier, later, quantities=frozenset({COMMON_USE}))


def degree_days(item: Item) -> Fraction | None:
    """The sum over the item's days, each with its part of the figure of the nearest node; None where a day has none."""
    figures = [row for row in item.figures if row["name"] == DEGREE_DAYS and row["valid_to"] is not None]
    if not figures:
        return None
    total = Fraction(0)
    for day in days_of(item):
        row = nearest_row(item, figures, day)
        if row is None:
            return None
        total += Fraction(row["value_micro"], MICRO * (row["valid_to"] - row["valid_from"]).days)
    return total
