"""The form by which an account moves out, and the order that it makes of what a clerk has typed."""

import hashlib
from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from mains.base import formats
from mains.billing.actions.settlements import FinalReading, MoveOrder
from mains.customers.actions.moves import NewPayer, NextTerms
from mains.customers.queries.records import AccountRecord, AgreementRecord, find_account
from mains.customers.values import Category
from mains.metering.queries.records import MeterRecord
from mains.metering.values import ReadingSource, Zone
from mains.network.values import Service
from mains.staff.values import Scope
from mains.tariffs.queries.names import find_tariff_id
from mains.tariffs.queries.records import list_tariffs, title_of
from mains.web.office.readings import SOURCES_BY_HAND

_READING = "reading_{}"
_TARIFF = "next_tariff_{}"


class MoveOutForm(forms.Form):
    """The last day, what the registers showed at its end, and who comes next."""

    last_date = forms.DateField(
        label=gettext_lazy("Last day"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy(
            "The account pays up to and including this day; the next one begins the day after."
        ),
    )
    supplies = forms.TypedMultipleChoiceField(
        label=gettext_lazy("What it leaves"), coerce=int, widget=forms.CheckboxSelectMultiple
    )
    source = forms.TypedChoiceField(
        label=gettext_lazy("Where the readings come from"),
        coerce=int,
        choices=[(source.value, source.label) for source in SOURCES_BY_HAND],
        initial=ReadingSource.OPERATOR.value,
    )
    is_estimate = forms.BooleanField(
        label=gettext_lazy("Settle by estimate where a reading is missing"),
        required=False,
        help_text=gettext_lazy("The forecast is corrected when a reading comes."),
    )
    next_number = forms.CharField(
        label=gettext_lazy("Account that takes over"),
        max_length=20,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("Its number. Leave it empty for a new customer, or when nobody comes next."),
    )
    next_name = forms.CharField(
        label=gettext_lazy("New customer who takes over"),
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("Customer and account are registered with the move."),
    )
    next_phone = forms.CharField(
        label=gettext_lazy("Phone of the new customer"),
        max_length=30,
        required=False,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "off"}),
    )
    next_category = forms.ChoiceField(
        label=gettext_lazy("Category of who takes over"),
        required=False,
        choices=[("", gettext_lazy("As it is now")), *Category.choices],
        help_text=gettext_lazy("A business that takes over a home, say, pays by another price."),
    )
    proof = forms.CharField(
        label=gettext_lazy("Evidence"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("Act of handing over, contract, letter: number and date."),
    )

    def __init__(
        self,
        *args: Any,
        account: AccountRecord,
        scope: Scope,
        supplies: Sequence[AgreementRecord],
        meters: Sequence[MeterRecord],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._account, self._scope = account, scope
        chosen = self.fields["supplies"]
        assert isinstance(chosen, forms.TypedMultipleChoiceField)
        chosen.choices = [
            (row.service_point_id, f"{row.service_point_code}, {row.address}") for row in supplies
        ]
        chosen.initial = [row.service_point_id for row in supplies]
        if len(supplies) < 2:
            del self.fields["supplies"]  # there is nothing to choose
        self._meters = {_READING.format(meter.register_id): meter for meter in meters}
        for name, meter in self._meters.items():
            self.fields[name] = _reading_field(meter)
        self._tariffs = {
            _TARIFF.format(service): service for service in sorted({row.service for row in supplies})
        }
        for name, service in self._tariffs.items():
            self.fields[name] = _tariff_field(service, is_only=len(self._tariffs) == 1)

    @property
    def readings(self) -> list[forms.BoundField]:
        """The fields of the registers."""
        return [self[name] for name in self._meters]

    @property
    def tariffs(self) -> list[forms.BoundField]:
        """The fields of the tariffs of who takes over, one for each service."""
        return [self[name] for name in self._tariffs]

    def clean(self) -> dict[str, Any]:
        """The next account by its number, within the person's scope; terms only for somebody."""
        data = super().clean() or {}
        number, name = data.get("next_number", "").strip(), data.get("next_name", "").strip()
        if number and name:
            self.add_error("next_name", _("Name an account or a new customer, not both."))
        if number:
            found = find_account(
                number=number, scope=self._scope, on_date=data.get("last_date") or self._account.opened_on
            )
            if found is None:
                self.add_error(
                    "next_number", _("There is no account %(number)s that you may see.") % {"number": number}
                )
            data["next_account"] = found
        return data

    def order(self) -> MoveOrder:
        """What was asked for; the form is valid."""
        data = self.cleaned_data
        found = data.get("next_account")
        name = data["next_name"].strip()
        tariffs = tuple(int(data[field]) for field in self._tariffs if data[field])
        return MoveOrder(
            account=self._account,
            last_date=data["last_date"],
            service_point_ids=tuple(data.get("supplies", ())),
            readings=tuple(
                FinalReading(register_id=meter.register_id, text_value=data[field])
                for field, meter in self._meters.items()
                if data[field]
            ),
            source=data["source"],
            is_estimate=data["is_estimate"],
            next_account_id=found.id if found else None,
            next_payer=NewPayer(name=name, phone=data["next_phone"]) if name else None,
            next_terms=NextTerms(tariff_ids=tariffs, category=data["next_category"])
            if tariffs or data["next_category"]
            else None,
            proof=data["proof"],
        )


def order_mark(order: MoveOrder) -> str:
    """A short text that is another one for every other order: what is posted is what was seen."""
    told = repr((order.account.id, order.last_date, order.service_point_ids, order.readings, order.source,
                 order.is_estimate, order.next_account_id, order.next_payer, order.next_terms,
                 order.proof))  # fmt: skip
    return hashlib.sha256(told.encode()).hexdigest()[:20]


def _tariff_field(service: str, *, is_only: bool) -> forms.ChoiceField:
    language = get_language() or "en"
    offered = [
        (str(find_tariff_id(code=tariff.code)), title_of(tariff, language=language))
        for tariff in list_tariffs()
        if tariff.service == service
    ]
    label = _("Tariff of who takes over")
    return forms.ChoiceField(
        label=label if is_only else f"{label}, {Service(service).label}",
        required=False,
        choices=[("", _("As it is now")), *offered],
    )


def _reading_field(meter: MeterRecord) -> forms.CharField:
    language = get_language() or "en"
    last = ""
    if meter.last_date is not None and meter.last_value_micro is not None:
        last = _("Last reading %(value)s on %(date)s") % {
            "value": formats.quantity_text(meter.last_value_micro, unit="", language=language),
            "date": formats.date_text(meter.last_date, language=language),
        }
    return forms.CharField(
        label=f"{meter.model} {meter.serial}, {Zone(meter.zone).label}",
        max_length=20,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        help_text=last,
    )
