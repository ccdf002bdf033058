"""More components for the tariffs of a benchmark's utility, so that its bills are as long as those of a large one."""

from datetime import datetime

from mains.base.rows import fetch_rows
from mains.tariffs.actions.publish import publish_tariff

_COMPONENT = """  - name: service_{number}
    title: {{en: "Service {number}"}}
    formula: service_{number} * months
"""
_PRICE = "      service_{number}: {number}.50 {currency}/month\n"


def add_components(*, count: int, now: datetime) -> None:
    """Publish every tariff in force with so many monthly charges more, known from `now` on.

    The documents are those of a pack: components of the whole tariff, and prices in each version.
    """
    numbers = range(1, count + 1)
    documents = fetch_rows(
        _document, "SELECT document FROM tariffs_tariffedition WHERE superseded_at IS NULL", {}
    )
    for document in documents:
        currency = next(line for line in document.splitlines() if line.startswith("currency: ")).split()[1]
        components = "".join(_COMPONENT.format(number=number) for number in numbers)
        prices = "".join(_PRICE.format(number=number, currency=currency) for number in numbers)
        longer = document.replace("components:\n", f"components:\n{components}", 1)
        publish_tariff(document=longer.replace("    prices:\n", f"    prices:\n{prices}"), now=now)


def _document(document: str) -> str:
    return document
