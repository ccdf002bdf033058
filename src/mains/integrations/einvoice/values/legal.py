"""What the parties of an invoice state of themselves beyond what the registry has."""

from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _

from mains.kernel.errors import MainsError


class UnableToMakeInvoice(MainsError):
    """The bill cannot be stated as an electronic invoice: something is missing or does not fit the norm."""


class UntaxedCategory(models.TextChoices):
    """What lines without VAT are (UNTDID 5305)."""

    EXEMPT = "E", _("Exempt from VAT")
    ZERO = "Z", _("Zero rate of VAT")
    OUT_OF_SCOPE = "O", _("Outside the scope of VAT")


@dataclass(frozen=True, kw_only=True)
class PartyData:
    """What both parties state; empty where it is not known. Schemes are codes of ISO 6523 and of the list EAS."""

    legal_name: str = ""
    vat_number: str = ""
    registration: str = ""
    registration_scheme: str = ""
    endpoint: str = ""
    endpoint_scheme: str = ""
    street: str = ""
    city: str = ""
    postal_code: str = ""
    subdivision: str = ""
    country: str = ""


@dataclass(frozen=True, kw_only=True)
class SellerData(PartyData):
    """A supplier's own. `vat_components` are the tariffs' components that are VAT, beyond those called so;
    `tax_codes` national codes of other taxes as `component=code`, both separated by blanks."""

    legal_form: str = ""
    tax_office: str = ""
    contact_name: str = ""
    contact_phone: str = ""
    contact_email: str = ""
    iban: str = ""
    bic: str = ""
    untaxed_category: str = UntaxedCategory.EXEMPT.value
    exemption_reason: str = ""
    exemption_code: str = ""
    vat_components: str = ""
    tax_codes: str = ""


@dataclass(frozen=True, kw_only=True)
class BuyerData(PartyData):
    """A customer's own. `reference` is the buyer's reference (BT-10), in Germany the Leitweg-ID."""

    reference: str = ""
    is_reverse_charge: bool = False
