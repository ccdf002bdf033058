"""Tariffs as data: documents in, checked and frozen tariffs out."""

from mains.engine.tariff.differences import first_difference
from mains.engine.tariff.document import UnableToReadDocument, read_document
from mains.engine.tariff.errors import Problem, UnableToReadTariff
from mains.engine.tariff.model import POSTED_KINDS, Component, Tariff, Version
from mains.engine.tariff.read import read_tariff
from mains.engine.tariff.tables import names_fact

__all__ = [
    "POSTED_KINDS",
    "Component",
    "Problem",
    "Tariff",
    "UnableToReadDocument",
    "UnableToReadTariff",
    "Version",
    "first_difference",
    "names_fact",
    "read_document",
    "read_tariff",
]
