"""What a mistyped or differently called word was probably meant to be."""

from collections.abc import Iterable
from difflib import get_close_matches

from mains.engine.language.units import DAY, MONTH, YEAR, Unit

# What people write for a key before they have read the manual.
_ALIKE = {
    "from": "valid_from", "to": "valid_to", "start": "from", "begin": "from", "since": "valid_from",
    "until": "valid_to", "through": "last_day",
    "end": "last_day", "rate": "price", "amount": "price", "limit": "upto", "max": "upto", "condition": "when",
    "if": "when", "rounding": "round", "vat": "tax", "discount": "subsidy", "credit": "subsidy",
    "rebate": "subsidy", "fee": "charge", "levy": "tax", "surcharge": "charge", "lines": "components",
    "charges": "components", "name": "tariff", "code": "tariff", "use": "usage", "consumption": "usage",
    "expected": "expect", "truncate": "down", "trunc": "down", "nearest": "half_up", "bankers": "half_even",
    "roundup": "ceil", "rounddown": "floor", "ceiling": "ceil", "int": "trunc", "slab": "tiers",
    "slabs": "tiers", "blocks": "tiers", "digits": "to", "step": "to",
}  # fmt: skip


def guess(word: str, known: Iterable[str]) -> str:
    """“Did you mean …?” with the nearest of the known words, or nothing."""
    names = list(known)
    lower = {name.casefold(): name for name in names}
    near = get_close_matches(word.casefold(), lower, n=1, cutoff=0.7)
    alike = _ALIKE.get(word.casefold(), "")
    found = alike if alike in names else lower[near[0]] if near else ""
    return f"Did you mean “{found}”?" + " " if found else ""


# What stretches limits that are kept per unit of time.
_SCALES = {
    MONTH: "`scale: months` by the calendar, or `scale: months(30)` for months of 30 days",
    DAY: "`scale: days`",
    YEAR: "`scale: years(365)`",
}


def limits_remedy(table: str, limit: Unit, amount: Unit) -> str:
    """How the limits of a table are brought to the unit of the amount which they divide."""
    missing = amount / limit
    if missing in _SCALES:
        return f"The limits are per {missing}: add {_SCALES[missing]}."
    if missing.atoms and all(power > 0 for _, power in missing.atoms):
        return f"The limits are per {missing}: add `scale:` with a figure in {missing}."
    return f"Write `limit_unit: {amount}` in the table {table.partition('.')[0]}, or give another amount."
