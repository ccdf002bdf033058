"""The forms that propose what happens to debts and credits besides payments."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from mains.base.formats import date_text, money_text
from mains.debt.actions.movements import Place
from mains.debt.queries.open_debts import OpenDebt, Supply
from mains.debt.values import RefundWay
from mains.network.values import Service
from mains.web.office.fact_forms import FigureField


class ProposalForm(forms.Form):
    """What all of them ask: how much, why, and on what document."""

    name = ""
    amount = FigureField(
        label=gettext_lazy("Amount"), min_value=Decimal("0.01"), decimal_places=2, max_digits=14
    )
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=200)
    document = forms.CharField(
        label=gettext_lazy("Document"),
        max_length=200,
        help_text=gettext_lazy("Number and date of the act, application or decision."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.auto_id = f"{self.name}_%s"

    @property
    def amount_minor(self) -> int:
        return int(self.cleaned_data["amount"] * 100)

    @property
    def told(self) -> dict[str, str]:
        return {"reason": self.cleaned_data["reason"], "document": self.cleaned_data["document"]}


class WriteOffForm(ProposalForm):
    name = "write_off"
    debt = forms.TypedChoiceField(label=gettext_lazy("Debt"), coerce=int)
    field_order = ("debt", "amount")

    def __init__(self, *args: Any, debts: Sequence[OpenDebt], currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _choice(self, "debt").choices = [(one.item_id, _debt_text(one, currency)) for one in debts]


class AcknowledgementForm(forms.Form):
    """A letter in which the customer acknowledges one debt, or all that were due."""

    debt = forms.TypedChoiceField(label=gettext_lazy("Debt"), coerce=int)
    acknowledged_on = forms.DateField(
        label=gettext_lazy("Acknowledged on"), widget=forms.DateInput(attrs={"type": "date"})
    )
    document = forms.CharField(
        label=gettext_lazy("Document"),
        max_length=200,
        help_text=gettext_lazy("Number and date of the letter or the signed reconciliation."),
    )

    def __init__(self, *args: Any, debts: Sequence[OpenDebt], currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _choice(self, "debt").choices = [
            (0, gettext_lazy("All debts that were due on the day")),
            *((one.item_id, _debt_text(one, currency)) for one in debts),
        ]

    @property
    def item_id(self) -> int | None:
        """The one debt; None for all."""
        return self.cleaned_data["debt"] or None


class RefundForm(ProposalForm):
    name = "refund"
    credit = forms.ChoiceField(label=gettext_lazy("Out of the credit"))
    way = forms.ChoiceField(label=gettext_lazy("Paid"), choices=RefundWay.choices)
    payee = forms.CharField(label=gettext_lazy("Payee"), max_length=140, required=False)
    payee_account = forms.CharField(
        label=gettext_lazy("Payee's account (IBAN)"),
        max_length=40,
        required=False,
        help_text=gettext_lazy("For a refund by bank."),
    )
    field_order = ("credit", "amount", "way", "payee", "payee_account")

    def __init__(self, *args: Any, supplies: Sequence[Supply], currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _choice(self, "credit").choices = _credits(supplies, currency)


class TransferForm(ProposalForm):
    name = "transfer"
    what = forms.ChoiceField(label=gettext_lazy("What moves"))
    to_account = forms.CharField(
        label=gettext_lazy("To account"),
        max_length=20,
        required=False,
        help_text=gettext_lazy("Empty: it stays on this account and moves to another service."),
    )
    to_place = forms.ChoiceField(label=gettext_lazy("To service"), required=False)
    field_order = ("what", "amount", "to_account", "to_place")

    def __init__(
        self,
        *args: Any,
        debts: Sequence[OpenDebt],
        supplies: Sequence[Supply],
        currency: str,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._debts = {f"debt:{one.item_id}": one for one in debts}
        _choice(self, "what").choices = [
            *_credits(supplies, currency),
            *((key, _debt_text(one, currency)) for key, one in self._debts.items()),
        ]
        _choice(self, "to_place").choices = [
            ("", _("The same service and provider")),
            *((_key(one), _supply_text(one)) for one in supplies),
        ]

    def place(self, account_id: int) -> tuple[Place, int | None]:
        """Where it comes from, and the debt that moves, None for a credit."""
        debt = self._debts.get(self.cleaned_data["what"])
        if debt is None:
            return read_place(account_id, self.cleaned_data["what"]), None
        here = Place(account_id=account_id, provider_id=debt.provider_id, service=debt.service)
        return here, debt.item_id

    def target(self, here: Place, account_id: int) -> Place:
        """Where it goes."""
        if self.cleaned_data["to_place"]:
            return read_place(account_id, self.cleaned_data["to_place"])
        return Place(account_id=account_id, provider_id=here.provider_id, service=here.service)


def read_place(account_id: int, key: str) -> Place:
    """The place that a checked choice names."""
    provider, _colon, service = key.partition(":")
    return Place(account_id=account_id, provider_id=int(provider), service=service)


def _choice(form: forms.Form, name: str) -> forms.ChoiceField:
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    return field


def _key(one: Supply) -> str:
    return f"{one.provider_id}:{one.service}"


def _credits(supplies: Sequence[Supply], currency: str) -> list[tuple[str, str]]:
    return [
        (
            _key(one),
            _("Credit %(amount)s, %(supply)s")
            % {"amount": _money(one.credit_minor, currency), "supply": _supply_text(one)},
        )
        for one in supplies
        if one.credit_minor > 0
    ]


def _supply_text(one: Supply) -> str:
    service = Service(one.service).label if one.service in Service.values else one.service
    return f"{service}, {one.provider_name}" if one.provider_name else str(service)


def _debt_text(one: OpenDebt, currency: str) -> str:
    service = Service(one.service).label if one.service in Service.values else one.service
    return _("Debt %(amount)s of %(day)s, %(service)s") % {
        "amount": _money(one.outstanding_minor, currency),
        "day": date_text(one.due_date, language=get_language() or "en"),
        "service": service,
    }


def _money(minor: int, currency: str) -> str:
    return money_text(minor, currency=currency, language=get_language() or "en")
