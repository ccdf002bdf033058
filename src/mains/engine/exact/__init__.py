"""Interpreter one: one account, in exact fractions, with an explanation of every figure."""

from mains.engine.exact.errors import UnableToRate
from mains.engine.exact.explanation import Step, show, show_short
from mains.engine.exact.protocol import Line, Protocol
from mains.engine.exact.rate import rate_exact

__all__ = ["Line", "Protocol", "Step", "UnableToRate", "rate_exact", "show", "show_short"]
