"""What sellers and buyers state of themselves, as believed now for a date."""

from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from mains.base.rows import fetch_rows
from mains.integrations.einvoice.models import BuyerLegalData, SellerLegalData
from mains.integrations.einvoice.values.legal import BuyerData, PartyData, SellerData


@dataclass(frozen=True)
class SellerRecord:
    """A supplier of the registry with what its invoices state, empty where nothing is recorded."""

    code: str
    name: str
    tax_number: str
    bank_account: str
    bank_code: str
    data: SellerData
    is_recorded: bool


_SELLERS = """
SELECT id, code, name, tax_number, bank_account, bank_code FROM customers_party
WHERE kind IN ('utility', 'supplier') ORDER BY name, id
"""


def list_sellers(*, on_date: date) -> list[SellerRecord]:
    """The utility and its suppliers, by name."""
    found = []
    for row in fetch_rows(_row, _SELLERS, {}):
        data = find_seller_data(party_id=row[0], on_date=on_date)
        _id, code, name, tax_number, bank_account, bank_code = row
        found.append(
            SellerRecord(
                code=code,
                name=name,
                tax_number=tax_number,
                bank_account=bank_account,
                bank_code=bank_code,
                data=data or SellerData(),
                is_recorded=data is not None,
            )
        )
    return found


def _row(*values: Any) -> tuple[Any, ...]:
    return values


def find_seller_data(*, party_id: int, on_date: date) -> SellerData | None:
    """What a supplier states on the date, or None where nothing is recorded."""
    row = SellerLegalData.objects.filter(
        party_id=party_id, superseded_at=None, valid__contains=on_date
    ).first()
    return None if row is None else SellerData(**_values(SellerData, row))


def find_buyer_data(*, customer_id: int, on_date: date) -> BuyerData | None:
    """What a customer states on the date, or None where nothing is recorded."""
    row = BuyerLegalData.objects.filter(
        customer_id=customer_id, superseded_at=None, valid__contains=on_date
    ).first()
    return None if row is None else BuyerData(**_values(BuyerData, row))


def _values(kind: type[PartyData], row: object) -> dict[str, Any]:
    return {field.name: getattr(row, field.name) for field in fields(kind)}
