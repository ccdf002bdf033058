"""Forms of administrators."""

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from mains.staff.queries.organisations import list_units
from mains.staff.queries.people import list_roles_with_people
from mains.web.office.access import OfficeRequest
from mains.web.office.fact_forms import DayField


class ReasonForm(forms.Form):
    """Why rights are changed; every change has a reason."""

    reason = forms.CharField(label=_("Reason"), max_length=200)


class GrantForm(ReasonForm):
    """A role in a unit, from a day on."""

    field_order: tuple[str, ...] = ("role", "unit", "valid_from", "valid_to", "reason")

    role = forms.ChoiceField(label=_("Role"))
    unit = forms.TypedChoiceField(label=_("Unit"), coerce=int)
    valid_from = DayField(label=_("From"))
    valid_to = DayField(
        label=_("Until"), required=False, help_text=_("First day without it; empty for no end.")
    )

    def __init__(self, *args: object, request: OfficeRequest, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["role"].choices = role_choices(request)  # type: ignore[attr-defined]
        self.fields["unit"].choices = unit_choices(request)  # type: ignore[attr-defined]


class PersonForm(GrantForm):
    """Somebody new, with their first role."""

    username = forms.CharField(label=_("User name"), max_length=150)
    first_name = forms.CharField(label=_("First name"), max_length=150)
    last_name = forms.CharField(label=_("Last name"), max_length=150)
    phone = forms.CharField(label=_("Phone"), max_length=30, required=False)
    email = forms.EmailField(label=_("E-mail"), required=False)
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    field_order = (
        "username",
        "first_name",
        "last_name",
        "phone",
        "email",
        "language",
        *GrantForm.field_order,
    )


class EndForm(ReasonForm):
    """From which day on a role ends."""

    end_date = DayField(label=_("First day without it"))


def role_choices(request: OfficeRequest) -> list[tuple[str, str]]:
    """Roles by name."""
    return [(role.code, role.name) for role in list_roles_with_people(on_date=request.today)]


def unit_choices(request: OfficeRequest) -> list[tuple[int, str]]:
    """Units that the administrator reaches, as a tree."""
    units = list_units(scope=request.scope, on_date=request.today)
    return [(unit.id, f"{'— ' * unit.depth}{unit.name}") for unit in units]
