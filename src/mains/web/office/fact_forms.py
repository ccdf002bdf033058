"""The forms for what readings do not tell: errors of meters, acts of unmetered use, absences, conditions of
supply."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mains.base.formats import unit_text
from mains.base.units import UNIT_OF_SERVICE
from mains.base.wording import error_text
from mains.billing.queries.openings import BalancePlace
from mains.kernel.errors import MainsError
from mains.metering.queries.records import MeterRecord
from mains.metering.values import UnmeteredReason, Zone
from mains.network.values import AbsenceReason, Service
from mains.reporting.queries.bill_paper.wording import attribute_name
from mains.tariffs.queries.records import titles_of_components


@dataclass(frozen=True, kw_only=True)
class ToldByCondition:
    """An attribute that a condition may tell of a service point, and the words allowed; none for numbers.
    `demand_unit`: it is the highest demand of past months instead."""

    point_id: int
    service: str
    name: str
    words: tuple[str, ...]
    demand_unit: str = ""

    @property
    def label(self) -> str:
        """What is told, as people call it."""
        service, what = str(Service(self.service).label), attribute_name(self.name)
        if self.demand_unit:
            told = _("%(demand)s: highest of each past month, %(unit)s")
            what = told % {"demand": what, "unit": unit_text(self.demand_unit)}
        return f"{service}, {what}"


class FigureField(forms.DecimalField):
    """A number as people write it: with a comma or a point, and any minus."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
        super().__init__(widget=widget, **kwargs)

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str):
            value = value.replace(",", ".").replace("\N{MINUS SIGN}", "-").replace("\N{NO-BREAK SPACE}", "")
        return super().to_python(value)


class DayField(forms.DateField):
    """A day chosen from the browser's calendar."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **kwargs)


class FactForm(forms.Form):
    """What all of them have: a proof, and a way to show what an action refused beside the field that it names."""

    fields_of_errors: dict[str, str] = {}
    name = ""
    """By which its fields are told apart from those of other forms of the page."""

    proof = forms.CharField(
        label=gettext_lazy("Proof"),
        max_length=200,
        help_text=gettext_lazy("Number and date of the act, certificate or document."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.auto_id = f"{self.name}_%s"

    def refuse(self, error: MainsError) -> None:
        """Show what an action refused."""
        named = str(error.params.get("field", ""))
        field = self.fields_of_errors.get(named, named)
        self.add_error(field if field in self.fields else None, error_text(error))


class MeterErrorForm(FactForm):
    """A register that counted wrongly over some days."""

    name = "meter_error"
    fields_of_errors = {"valid_from": "first_day", "valid_to": "last_day"}
    field_order = ("register", "percent", "first_day", "last_day", "proof")

    register = forms.TypedChoiceField(label=gettext_lazy("Meter and register"), coerce=int)
    percent = FigureField(
        label=gettext_lazy("Error, %"),
        max_digits=7,
        decimal_places=2,
        help_text=gettext_lazy("What the meter counted too much; too little with a minus."),
    )
    first_day = DayField(label=gettext_lazy("First day"))
    last_day = DayField(
        label=gettext_lazy("Last day"),
        required=False,
        help_text=gettext_lazy("Empty: as long as the meter hangs there."),
    )

    def __init__(self, *args: Any, meters: Sequence[MeterRecord], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _choices(self, "register").choices = [
            (meter.register_id, f"{meter.model} {meter.serial}, {Zone(meter.zone).label}") for meter in meters
        ]


class UnmeteredUseForm(FactForm):
    """Use that no meter counted, over some days."""

    name = "unmetered_use"
    fields_of_errors = {
        "valid_from": "first_day",
        "valid_to": "last_day",
        "zone": "place",
        "service_point": "place",
    }
    field_order = ("place", "quantity", "reason", "first_day", "last_day", "proof")

    place = forms.ChoiceField(label=gettext_lazy("Service and zone"))
    quantity = FigureField(
        label=gettext_lazy("Quantity"),
        max_digits=15,
        decimal_places=6,
        help_text=gettext_lazy("On top of what the meter counted, spread evenly over the days."),
    )
    reason = forms.ChoiceField(label=gettext_lazy("Reason"), choices=UnmeteredReason.choices)
    first_day = DayField(label=gettext_lazy("First day"))
    last_day = DayField(label=gettext_lazy("Last day"))

    def __init__(
        self, *args: Any, points: Sequence[tuple[int, str]], meters: Sequence[MeterRecord], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        places = []
        for point_id, service in points:
            counted = {meter.zone for meter in meters if meter.service_point_id == point_id}
            zones = sorted(counted - {Zone.EXPORT}) or [int(Zone.TOTAL)]
            unit = unit_text(UNIT_OF_SERVICE[service])
            places += [
                (f"{point_id}:{zone}", f"{Service(service).label}, {Zone(zone).label}, {unit}")
                for zone in zones
            ]
        _choices(self, "place").choices = places


class AbsenceForm(FactForm):
    """Residents who are away for a time."""

    name = "absence"
    residents = forms.IntegerField(label=gettext_lazy("Residents absent"), min_value=1, max_value=1000)
    reason = forms.ChoiceField(label=gettext_lazy("Reason"), choices=AbsenceReason.choices)
    left_on = DayField(label=gettext_lazy("Day of leaving"))
    returned_on = DayField(
        label=gettext_lazy("Day of return"),
        help_text=gettext_lazy("Full days in between count, from six in a row on."),
    )
    field_order = ("residents", "reason", "left_on", "returned_on", "proof")


class ConditionForm(FactForm):
    """What tariffs read of a service point over some days: suspended supply, a measured room temperature."""

    name = "condition"
    fields_of_errors = {"valid_from": "first_day", "valid_to": "last_day", "name": "what"}
    field_order = ("what", "value", "first_day", "last_day", "proof")

    what = forms.ChoiceField(label=gettext_lazy("Condition"))
    value = forms.CharField(
        label=gettext_lazy("Value"),
        required=False,
        max_length=40,
        help_text=gettext_lazy("Empty: the condition does not hold on these days."),
    )
    first_day = DayField(label=gettext_lazy("First day"))
    last_day = DayField(
        label=gettext_lazy("Last day"), required=False, help_text=gettext_lazy("Empty: until further notice.")
    )

    def __init__(self, *args: Any, told: Sequence[ToldByCondition], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        words = sorted({word for each in told for word in each.words})
        _choices(self, "what").choices = [(f"{each.point_id}:{each.name}", each.label) for each in told]
        if words:
            self.fields["value"].help_text = _("One of %(words)s, or a number. Empty: it does not hold.") % {
                "words": ", ".join(words)
            }


class NodeFigureForm(FactForm):
    """A number that tariffs read of a node and all below it."""

    name = "node_figure"
    fields_of_errors = {"name": "figure", "valid_from": "first_day", "valid_to": "last_day"}
    field_order = ("figure", "value", "first_day", "last_day", "proof")

    figure = forms.CharField(
        label=gettext_lazy("Figure"),
        max_length=40,
        widget=forms.TextInput(attrs={"list": "figure-names", "autocomplete": "off"}),
        help_text=gettext_lazy("The name by which the tariff reads it, such as correction or calorific."),
    )
    value = FigureField(
        label=gettext_lazy("Value"),
        max_digits=15,
        decimal_places=6,
        min_value=0,
        help_text=gettext_lazy("In the unit that the tariff declares for it."),
    )
    first_day = DayField(label=gettext_lazy("First day"))
    last_day = DayField(
        label=gettext_lazy("Last day"),
        required=False,
        help_text=gettext_lazy("Empty: until another value is stated."),
    )


class MonthField(forms.DateField):
    """The first day of a month chosen from the browser's calendar."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateInput(attrs={"type": "month", "placeholder": "2021-05"}, format="%Y-%m")
        super().__init__(widget=widget, input_formats=["%Y-%m"], **kwargs)
        self.error_messages["invalid"] = gettext_lazy("Write the month as 2021-05.")


class OpeningBalanceForm(FactForm):
    """What is carried into a month by something else than a bill of Mains."""

    name = "opening_balance"
    fields_of_errors = {"balance": "place"}
    field_order = ("place", "month", "value", "proof")

    place = forms.ChoiceField(label=gettext_lazy("What is carried"))
    month = MonthField(
        label=gettext_lazy("Month that opens with it"),
        help_text=gettext_lazy("It counts before what the last bill left."),
    )
    value = FigureField(
        label=gettext_lazy("Value"),
        max_digits=15,
        decimal_places=6,
        help_text=gettext_lazy(
            "In the unit of the balance; with a minus where the tariff carries less than nothing."
        ),
    )

    def __init__(self, *args: Any, places: Sequence[BalancePlace], language: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["proof"].help_text = gettext_lazy("The statement or ruling that it comes from.")
        _choices(self, "place").choices = [
            (f"{place.service_point_id}:{place.name}", _balance_label(place, language=language))
            for place in places
        ]

    def chosen(self) -> tuple[int, str]:
        """Service point and balance."""
        point, _colon, name = self.cleaned_data["place"].partition(":")
        return int(point), name


def _balance_label(place: BalancePlace, *, language: str) -> str:
    titles = titles_of_components(edition_id=place.tariff_edition_id, language=language)
    named = titles.get(place.name) or place.name
    return ", ".join(filter(None, (named, unit_text(place.unit), place.point_code)))


def hundredths_of(percent: Decimal) -> int:
    """Hundredths of a percent."""
    return int(percent.scaleb(2))


def micro_of(quantity: Decimal) -> int:
    """10^-6 of a unit."""
    return int(quantity.scaleb(6))


def day_after(day: date | None) -> date | None:
    """The end of a stretch of days whose last day people name."""
    return None if day is None else date.fromordinal(day.toordinal() + 1)


def _choices(form: forms.Form, name: str) -> forms.ChoiceField:
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    return field
