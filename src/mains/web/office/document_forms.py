"""Forms of the archive: what is sent, what a document is, what it proves."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from mains.documents.queries.records import UNKNOWN_KIND, list_kinds
from mains.documents.values import TITLE_LENGTH, SubjectKind
from mains.reporting.queries.archive.subjects import SubjectRecord
from mains.web.office.fact_forms import DayField

ACCEPTED = "image/jpeg,image/png,image/webp,application/pdf,text/plain"


def kind_choices() -> list[tuple[str, str]]:
    """The kinds of documents in the reader's language."""
    language = (get_language() or "en").replace("-", "_")
    names = {"zh_hans": "zh_Hans"}
    return [(kind.code, kind.name(names.get(language, language))) for kind in list_kinds()]


def subject_choices(subjects: Sequence[SubjectRecord]) -> list[tuple[str, str]]:
    """What documents may prove, by name."""
    return [(one.code, f"{SubjectKind(one.kind_code).label}: {one.text}") for one in subjects]


class DescriptionForm(forms.Form):
    """What a document is."""

    title = forms.CharField(label=gettext_lazy("Title"), max_length=TITLE_LENGTH)
    kind = forms.ChoiceField(label=gettext_lazy("Kind"))
    document_date = DayField(label=gettext_lazy("Date of the document"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["kind"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = kind_choices()


class UploadForm(DescriptionForm):
    """What is sent with files: the title may be empty, the files' names are taken then."""

    subject = forms.ChoiceField(label=gettext_lazy("What it proves something about"))

    def __init__(self, *args: Any, subjects: Sequence[SubjectRecord], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.subjects = {one.code: one.subject for one in subjects}
        self.fields["title"].required = False
        self.fields["title"].help_text = _("Empty: the name of the file.")
        self.fields["kind"].initial = UNKNOWN_KIND
        field = self.fields["subject"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = subject_choices(subjects)
