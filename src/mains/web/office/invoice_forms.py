"""Forms of collective, shared and advance invoices, and of a bill at the door."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from mains.base import formats
from mains.base.business_day import today
from mains.customers.queries.records import AccountRecord, find_account
from mains.customers.values import Category
from mains.invoicing.queries.advance_vat import list_providers
from mains.invoicing.values import MAX_INTERVAL
from mains.metering.queries.records import MeterRecord
from mains.metering.values import Zone
from mains.network.values import Service
from mains.staff.values import Scope

_DAY = {"type": "date"}
_READING = "reading_{}"


class AccountField(forms.CharField):
    """The number of an account within the person's scope; cleaned, the account."""

    def __init__(self, *, scope: Scope, **kwargs: Any) -> None:
        super().__init__(max_length=20, widget=forms.TextInput(attrs={"autocomplete": "off"}), **kwargs)
        self.scope = scope

    def clean(self, value: Any) -> Any:
        """The account, or a refusal that does not tell whether it exists elsewhere."""
        number = super().clean(value).strip()
        if not number:
            return None
        found = find_account(number=number, scope=self.scope, on_date=today())
        if found is None:
            raise forms.ValidationError(
                _("There is no account %(number)s that you may see.") % {"number": number}
            )
        return found


class GroupForm(forms.Form):
    """A new group and who pays for it."""

    code = forms.CharField(label=gettext_lazy("Code"), max_length=30)
    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)

    def __init__(self, *args: Any, scope: Scope, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["payer"] = AccountField(
            scope=scope,
            label=gettext_lazy("An account of the payer"),
            help_text=gettext_lazy("Its customer gets the invoices; they are in its unit."),
        )


class MemberForm(forms.Form):
    """An account that joins or leaves a group."""

    valid_from = forms.DateField(
        label=gettext_lazy("From"),
        widget=forms.DateInput(attrs=_DAY, format="%Y-%m-%d"),
        help_text=gettext_lazy("Bills of months that end on this day or later."),
    )
    proof = forms.CharField(label=gettext_lazy("Evidence"), max_length=200, required=False)

    def __init__(self, *args: Any, scope: Scope, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["account"] = AccountField(scope=scope, label=gettext_lazy("Account no."))
        self.order_fields(["account", "valid_from", "proof"])


class IssueForm(forms.Form):
    """The month of a collective invoice, and when it is due."""

    month = forms.DateField(
        label=gettext_lazy("Month"),
        input_formats=["%Y-%m"],
        widget=forms.DateInput(attrs={"type": "month"}, format="%Y-%m"),
    )
    due_on = forms.DateField(
        label=gettext_lazy("Due"),
        required=False,
        widget=forms.DateInput(attrs=_DAY, format="%Y-%m-%d"),
        help_text=gettext_lazy("Two weeks from today when left empty."),
    )


class ShareForm(forms.Form):
    """One more payer of an account's bills."""

    percent = forms.DecimalField(
        label=gettext_lazy("Percent"),
        max_digits=7,
        decimal_places=4,
        min_value=Decimal("0.0001"),
        max_value=100,
        required=False,
    )
    amount = forms.DecimalField(
        label=gettext_lazy("Or a fixed amount a month"),
        max_digits=14,
        decimal_places=2,
        min_value=Decimal("0.01"),
        required=False,
    )
    service = forms.ChoiceField(
        label=gettext_lazy("Service"),
        required=False,
        choices=[("", gettext_lazy("All services")), *Service.choices],
    )
    component = forms.CharField(
        label=gettext_lazy("Component"),
        max_length=40,
        required=False,
        help_text=gettext_lazy("The component's name in the tariff; empty for all."),
    )
    valid_from = forms.DateField(
        label=gettext_lazy("From"), widget=forms.DateInput(attrs=_DAY, format="%Y-%m-%d")
    )
    proof = forms.CharField(label=gettext_lazy("Evidence"), max_length=200, required=False)

    def __init__(self, *args: Any, scope: Scope, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["payer"] = AccountField(scope=scope, label=gettext_lazy("Payer's account"))
        self.order_fields(["payer", "percent", "amount", "service", "component", "valid_from", "proof"])

    def clean(self) -> dict[str, Any]:
        """One of percentage and amount."""
        data = super().clean() or {}
        if (data.get("percent") is None) == (data.get("amount") is None):
            self.add_error("percent", _("State a percentage or an amount."))
        return data


class AdvanceForm(forms.Form):
    """An advance by amount, or by the use that is expected."""

    service = forms.ChoiceField(label=gettext_lazy("Service"))
    amount = forms.DecimalField(
        label=gettext_lazy("Amount"),
        max_digits=14,
        decimal_places=2,
        min_value=Decimal("0.01"),
        required=False,
    )
    use = forms.DecimalField(
        label=gettext_lazy("Or use expected in a month"),
        max_digits=14,
        decimal_places=6,
        min_value=0,
        required=False,
    )
    months = forms.IntegerField(label=gettext_lazy("Months"), min_value=1, max_value=36, initial=1)
    due_on = forms.DateField(
        label=gettext_lazy("Due"),
        required=False,
        widget=forms.DateInput(attrs=_DAY, format="%Y-%m-%d"),
        help_text=gettext_lazy("Two weeks from today when left empty."),
    )
    note = forms.CharField(label=gettext_lazy("Note on the invoice"), max_length=200, required=False)

    def __init__(self, *args: Any, services: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = self.fields["service"]
        assert isinstance(chosen, forms.ChoiceField)
        chosen.choices = [(service, Service(service).label) for service in services]

    def clean(self) -> dict[str, Any]:
        """One of amount and use."""
        data = super().clean() or {}
        if (data.get("amount") is None) == (data.get("use") is None):
            self.add_error("amount", _("State an amount or a use."))
        return data


class IntervalForm(forms.Form):
    """How many months one bill covers, since when."""

    months = forms.IntegerField(
        label=gettext_lazy("Months on one invoice"),
        min_value=1,
        max_value=MAX_INTERVAL,
        initial=3,
        help_text=gettext_lazy("1: every month's bill is asked for by itself."),
    )
    valid_from = forms.DateField(
        label=gettext_lazy("From"), widget=forms.DateInput(attrs=_DAY, format="%Y-%m-%d")
    )
    closes_in = forms.DateField(
        label=gettext_lazy("First invoice for"),
        required=False,
        input_formats=["%Y-%m"],
        widget=forms.DateInput(attrs={"type": "month"}, format="%Y-%m"),
        help_text=gettext_lazy("The month that ends the first span when left empty."),
    )
    proof = forms.CharField(label=gettext_lazy("Evidence"), max_length=200, required=False)


class AccountIntervalForm(IntervalForm):
    """The account's own choice, with an instalment for each month in between."""

    instalment = forms.DecimalField(
        label=gettext_lazy("Instalment for each month in between"),
        max_digits=14,
        decimal_places=2,
        min_value=Decimal("0.01"),
        required=False,
    )
    service = forms.ChoiceField(label=gettext_lazy("Service of the instalment"), required=False)

    def __init__(self, *args: Any, services: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = self.fields["service"]
        assert isinstance(chosen, forms.ChoiceField)
        chosen.choices = [(service, Service(service).label) for service in services]
        self.order_fields(["months", "valid_from", "closes_in", "instalment", "service", "proof"])


class ClassIntervalForm(IntervalForm):
    """What holds for accounts of a class that choose nothing themselves."""

    category = forms.ChoiceField(label=gettext_lazy("Class"), choices=Category.choices)

    field_order = ("category", "months", "valid_from", "closes_in", "proof")


class AdvanceVatForm(forms.Form):
    """The VAT that falls due with advances for a supplier's service."""

    provider = forms.ChoiceField(label=gettext_lazy("Supplier"))
    service = forms.ChoiceField(label=gettext_lazy("Service"), choices=Service.choices)
    percent = forms.DecimalField(
        label=gettext_lazy("VAT, percent"),
        max_digits=6,
        decimal_places=4,
        min_value=0,
        max_value=Decimal("99.9999"),
        help_text=gettext_lazy("Of invoices that are issued from the day on; 0 for none."),
    )
    valid_from = forms.DateField(
        label=gettext_lazy("From"), widget=forms.DateInput(attrs=_DAY, format="%Y-%m-%d")
    )
    proof = forms.CharField(label=gettext_lazy("Evidence"), max_length=200, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = self.fields["provider"]
        assert isinstance(chosen, forms.ChoiceField)
        chosen.choices = list_providers()


class OnSiteForm(forms.Form):
    """What an officer sends from the door: time, readings, place and who."""

    captured_at = forms.DateTimeField(
        label=gettext_lazy("Read at"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    officer = forms.CharField(label=gettext_lazy("Officer"), max_length=100, required=False)
    latitude = forms.DecimalField(
        label=gettext_lazy("Latitude"),
        max_digits=9,
        decimal_places=6,
        min_value=-90,
        max_value=90,
        required=False,
    )
    longitude = forms.DecimalField(
        label=gettext_lazy("Longitude"),
        max_digits=9,
        decimal_places=6,
        min_value=-180,
        max_value=180,
        required=False,
    )
    is_estimate = forms.BooleanField(
        label=gettext_lazy("Bill by forecast what cannot be read"), required=False
    )
    key = forms.CharField(max_length=80, widget=forms.HiddenInput)

    def __init__(self, *args: Any, meters: Sequence[MeterRecord], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._meters = {_READING.format(meter.register_id): meter for meter in meters}
        for name, meter in self._meters.items():
            self.fields[name] = forms.CharField(
                label=f"{meter.model} {meter.serial}, {Zone(meter.zone).label}",
                max_length=20,
                required=False,
                widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
                help_text=_last(meter),
            )

    @property
    def readings(self) -> list[forms.BoundField]:
        """The fields of the registers."""
        return [self[name] for name in self._meters]

    def said(self) -> list[tuple[int, str]]:
        """Register and text of each reading; the form is valid."""
        return [
            (meter.register_id, self.cleaned_data[name])
            for name, meter in self._meters.items()
            if self.cleaned_data[name]
        ]

    def clean(self) -> dict[str, Any]:
        """Both coordinates or none."""
        data = super().clean() or {}
        if (data.get("latitude") is None) != (data.get("longitude") is None):
            self.add_error("longitude", _("Give both coordinates or none."))
        return data


def account_of(form: forms.Form, name: str) -> AccountRecord:
    """The account that a valid form names."""
    found = form.cleaned_data[name]
    assert isinstance(found, AccountRecord), "The field found an account."
    return found


def _last(meter: MeterRecord) -> str:
    if meter.last_date is None or meter.last_value_micro is None:
        return ""
    language = get_language() or "en"
    return _("Last reading %(value)s on %(date)s") % {
        "value": formats.quantity_text(meter.last_value_micro, unit="", language=language),
        "date": formats.date_text(meter.last_date, language=language),
    }
