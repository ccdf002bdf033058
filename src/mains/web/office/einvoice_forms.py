"""The forms for what suppliers and customers state of themselves on electronic invoices."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from mains.base.wording import error_text
from mains.integrations.einvoice.values.codes import ADDRESS_SCHEMES
from mains.integrations.einvoice.values.legal import UntaxedCategory
from mains.kernel.errors import MainsError
from mains.web.office.fact_forms import DayField


def _text(label: Any, *, length: int, hint: Any = "") -> forms.CharField:
    return forms.CharField(label=label, max_length=length, required=False, help_text=hint)


class LegalDataForm(forms.Form):
    """What both parties state, and from which day on."""

    valid_from = DayField(label=gettext_lazy("Valid from"))
    legal_name = _text(
        gettext_lazy("Registered name"), length=200, hint=gettext_lazy("Empty: the name in the registry.")
    )
    vat_number = _text(
        gettext_lazy("VAT number"),
        length=30,
        hint=gettext_lazy("With the letters of its country, such as DE136695976."),
    )
    registration = _text(gettext_lazy("Number in the register of companies"), length=50)
    registration_scheme = _text(
        gettext_lazy("Scheme of that number"),
        length=4,
        hint=gettext_lazy("Code of ISO 6523, such as 0002; may be empty."),
    )
    endpoint = _text(gettext_lazy("Electronic address"), length=100)
    endpoint_scheme = forms.ChoiceField(
        label=gettext_lazy("Scheme of that address"),
        required=False,
        choices=[("", "–"), *((code, f"{code} {name}") for code, name in ADDRESS_SCHEMES.items())],
    )
    street = _text(gettext_lazy("Street and house"), length=200)
    city = _text(gettext_lazy("Town"), length=100)
    postal_code = _text(gettext_lazy("Postal code"), length=20)
    subdivision = _text(gettext_lazy("Region or district"), length=100)
    country = _text(gettext_lazy("Country"), length=2, hint=gettext_lazy("Two letters, such as DE."))

    def data_of_party(self) -> dict[str, Any]:
        """What the action takes: everything but the day."""
        return {name: value for name, value in self.cleaned_data.items() if name != "valid_from"}

    def refuse(self, error: MainsError) -> None:
        """Show what an action refused."""
        named = str(error.params.get("field", ""))
        self.add_error(named if named in self.fields else None, error_text(error))


class SellerForm(LegalDataForm):
    """A supplier."""

    legal_form = _text(gettext_lazy("Legal form and capital"), length=200)
    tax_office = _text(gettext_lazy("Tax office"), length=100)
    contact_name = _text(gettext_lazy("Contact"), length=100)
    contact_phone = _text(gettext_lazy("Phone"), length=40)
    contact_email = _text(gettext_lazy("E-mail"), length=120)
    iban = _text(
        gettext_lazy("IBAN"), length=42, hint=gettext_lazy("Empty: the bank account in the registry.")
    )
    bic = _text(gettext_lazy("BIC"), length=11)
    untaxed_category = forms.ChoiceField(
        label=gettext_lazy("Charges without VAT are"), choices=UntaxedCategory.choices
    )
    exemption_reason = _text(gettext_lazy("Reason for charging no VAT"), length=200)
    exemption_code = _text(
        gettext_lazy("Code of that reason"), length=30, hint=gettext_lazy("Of the list VATEX; may be empty.")
    )
    vat_components = _text(
        gettext_lazy("Components of tariffs that are VAT"),
        length=200,
        hint=gettext_lazy("Only those not called vat, kdv, nds, mwst, tva or so; separated by blanks."),
    )
    tax_codes = _text(
        gettext_lazy("National codes of other taxes"),
        length=200,
        hint=gettext_lazy("As component=code, separated by blanks."),
    )


class BuyerForm(LegalDataForm):
    """A customer."""

    reference = _text(
        gettext_lazy("Buyer's reference"),
        length=100,
        hint=gettext_lazy("In Germany the Leitweg-ID. Empty: the number of the account."),
    )
    is_reverse_charge = forms.BooleanField(
        label=gettext_lazy("The customer owes the VAT itself (reverse charge)"), required=False
    )
