"""Tariffs by id, as actions of other contexts need them."""

from dataclasses import dataclass

from mains.base.rows import fetch_row, fetch_rows
from mains.kernel.errors import MainsError


class UnableToFindTariff(MainsError):
    """There is no such tariff."""


@dataclass(frozen=True)
class TariffName:
    """A tariff's code and name, and the service that it prices."""

    id: int
    code: str
    name: str
    service: str


def get_tariff(*, tariff_id: int) -> TariffName:
    """The tariff. Raises UnableToFindTariff."""
    statement = "SELECT id, code, name, service FROM tariffs_tariff WHERE id = %(id)s"
    found = fetch_row(TariffName, statement, {"id": tariff_id})
    if found is None:
        raise UnableToFindTariff(
            code="tariff-unknown",
            message="There is no such tariff.",
            place=f"tariff {tariff_id}",
            remedy="Load it: mains tariff load.",
            params={"field": "tariff"},
        )
    return found


def find_tariff_id(*, code: str) -> int | None:
    """The id of the tariff of that code."""
    rows = fetch_rows(int, "SELECT id FROM tariffs_tariff WHERE code = %(code)s", {"code": code})
    return rows[0] if rows else None
