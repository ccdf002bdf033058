"""What the author of a tariff can do when the units of a formula do not fit."""

from collections.abc import Container, Iterable

from mains.engine.language.units import NUMBER, Unit, UnitSystem


def shadow_hint(words: Iterable[str], *, prices: Container[str], components: Container[str], own: str) -> str:
    """Names the word that is both a price and a component, the usual reason for units that do not fit; or nothing."""
    both = [word for word in words if word in prices and word in components and word != own]
    return f"{both[0]} means the component here; write prices.{both[0]} for the price. " if both else ""


def unit_remedy(found: Unit, expected: Unit, units: UnitSystem, doubtful: list[str]) -> str:
    """What to do about a formula that gives `found` where `expected` is needed; `doubtful` are names of components in
    it that are also names of prices.
    """
    left = found / expected
    if doubtful:
        names = ", ".join(doubtful)
        return (
            f"{names} means the component here, not the price of that name: write prices.{doubtful[0]} "
            "for the price."
        )
    if left == units.parse("day/month")[0]:
        return "A monthly price is multiplied by days: use months, or months(30)."
    if left == units.parse("month/day")[0]:
        return "A daily price is multiplied by months: use days."
    if left in (units.parse("1/month")[0], units.parse("1/day")[0]):
        return "Multiply by months or days, or give the price per bill."
    if left == units.use / units.money or found == units.use:
        return f"A price without a unit is a plain figure: write 0.20 {units.currency}/{units.unit}."
    if left == NUMBER / units.use:
        return f"A number that is a use needs its unit in a product: 100 [{units.unit}]."
    return f"Check the units of the prices: {left} is left over."
