"""The form of an instalment plan: which debts, when, and in what instalments."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mains.base.formats import date_text, money_text
from mains.debt.queries.open_debts import OpenDebt
from mains.debt.queries.plan_drafts import INSTALMENTS_MAX, Wanted
from mains.debt.values import PlanKind
from mains.ledger.values import EntryKind
from mains.network.values import Service
from mains.web.office.fact_forms import DayField, FigureField


class PlanForm(forms.Form):
    """A plan for debts of an account; `replaces` is told by the page."""

    kind = forms.ChoiceField(label=gettext_lazy("Kind of plan"), choices=PlanKind.choices)
    debts = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Debts"), coerce=int, widget=forms.CheckboxSelectMultiple
    )
    start = DayField(label=gettext_lazy("From"))
    first = DayField(label=gettext_lazy("First instalment due"))
    count = forms.IntegerField(
        label=gettext_lazy("Number of instalments"), required=False, min_value=1, max_value=INSTALMENTS_MAX
    )
    amount = FigureField(
        label=gettext_lazy("Or an amount a month"),
        required=False,
        min_value=Decimal("0.01"),
        decimal_places=2,
        max_digits=14,
        help_text=gettext_lazy("Interest included; the last instalment takes the rest."),
    )
    down = FigureField(
        label=gettext_lazy("Down payment"),
        required=False,
        min_value=Decimal(0),
        decimal_places=2,
        max_digits=14,
    )
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=200)
    document = forms.CharField(
        label=gettext_lazy("Document"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("Of what a court or bailiff has ordered: its number and date."),
    )

    def __init__(
        self, *args: Any, debts: Sequence[OpenDebt], currency: str, language: str, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.auto_id = "plan_%s"
        field = cast("forms.TypedMultipleChoiceField", self.fields["debts"])
        field.choices = [
            (
                one.item_id,
                _("%(amount)s, due %(day)s: %(what)s, %(service)s")
                % {
                    "amount": money_text(one.outstanding_minor, currency=currency, language=language),
                    "day": date_text(one.due_date, language=language),
                    "what": EntryKind(one.kind).label,
                    "service": Service(one.service).label if one.service in Service.values else one.service,
                },
            )
            for one in debts
        ]

    def wanted(self, *, account_id: int, replaces_id: int | None) -> Wanted:
        """What the clean form asks for."""
        told = self.cleaned_data
        return Wanted(
            account_id=account_id,
            kind=PlanKind(told["kind"]),
            start_date=told["start"],
            first_due=told["first"],
            count=told["count"],
            amount_minor=None if told["amount"] is None else int(told["amount"] * 100),
            down_minor=int((told["down"] or 0) * 100),
            item_ids=tuple(told["debts"]),
            replaces_id=replaces_id,
        )
