"""Load a whole organisation, its roles and its people in bulk."""

import json
from datetime import date, datetime

import polars as pl
from adbc_driver_postgresql.dbapi import Connection

from mains.base.db import copy_frame, read_frame
from mains.base.loading import copy_facts

TABLES = (
    "staff_organisation",
    "staff_organisationplacement",
    "staff_role",
    "staff_user",
    "staff_assignment",
)
NO_PASSWORD = "!"  # noqa: S105 -- Django's mark of an unusable password


def load_units(*, units: pl.DataFrame, valid_from: date, known_at: datetime, connection: Connection) -> None:
    """Append organisation units and their places in the tree: id, code, name, kind, parent_id (null at the
    top).
    """
    copy_frame(units.drop("parent_id"), "staff_organisation", connection=connection)
    copy_facts(
        units.select(
            "parent_id",
            organisation_id="id",
            valid_from=pl.lit(valid_from),
            valid_to=pl.lit(None, pl.Date),
        ),
        "staff_organisationplacement",
        known_at=known_at,
        connection=connection,
    )


def load_roles(*, roles: pl.DataFrame, connection: Connection) -> None:
    """Append roles: code, name, permissions (List of String)."""
    texts = [json.dumps(permissions) for permissions in roles["permissions"].to_list()]
    frame = roles.select("code", "name").with_columns(permissions=pl.Series(texts, dtype=pl.String))
    copy_frame(frame, "staff_role", connection=connection)


def load_users(
    *,
    users: pl.DataFrame,
    assignments: pl.DataFrame,
    valid_from: date,
    known_at: datetime,
    connection: Connection,
) -> None:
    """Append people, who cannot sign in until somebody sets a password, and their assignments.

    users: id, username, first_name, last_name, phone, language. assignments: user_id, organisation_id, role
    (code of a loaded role).
    """
    no = pl.lit(value=False)
    frame = users.with_columns(
        password=pl.lit(NO_PASSWORD),
        is_superuser=no,
        is_staff=no,
        is_active=pl.lit(value=True),
        email=pl.lit(""),
        date_joined=pl.lit(known_at).cast(pl.Datetime("us", "UTC")),
    )
    copy_frame(frame, "staff_user", connection=connection)
    roles = read_frame("SELECT id AS role_id, code AS role FROM staff_role", connection=connection)
    facts = assignments.join(roles, on="role", how="left", maintain_order="left").drop("role")
    assert facts["role_id"].null_count() == 0, "Every assignment names a loaded role."
    copy_facts(
        facts.with_columns(valid_from=pl.lit(valid_from), valid_to=pl.lit(None, pl.Date)),
        "staff_assignment",
        known_at=known_at,
        connection=connection,
    )
