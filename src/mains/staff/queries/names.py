"""Units and people by the names that files and commands use."""

from mains.base.rows import fetch_rows


def find_unit_id(*, code: str) -> int | None:
    """The id of the unit of that code."""
    rows = fetch_rows(int, "SELECT id FROM staff_organisation WHERE code = %(code)s", {"code": code})
    return rows[0] if rows else None


def find_user_id(*, user_name: str) -> int | None:
    """The id of the active person of that user name."""
    statement = "SELECT id FROM staff_user WHERE username = %(name)s AND is_active"
    rows = fetch_rows(int, statement, {"name": user_name})
    return rows[0] if rows else None


def codes_of_units() -> dict[int, str]:
    """The code of every unit of the utility by id."""
    return dict(fetch_rows(_coded, "SELECT id, code FROM staff_organisation", {}))


def _coded(unit_id: int, code: str) -> tuple[int, str]:
    return unit_id, code
