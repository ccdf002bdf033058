"""Who a bill is for, who is to be paid, and where: the registry's part of a bill."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from mains.base.rows import fetch_row, fetch_rows


@dataclass(frozen=True)
class Addressee:
    """The customer and account of a bill; `centre` is the unit that answers for the account."""

    account_id: int
    account_number: str
    customer_name: str
    language: str
    organisation_id: int
    centre: str


@dataclass(frozen=True)
class Payee:
    """The supplier with its bank; empty where the registry has nothing."""

    name: str
    tax_number: str
    bank_name: str
    bank_code: str
    bank_account: str
    correspondent_account: str


@dataclass(frozen=True)
class Place:
    """What an agreement is about: the point, its address and tariff."""

    agreement_id: int
    service_point_id: int
    point_code: str
    service: str
    postal_code: str
    city: str
    street: str
    house: str
    flat: str
    tariff_name: str
    currency: str
    provider_id: int
    takes_rest: bool


_ADDRESSEE = """
WITH RECURSIVE above AS (
    SELECT o.id, o.name, o.kind, 0 AS height FROM customers_account a
    JOIN staff_organisation o ON o.id = a.organisation_id WHERE a.id = %(id)s
    UNION ALL
    SELECT o.id, o.name, o.kind, above.height + 1 FROM above
    JOIN staff_organisationplacement p
        ON p.organisation_id = above.id AND p.superseded_at IS NULL AND p.valid @> %(on_date)s::date
    JOIN staff_organisation o ON o.id = p.parent_id
)
SELECT a.id, a.number, c.name, c.language, a.organisation_id,
       coalesce((SELECT name FROM above WHERE kind = 'centre' ORDER BY height LIMIT 1),
                (SELECT name FROM above WHERE height = 0))
FROM customers_account a JOIN customers_customer c ON c.id = a.customer_id
WHERE a.id = %(id)s
"""
_PLACES = """
SELECT g.id, s.id, s.code, s.service, b.postal_code, b.city, b.street, b.house, p.flat, t.name, t.currency,
       g.provider_id, s.takes_rest
FROM customers_agreement g
JOIN network_servicepoint s ON s.id = g.service_point_id
JOIN network_premise p ON p.id = s.premise_id
JOIN network_building b ON b.id = p.building_id
JOIN tariffs_tariff t ON t.id = g.tariff_id
WHERE g.id = ANY(%(ids)s) ORDER BY g.id
"""
_LATEST_AGREEMENT = """
SELECT id FROM customers_agreement WHERE account_id = %(id)s AND superseded_at IS NULL
ORDER BY lower(valid) DESC, id LIMIT 1
"""
_PAYEE = """
SELECT name, tax_number, bank_name, bank_code, bank_account, correspondent_account
FROM customers_party WHERE id = %(id)s
"""


def get_addressee(*, account_id: int, on_date: date) -> Addressee:
    """The customer of an account, with the unit that answered for it on the date."""
    found = fetch_row(Addressee, _ADDRESSEE, {"id": account_id, "on_date": on_date})
    assert found is not None  # a bill's account is never deleted
    return found


def list_places(*, agreement_ids: Sequence[int], account_id: int) -> list[Place]:
    """The places of the agreements; for none, the one of the account's latest agreement."""
    ids = list(agreement_ids) or fetch_rows(int, _LATEST_AGREEMENT, {"id": account_id})
    return fetch_rows(Place, _PLACES, {"ids": ids})


def get_payee(*, provider_id: int) -> Payee:
    """The party to be paid."""
    found = fetch_row(Payee, _PAYEE, {"id": provider_id})
    assert found is not None  # the agreement's foreign key holds it
    return found
