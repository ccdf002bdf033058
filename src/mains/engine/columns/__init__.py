"""Interpreter two: whole frames of items, in columns of exact integers."""

from mains.engine.columns.compiled import TariffSet, compile_tariffs
from mains.engine.columns.rate import Rated, rate_columns
from mains.engine.tariff.model import POSTED_KINDS

__all__ = ["POSTED_KINDS", "Rated", "TariffSet", "compile_tariffs", "rate_columns"]
