"""The forms by which contracts and rules are stated. Fields are texts, as files have them; the actions judge them."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mains.base.wording import error_text, sentences, translate_message
from mains.debt.queries.terms import list_key_rates
from mains.debt.values import Interruption
from mains.engine.tariff.errors import UnableToReadTariff
from mains.kernel.errors import MainsError
from mains.network.values import Service
from mains.settlement.queries.parties import names_of_parties
from mains.settlement.values import Cycle, Rounding
from mains.staff.queries.organisations import list_units
from mains.staff.queries.roles import list_roles
from mains.staff.values import ProposalKind
from mains.web.office.access import OfficeRequest
from mains.web.office.fact_forms import DayField

NESTED = "\N{EM SPACE}"
_ALL_SERVICES = ("", gettext_lazy("all services"))


class TermsForm(forms.Form):
    """What all of them have: the first day, the day on which it ends, and the document."""

    named_by: ClassVar[tuple[str, ...]] = ()
    """Fields that say what it is about."""
    fields_of_codes: ClassVar[dict[str, str]] = {}
    """Field by the code of what an action refuses."""

    valid_from = DayField(label=gettext_lazy("From"))
    valid_to = DayField(
        label=gettext_lazy("Ends on"),
        required=False,
        help_text=gettext_lazy("The first day on which it no longer holds. Empty: until further notice."),
    )
    proof = forms.CharField(
        label=gettext_lazy("Document"),
        max_length=200,
        help_text=gettext_lazy("The contract, the order or the article of law, with number and date."),
    )

    def __init__(self, *args: Any, request: OfficeRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order_fields(
            [*(name for name in self.fields if name not in TermsForm.base_fields), *TermsForm.base_fields]
        )
        self.request = request
        self.prepare()

    def prepare(self) -> None:
        """Fill in the choices that the data offer."""

    def choose(self, name: str, choices: Iterable[tuple[str, Any]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = list(choices)

    def content(self) -> dict[str, str]:
        """The fields of this kind, as texts."""
        return {
            name: str(value or "").strip()
            for name, value in self.cleaned_data.items()
            if name not in TermsForm.base_fields
        }

    def subject(self) -> str:
        """What it is about, as people read it."""
        words = []
        for name in self.named_by:
            value = self.cleaned_data[name]
            choices = dict(getattr(self.fields[name], "choices", ()))
            words.append(str(choices.get(value, value)) if value or name in choices else "")
        return ", ".join(word for word in words if word)

    def organisation_id(self) -> int | None:
        """The unit whose it is; None for the whole utility."""
        return None

    def refuse(self, error: MainsError) -> None:
        """Show what an action refused beside its field, or above the form."""
        if isinstance(error, UnableToReadTariff) and "document" in self.fields:
            for problem in error.problems:
                told = sentences(translate_message(problem.message), translate_message(problem.remedy))
                self.add_error("document", f"{problem.clause}: {told}")
            return
        named = self.fields_of_codes.get(error.code, str(error.params.get("field", "")))
        self.add_error(named if named in self.fields else None, error_text(error))


class ContractForm(TermsForm):
    """Whose money is shared by which percentages."""

    named_by = ("provider", "manager", "service")
    fields_of_codes: ClassVar[dict[str, str]] = {
        "contract-document": "number",
        "contract-shares": "shares",
        "contract-percent": "shares",
        "contract-party": "shares",
        "contract-number": "fee_percent",
        "contract-through": "manager",
        "fact-dates": "valid_to",
    }

    provider = forms.ChoiceField(label=gettext_lazy("Provider"))
    manager = forms.ChoiceField(
        label=gettext_lazy("Houses of"),
        required=False,
        help_text=gettext_lazy("Empty: all houses that no other contract is about."),
    )
    service = forms.ChoiceField(
        label=gettext_lazy("Service"), required=False, choices=[_ALL_SERVICES, *Service.choices]
    )
    number = forms.CharField(label=gettext_lazy("Number of the contract"), max_length=60)
    fee_percent = forms.CharField(
        label=gettext_lazy("Agent's fee, %"), required=False, max_length=10, initial="0"
    )
    rounding = forms.ChoiceField(label=gettext_lazy("The fee is rounded"), choices=Rounding.choices)
    shares = forms.CharField(
        label=gettext_lazy("Shares of the rest"),
        max_length=400,
        help_text=gettext_lazy("Code and percent of each party, as GEN:52; NET:48. They sum to 100."),
    )
    passes_through = forms.ChoiceField(
        label=gettext_lazy("Who is paid"),
        choices=[
            ("no", gettext_lazy("each party its share")),
            ("yes", gettext_lazy("the managing company for all")),
        ],
    )

    def prepare(self) -> None:
        parties = sorted(names_of_parties().values())
        told = [(code, f"{name} ({code})") for code, name in parties]
        self.choose("provider", told)
        self.choose("manager", [("", "—"), *told])


class PayeeForm(TermsForm):
    """When a party is paid, and on which account."""

    named_by = ("party",)
    fields_of_codes: ClassVar[dict[str, str]] = {
        "payee-account": "account",
        "payee-incomplete": "holder",
        "fact-dates": "valid_to",
    }

    party = forms.ChoiceField(label=gettext_lazy("Payee"))
    cycle = forms.ChoiceField(label=gettext_lazy("Is paid"), choices=Cycle.choices)
    minimum = forms.CharField(
        label=gettext_lazy("From how much on"),
        required=False,
        max_length=20,
        initial="0",
        help_text=gettext_lazy("What is less is carried to the next settlement."),
    )
    holder = forms.CharField(label=gettext_lazy("Holder of the account"), max_length=140)
    account = forms.CharField(
        label=gettext_lazy("Account at the bank"),
        max_length=40,
        help_text=gettext_lazy("IBAN, or a Russian account of 20 digits; check digits are tried."),
    )
    bank_code = forms.CharField(label=gettext_lazy("BIC or BIK of the bank"), required=False, max_length=20)

    def prepare(self) -> None:
        self.choose(
            "party", [(code, f"{name} ({code})") for code, name in sorted(names_of_parties().values())]
        )


class InterestForm(TermsForm):
    """How late debts grow."""

    named_by = ("service", "category")
    fields_of_codes: ClassVar[dict[str, str]] = {
        "key-rate-unknown": "key_rate",
        "interest-currency": "document",
        "fact-dates": "valid_to",
    }

    service = forms.ChoiceField(
        label=gettext_lazy("Service"), required=False, choices=[_ALL_SERVICES, *Service.choices]
    )
    category = forms.CharField(
        label=gettext_lazy("Category of customers"),
        required=False,
        max_length=30,
        help_text=gettext_lazy("As agreements name it. Empty: all others."),
    )
    key_rate = forms.ChoiceField(
        label=gettext_lazy("Published rate"),
        required=False,
        help_text=gettext_lazy("With it the rule states no rates of its own."),
    )
    document = forms.CharField(
        label=gettext_lazy("Rule"),
        max_length=4000,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "class": "is-code"}),
        help_text=gettext_lazy("As in the language of tariffs: steps by days overdue, factors, moratoria."),
    )

    def prepare(self) -> None:
        codes = sorted({one.code for one in list_key_rates()})
        self.choose("key_rate", [("", _("none: the rule has its own")), *((code, code) for code in codes)])


class RateForm(TermsForm):
    """A rate that others publish."""

    named_by = ("code",)
    fields_of_codes: ClassVar[dict[str, str]] = {"key-rate": "percent", "fact-dates": "valid_to"}

    code = forms.CharField(
        label=gettext_lazy("Name of the rate"),
        max_length=40,
        help_text=gettext_lazy("The name by which rules call it, such as cbr."),
    )
    percent = forms.CharField(label=gettext_lazy("Percent"), max_length=12)


class LimitationForm(TermsForm):
    """When debts can no longer be sued for."""

    named_by = ("service",)
    fields_of_codes: ClassVar[dict[str, str]] = {"limitation-years": "years", "fact-dates": "valid_to"}

    service = forms.ChoiceField(
        label=gettext_lazy("Service"), required=False, choices=[_ALL_SERVICES, *Service.choices]
    )
    years = forms.IntegerField(label=gettext_lazy("Years from the due date"), min_value=1, max_value=30)
    interruption = forms.ChoiceField(label=gettext_lazy("Starts anew by"), choices=Interruption.choices)


class LimitForm(TermsForm):
    """Up to which amount a role approves."""

    named_by = ("role", "what")
    fields_of_codes: ClassVar[dict[str, str]] = {"approval-limit": "amount", "fact-dates": "valid_to"}

    role = forms.ChoiceField(label=gettext_lazy("Role"))
    what = forms.ChoiceField(label=gettext_lazy("Approves"), choices=ProposalKind.choices)
    amount = forms.CharField(
        label=gettext_lazy("Up to"),
        max_length=20,
        help_text=gettext_lazy("Once one role has a limit, roles without one approve nothing of this kind."),
    )

    def prepare(self) -> None:
        self.choose("role", [(one.code, one.name) for one in list_roles()])


class TargetForm(TermsForm):
    """How much of what is billed is to be collected."""

    named_by = ("unit", "person")
    fields_of_codes: ClassVar[dict[str, str]] = {
        "target-subject": "unit",
        "target-unknown": "person",
        "target-percent": "percent",
        "fact-dates": "valid_to",
    }

    unit = forms.ChoiceField(label=gettext_lazy("Unit"), required=False)
    person = forms.CharField(
        label=gettext_lazy("Or a person, by user name"),
        required=False,
        max_length=150,
        help_text=gettext_lazy("Who answers for the accounts."),
    )
    percent = forms.CharField(label=gettext_lazy("To collect, percent of what is billed"), max_length=10)

    def prepare(self) -> None:
        units = list_units(scope=self.request.scope, on_date=self.request.today)
        self.ids = {one.code: one.id for one in units}
        told = [(one.code, f"{NESTED * one.depth}{one.name}") for one in units]
        self.choose("unit", [("", "—"), *told])
        if self.request.scope.organisation_ids is not None:
            del self.fields["person"]

    def content(self) -> dict[str, str]:
        return {"person": ""} | super().content()

    def subject(self) -> str:
        return super().subject() if "person" in self.fields else self._unit_name()

    def _unit_name(self) -> str:
        choices = dict(getattr(self.fields["unit"], "choices", ()))
        return str(choices.get(self.cleaned_data["unit"], "")).strip()

    def organisation_id(self) -> int | None:
        return self.ids.get(str(self.cleaned_data["unit"]))
