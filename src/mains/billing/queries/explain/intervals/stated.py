"""Demands from before there were intervals, as somebody stated them: conditions of supply under a demand's name."""

from collections.abc import Iterable, Mapping
from datetime import date
from fractions import Fraction
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from mains.engine.facts import MICRO, DatedValue


class StatedDemand(NamedTuple):
    """The highest demand of each month of [valid_from, valid_to), in millionths of its unit."""

    condition_id: int
    name: str
    value_micro: int
    valid_from: date
    valid_to: date | None
    proof: str

    def speaks_of(self, month: date) -> bool:
        """Whether it tells of the month."""
        return self.valid_from <= month and (self.valid_to is None or month < self.valid_to)

    def as_value(self) -> DatedValue:
        """As the measured one of a month, with the record that says so."""
        source = _("condition %(id)s since %(since)s, %(proof)s") % {
            "id": self.condition_id,
            "since": self.valid_from,
            "proof": self.proof,
        }
        return DatedValue(
            Fraction(self.value_micro, MICRO), self.valid_from, self.valid_to or date.max, source
        )


def stated_demands(rows: Iterable[Mapping[str, Any]]) -> list[StatedDemand]:
    """Those of condition rows that hold a number; which of them are of demands, the tariff tells."""
    return [
        StatedDemand(
            row["id"], row["name"], row["value_micro"], row["valid_from"], row["valid_to"], row["proof"]
        )
        for row in rows
        if row["value_micro"] is not None
    ]
