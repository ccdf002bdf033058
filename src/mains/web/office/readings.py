"""The form that records a reading, and the way from its answer to a sentence for the clerk."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from mains.documents.values import FILE_BYTES_MAX, FileKind
from mains.metering.queries.records import MeterRecord
from mains.metering.values import ReadingSource, Zone

SOURCES_BY_HAND = (
    ReadingSource.OPERATOR,
    ReadingSource.CONTROL_VISIT,
    ReadingSource.FIELD,
    ReadingSource.PORTAL,
    ReadingSource.SMS,
    ReadingSource.RECEIPT,
)


class ReadingForm(forms.Form):
    """A reading as the customer or officer says it. The value is judged by the rules of metering, not here."""

    register = forms.TypedChoiceField(label=_("Meter and register"), coerce=int)
    reading_date = forms.DateField(
        label=_("Date"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("The last day that the reading includes."),
    )
    value = forms.CharField(
        label=_("Reading"),
        max_length=20,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    source = forms.TypedChoiceField(
        label=_("Where it comes from"),
        coerce=int,
        choices=[(source.value, source.label) for source in SOURCES_BY_HAND],
    )
    evidence = forms.CharField(
        label=_("Evidence"),
        max_length=200,
        required=False,
        help_text=_("Act number, who said it."),
    )
    photo = forms.FileField(
        label=_("Photo or scan"),
        required=False,
        widget=forms.FileInput(attrs={"accept": ",".join(FileKind.values)}),
        help_text=format_lazy(
            _("A JPEG, PNG or WebP picture or a PDF, at most {size} MB."), size=FILE_BYTES_MAX // 1024**2
        ),
    )

    def __init__(self, *args: Any, meters: Sequence[MeterRecord], today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        installed = [meter for meter in meters if meter.installed_to is None or meter.installed_to > today]
        chosen = self.fields["register"]
        assert isinstance(chosen, forms.TypedChoiceField)
        chosen.choices = [
            (meter.register_id, f"{meter.model} {meter.serial}, {Zone(meter.zone).label}")
            for meter in installed
        ]
        self.fields["reading_date"].initial = today


def reading_form(meters: Sequence[MeterRecord], *, today: date) -> ReadingForm | None:
    """An empty form; None when no meter is installed."""
    form = ReadingForm(meters=meters, today=today)
    chosen = form.fields["register"]
    assert isinstance(chosen, forms.TypedChoiceField)
    return form if chosen.choices else None
