"""Tariffs as people read them; they are the utility's public prices, so no scope applies."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from django.db import connection

from mains.base.rows import fetch_row, fetch_rows
from mains.engine.tariff import Tariff, read_tariff


@dataclass(frozen=True)
class TariffRecord:
    """A tariff and its edition in force: the document as published."""

    code: str
    name: str
    service: str
    currency: str
    edition_id: int
    document: str
    checksum: str
    recorded_at: datetime


def find_tariff(*, code: str) -> TariffRecord | None:
    """The tariff of that code with its edition in force."""
    statement = """
        SELECT t.code, t.name, t.service, t.currency, e.id, e.document, e.checksum, e.recorded_at
        FROM tariffs_tariff t JOIN tariffs_tariffedition e ON e.tariff_id = t.id AND e.superseded_at IS NULL
        WHERE t.code = %(code)s
    """
    return fetch_row(TariffRecord, statement, {"code": code})


def list_tariffs() -> list[TariffRecord]:
    """Every tariff with its edition in force, by name."""
    statement = """
        SELECT t.code, t.name, t.service, t.currency, e.id, e.document, e.checksum, e.recorded_at
        FROM tariffs_tariff t JOIN tariffs_tariffedition e ON e.tariff_id = t.id AND e.superseded_at IS NULL
        ORDER BY t.name, t.code
    """
    return fetch_rows(TariffRecord, statement, {})


@dataclass(frozen=True)
class EditionRecord:
    """A published document: from when to when it was the one in force, who published it, on what proof."""

    id: int
    recorded_at: datetime
    superseded_at: datetime | None
    recorded_by: str
    proof: str


def list_editions_of(*, code: str) -> list[EditionRecord]:
    """The editions of a tariff, latest first."""
    statement = """
        SELECT e.id, e.recorded_at, e.superseded_at,
               COALESCE(NULLIF(TRIM(u.first_name || ' ' || u.last_name), ''), u.username, ''), e.proof
        FROM tariffs_tariffedition e JOIN tariffs_tariff t ON t.id = e.tariff_id
        LEFT JOIN staff_user u ON u.id = e.recorded_by_id
        WHERE t.code = %(code)s ORDER BY e.recorded_at DESC, e.id DESC
    """
    return fetch_rows(EditionRecord, statement, {"code": code})


def tariff_of_edition(*, edition_id: int) -> Tariff:
    """The checked tariff of an edition; an edition never changes, so it is remembered."""
    return _tariff_of_edition(edition_id, connection.settings_dict["NAME"])


@lru_cache(maxsize=256)
def _tariff_of_edition(edition_id: int, _database: str) -> Tariff:
    document = fetch_row(
        str, "SELECT document FROM tariffs_tariffedition WHERE id = %(id)s", {"id": edition_id}
    )
    return read_tariff(document or "")


def list_tariff_names(*, language: str) -> list[tuple[str, str]]:
    """Code of every tariff in force and its title in the language, else its name; by title."""
    return sorted(titles_by_code(language=language).items(), key=lambda pair: (pair[1], pair[0]))


def titles_by_code(*, language: str) -> dict[str, str]:
    """Title in the language of every tariff, as its edition in force gives it, else its name; by code."""
    statement = """
        SELECT e.id, t.code, t.name
        FROM tariffs_tariff t JOIN tariffs_tariffedition e ON e.tariff_id = t.id AND e.superseded_at IS NULL
    """
    return {
        code: _title(edition_id, name, language)
        for edition_id, code, name in fetch_rows(_edition, statement, {})
    }


def title_of(tariff: TariffRecord, *, language: str) -> str:
    """The tariff's title in the language as its edition in force gives it, else its name."""
    return _title(tariff.edition_id, tariff.name, language)


def _title(edition_id: int, name: str, language: str) -> str:
    return tariff_of_edition(edition_id=edition_id).title.get(language.partition("-")[0]) or name


def list_figure_names(*, service: str) -> list[str]:
    """Names of the number attributes that tariffs in force of the service read, sorted."""
    statement = """
        SELECT e.id FROM tariffs_tariffedition e JOIN tariffs_tariff t ON t.id = e.tariff_id
        WHERE e.superseded_at IS NULL AND t.service = %(service)s
    """
    editions = fetch_rows(int, statement, {"service": service})
    return sorted({name for one in editions for name in tariff_of_edition(edition_id=one).read_figures})


def names_of_editions(*, edition_ids: list[int], language: str) -> dict[int, tuple[str, str]]:
    """Code of the tariff of each edition, and its title in the language, else its name."""
    statement = """
        SELECT e.id, t.code, t.name FROM tariffs_tariffedition e JOIN tariffs_tariff t ON t.id = e.tariff_id
        WHERE e.id = ANY(%(ids)s)
    """
    return {
        edition_id: (code, _title(edition_id, name, language))
        for edition_id, code, name in fetch_rows(_edition, statement, {"ids": edition_ids})
    }


def _edition(edition_id: int, code: str, name: str) -> tuple[int, str, str]:
    return edition_id, code, name


def currency_of_utility() -> str:
    """The currency of the utility's tariffs; all of them share one. Empty before the first tariff."""
    found = fetch_row(str, "SELECT currency FROM tariffs_tariff ORDER BY id LIMIT 1", {})
    return found or ""


def service_of_utility() -> str:
    """The service of the utility's first tariff. Empty before it."""
    found = fetch_row(str, "SELECT service FROM tariffs_tariff ORDER BY id LIMIT 1", {})
    return found or ""


def unit_of_quantity(*, edition_id: int, component: str) -> str:
    """The unit of what a component shows beside its amount; empty where it shows nothing."""
    return tariff_of_edition(edition_id=edition_id).quantity_unit(component)


def titles_of_components(*, edition_id: int, language: str) -> dict[str, str]:
    """Component's title in the language, else English, by name.

    Components without a title are left out. Where versions differ the latest counts.
    """
    titles: dict[str, str] = {}
    for version in tariff_of_edition(edition_id=edition_id).versions:
        for component in version.components:
            title = component.title.get(language.partition("-")[0]) or component.title.get("en")
            if title:
                titles[component.name] = title
    return titles
