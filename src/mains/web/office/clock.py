"""Today, for pages: the same day and instant as commands and jobs take."""

from mains.base.business_day import demo_day, now, today

__all__ = ["demo_day", "now", "today"]
