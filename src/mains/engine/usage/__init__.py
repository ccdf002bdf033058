"""Daily usage: readings in, use per service point, zone and day out. README.md has the column contract."""

from mains.engine.usage.chains import CONTRADICTING
from mains.engine.usage.columns import UsageResult, compute_daily_usage, find_exceptions
from mains.engine.usage.frames import UnableToComputeUsage, UsageRules
from mains.engine.usage.judging import JudgingRules, judge_readings
from mains.engine.usage.reasons import describe_exception
from mains.engine.usage.segments import usage_of_segments
from mains.engine.usage.values import UnableToReadValue, parse_reading_value, parse_reading_values

__all__ = [
    "CONTRADICTING",
    "JudgingRules",
    "UnableToComputeUsage",
    "UnableToReadValue",
    "UsageResult",
    "UsageRules",
    "compute_daily_usage",
    "describe_exception",
    "find_exceptions",
    "judge_readings",
    "parse_reading_value",
    "parse_reading_values",
    "usage_of_segments",
]
