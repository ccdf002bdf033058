"""Documents to start a tariff from: the forms that utilities use most."""

from datetime import date
from functools import cache
from pathlib import Path

from mains.base.units import UNIT_OF_SERVICE

_FOLDER = Path(__file__).resolve().parents[1] / "starters"
STARTERS = (
    "three-zones-tiers-vat",
    "one-price-vat",
    "tiers-standing-vat",
    "two-zones-vat-included",
    "demand-minimum-vat",
    "water-norm",
    "heat-area-season",
    "gas-energy-vat",
)


def starter_text(*, starter: str, code: str, currency: str, valid_from: date) -> str:
    """The document of one of `STARTERS` for a new tariff: its prices are examples, to be replaced."""
    filled = {
        "code": code,
        "currency": currency,
        "valid_from": valid_from.isoformat(),
        "heat_unit": UNIT_OF_SERVICE["heat"],
    }
    text = _text(starter)
    for name, value in filled.items():
        text = text.replace("{{" + name + "}}", value)
    return text


@cache
def _text(starter: str) -> str:
    assert starter in STARTERS, f"{starter} is no starter."
    return (_FOLDER / f"{starter}.yaml").read_text("utf-8")
