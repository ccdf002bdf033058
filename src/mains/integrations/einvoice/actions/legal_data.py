"""Record what a supplier or a customer states of itself on electronic invoices, from a day on."""

from dataclasses import asdict, replace
from datetime import date, datetime
from typing import TypeVar

from django.db import models
from stdnum import bic, iban
from stdnum.eu import vat

from mains.base.dated import record_fact
from mains.integrations.einvoice.models import BuyerLegalData, SellerLegalData
from mains.integrations.einvoice.values.codes import ADDRESS_SCHEMES
from mains.integrations.einvoice.values.legal import BuyerData, PartyData, SellerData
from mains.kernel.errors import MainsError

Data = TypeVar("Data", bound=PartyData)


class UnableToRecordLegalData(MainsError):
    """A number or code cannot be right; `params["field"]` names the field."""


def record_seller_data(
    *,
    party_id: int,
    data: SellerData,
    valid_from: date,
    now: datetime,
    actor: models.Model | None,
    proof: str = "",
) -> SellerLegalData:
    """What the supplier's invoices state from the day on. Raises UnableToRecordLegalData."""
    checked = _checked(data)
    checked = replace(
        checked,
        iban=_compact(checked.iban),
        bic=_compact(checked.bic),
        vat_components=" ".join(checked.vat_components.split()),
        tax_codes=" ".join(checked.tax_codes.split()),
    )
    if checked.iban and not iban.is_valid(checked.iban):
        raise _unable("iban", checked.iban, "The check digits of the IBAN do not fit.")
    if checked.bic and not bic.is_valid(checked.bic):
        raise _unable("bic", checked.bic, "A BIC has eight or eleven letters and digits.")
    for part in checked.tax_codes.split():
        if not all(part.partition("=")[::2]):
            raise _unable("tax_codes", part, "Write each tax as component=code.")
    return record_fact(
        model=SellerLegalData,
        subject={"party_id": party_id},
        values=asdict(checked),
        valid_from=valid_from,
        actor=actor,
        now=now,
        proof=proof,
    )


def record_buyer_data(
    *,
    customer_id: int,
    data: BuyerData,
    valid_from: date,
    now: datetime,
    actor: models.Model | None,
    proof: str = "",
) -> BuyerLegalData:
    """What invoices to the customer state from the day on. Raises UnableToRecordLegalData."""
    return record_fact(
        model=BuyerLegalData,
        subject={"customer_id": customer_id},
        values=asdict(_checked(data)),
        valid_from=valid_from,
        actor=actor,
        now=now,
        proof=proof,
    )


def _checked(data: Data) -> Data:
    """Without blanks around, codes in capitals, numbers by their check digits."""
    found = replace(
        data,
        **{name: " ".join(value.split()) for name, value in asdict(data).items() if isinstance(value, str)},
    )
    found = replace(
        found,
        country=found.country.upper(),
        vat_number=_compact(found.vat_number),
        endpoint_scheme=found.endpoint_scheme.upper(),
    )
    if found.country and not (len(found.country) == 2 and found.country.isalpha()):
        raise _unable("country", found.country, "A country is two letters, such as DE.")
    is_checked = found.vat_number[:2].lower() in vat.MEMBER_STATES | {"el"}
    if is_checked and not vat.is_valid(found.vat_number):
        raise _unable("vat_number", found.vat_number, "The check digit of the VAT number does not fit.")
    if bool(found.endpoint) != bool(found.endpoint_scheme):
        raise _unable("endpoint", found.endpoint, "An electronic address and its scheme belong together.")
    if found.endpoint_scheme and found.endpoint_scheme not in ADDRESS_SCHEMES:
        raise _unable("endpoint_scheme", found.endpoint_scheme, "This scheme of addresses is not known.")
    return found


def _compact(text: str) -> str:
    return "".join(text.split()).upper()


def _unable(field: str, value: str, message: str) -> UnableToRecordLegalData:
    return UnableToRecordLegalData(
        code=f"legal-data-{field.replace('_', '-')}",
        message=message,
        place=value,
        remedy="Copy it from the document again.",
        params={"field": field},
    )
