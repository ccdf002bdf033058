"""What-ifs as people read them, limited to a scope: names instead of ids, units of the tree instead of leaves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from mains.base.rows import fetch_rows
from mains.engine.tariff import read_tariff
from mains.staff.queries.organisations import Unit, list_units
from mains.staff.values import Scope


@dataclass(frozen=True)
class AccountChange:
    """What one account pays before and after, over all months, in minor units."""

    number: str
    customer_name: str
    organisation_name: str
    category: str
    bills: int
    before_minor: int
    after_minor: int

    @property
    def change_minor(self) -> int:
        return self.after_minor - self.before_minor


@dataclass(frozen=True)
class PartChange:
    """What a part of the utility (a unit, a category, a component) brings before and after, in minor units."""

    name: str
    bills: int
    before_minor: int
    after_minor: int
    more: int
    less: int

    @property
    def change_minor(self) -> int:
        return self.after_minor - self.before_minor


def changes_of_accounts(*, rows: Sequence[Mapping[str, Any]], scope: Scope) -> list[AccountChange]:
    """The extremes of a result with the accounts' numbers and names; accounts outside the scope are left out."""
    named = {
        account_id: words
        for account_id, *words in fetch_rows(
            _row,
            """
            SELECT a.id, a.number, mains_name(c.name), o.name FROM customers_account a
            JOIN customers_customer c ON c.id = a.customer_id JOIN staff_organisation o ON o.id = a.organisation_id
            WHERE a.id = ANY(%(ids)s) AND (%(everything)s OR a.organisation_id = ANY(%(reached)s))
            """,
            {
                "ids": [row["account_id"] for row in rows],
                "everything": scope.organisation_ids is None,
                "reached": sorted(scope.organisation_ids or ()),
            },
        )
    }
    changes = []
    for row in rows:
        if row["account_id"] in named:
            number, customer, unit = named[row["account_id"]]
            changes.append(
                AccountChange(
                    number=number,
                    customer_name=customer,
                    organisation_name=unit,
                    category=row["category"],
                    bills=row["bills"],
                    before_minor=row["before_minor"],
                    after_minor=row["after_minor"],
                )
            )
    return changes


def _row(*values: Any) -> tuple[Any, ...]:
    return values


def changes_of_units(
    *, rows: Sequence[Mapping[str, Any]], scope: Scope, on_date: date, whole: bool = False
) -> list[PartChange]:
    """Changes by unit: those just below the top of what the person sees, with all that stands below them; with
    `whole` every unit that has accounts of its own."""
    units = {unit.id: unit for unit in list_units(scope=scope, on_date=on_date)}
    sums: dict[int, list[int]] = {}
    for row in rows:
        place = row["organisation_id"]
        unit = place if whole else _branch(place, units)
        part = sums.setdefault(unit, [0] * 5)
        for at, name in enumerate(("bills", "before_minor", "after_minor", "more", "less")):
            part[at] += row[name]
    return sorted(
        (PartChange(units[unit].name if unit in units else str(unit), *part) for unit, part in sums.items()),
        key=lambda one: (-one.before_minor, one.name),
    )


def titles_of_components(*, documents: Sequence[str], language: str) -> dict[str, str]:
    """Title of each component in the language, else in English; those without a title are left out."""
    titles: dict[str, str] = {}
    for document in documents:
        titles |= _titles(document, language.split("-", maxsplit=1)[0])
    return titles


@lru_cache(maxsize=64)
def _titles(document: str, language: str) -> dict[str, str]:
    return {
        component.name: title
        for version in read_tariff(document).versions
        for component in version.components
        if (title := component.title.get(language) or component.title.get("en"))
    }


def _branch(place: int, units: Mapping[int, Unit]) -> int:
    while place in units and units[place].depth > 1:
        above = units[place].parent_id
        if above is None or above not in units:
            break
        place = above
    return place
