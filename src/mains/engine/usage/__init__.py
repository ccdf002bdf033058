"""Daily usage: readings in, use per service point, zone and day out. See README.md for the column contract."""

from mains.engine.usage.columns import UsageResult, compute_daily_usage
from mains.engine.usage.frames import UnableToComputeUsage, UsageRules

__all__ = ["UnableToComputeUsage", "UsageResult", "UsageRules", "compute_daily_usage"]
