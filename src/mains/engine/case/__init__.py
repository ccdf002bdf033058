"""A self-contained case: tariff, facts, expected bill. Read, rated by both interpreters, compared."""

from mains.engine.case.errors import UnableToAgree
from mains.engine.case.expected import Expected
from mains.engine.case.read import Case, Service, UnableToReadCase, read_case
from mains.engine.case.run import CaseResult, Mismatch, run_case

__all__ = [
    "Case",
    "CaseResult",
    "Expected",
    "Mismatch",
    "Service",
    "UnableToAgree",
    "UnableToReadCase",
    "read_case",
    "run_case",
]
