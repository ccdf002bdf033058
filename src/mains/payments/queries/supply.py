"""Whose money a payment is when no open item tells: the supply that an account's agreements name."""

from collections.abc import Sequence
from datetime import date

import polars as pl
from django.db import connection

from mains.base.columns import fetch_frame
from mains.staff.values import OrganisationKind

_SUPPLY = """
    SELECT a.id, a.organisation_id, coalesce(s.provider_id, 0), coalesce(s.service, '')
    FROM customers_account a
    LEFT JOIN LATERAL (
        SELECT g.provider_id, p.service
        FROM customers_agreement g JOIN network_servicepoint p ON p.id = g.service_point_id
        WHERE g.account_id = a.id AND g.superseded_at IS NULL
        ORDER BY g.valid @> %(on_date)s::date DESC, upper(g.valid) DESC NULLS FIRST, g.id
        LIMIT 1
    ) s ON true
    WHERE a.id = ANY(%(account_ids)s)
"""


def supply_of_accounts(*, account_ids: Sequence[int], on_date: date) -> pl.DataFrame:
    """account_id, organisation_id, provider_id, service: the agreement in force, else the last one, else 0
    and ''.
    """
    return fetch_frame(
        _SUPPLY,
        {"account_ids": list(account_ids), "on_date": on_date},
        schema={
            "account_id": pl.Int64,
            "organisation_id": pl.Int64,
            "provider_id": pl.Int64,
            "service": pl.String,
        },
    )


def utility_id() -> int:
    """Id of the utility itself, where bank and suspense are kept; 0 before there is an organisation tree."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM staff_organisation WHERE kind = %s ORDER BY id LIMIT 1",
            [OrganisationKind.UTILITY],
        )
        found = cursor.fetchone()
    return int(found[0]) if found else 0
