"""Daily use kept up to date with what becomes known: of a slice of the utility, or of some service points."""

from mains.metering.actions.usage.averages import averages_of, keep_averages
from mains.metering.actions.usage.facts import RULES, window_begins
from mains.metering.actions.usage.refresh import (
    UsageRefresh,
    UsageScope,
    begin_month,
    refresh_usage,
    revise_usage,
)

__all__ = [
    "RULES",
    "UsageRefresh",
    "UsageScope",
    "averages_of",
    "begin_month",
    "keep_averages",
    "refresh_usage",
    "revise_usage",
    "window_begins",
]
