"""Write a draft: begin it, its form and its text, checked while typing, saved on command."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from mains.base.wording import error_text
from mains.kernel.errors import MainsError
from mains.staff.values import Permission
from mains.tariffs.actions.drafts import UnableToSaveDraft, begin_draft, save_draft
from mains.tariffs.queries.drafts import DraftRecord
from mains.tariffs.queries.records import currency_of_utility, find_tariff
from mains.tariffs.queries.starters import STARTERS, starter_text
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.clock import now
from mains.web.office.parts import Crumb
from mains.web.office.tariff_pages.fields import (
    COMPONENT_SETTINGS,
    HEADING_SETTINGS,
    PREFIX,
    FormPage,
    read_form,
    with_fields,
)
from mains.web.office.tariff_pages.operations import apply_operation
from mains.web.office.tariff_pages.wording import text_differences
from mains.web.office.views.tariffs.opening import (
    checked_context,
    draft_context,
    open_draft,
    require_everywhere,
)

NEWEST = 10**6
STARTER_WORDS = {
    "three-zones-tiers-vat": gettext_lazy("Three zones of the day, tiers over the whole use, VAT on top"),
    "one-price-vat": gettext_lazy("One price per unit, VAT on top"),
    "tiers-standing-vat": gettext_lazy("Tiers per month, standing charge per day, VAT on top"),
    "two-zones-vat-included": gettext_lazy("Day and night, VAT contained in the prices"),
    "demand-minimum-vat": gettext_lazy("Energy and demand with a minimum charge, VAT on top"),
    "water-norm": gettext_lazy("Water by meter, or by norm with increasing coefficient"),
    "heat-area-season": gettext_lazy("Heat by area and season, surcharge by storey height"),
    "gas-energy-vat": gettext_lazy("Gas: volume × correction × calorific value, excise, VAT on top"),
}


class BeginForm(forms.Form):
    """A new draft: a code, and what it starts from."""

    code = forms.CharField(
        label=gettext_lazy("Code of the tariff"),
        max_length=80,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
        help_text=gettext_lazy("Agreements name the tariff by its code. Letters, digits, - and _."),
    )
    title = forms.CharField(
        label=gettext_lazy("What this draft is for"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("Such as: prices from July, order 57."),
    )
    start = forms.ChoiceField(label=gettext_lazy("Start from"))

    def __init__(self, *args: Any, copied: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = self.fields["start"]
        assert isinstance(chosen, forms.ChoiceField)
        copies = [(f"copy:{copied}", _("A copy of tariff %(code)s") % {"code": copied})] if copied else []
        chosen.choices = [*copies, *((starter, STARTER_WORDS[starter]) for starter in STARTERS)]


@needs(Permission.DRAFT_TARIFFS)
def new_draft(request: OfficeRequest) -> HttpResponse:
    """Begin a tariff from a frequent form or as a copy of another (`copy` in the address)."""
    require_everywhere(request, Permission.DRAFT_TARIFFS)
    copied = request.POST.get("copied", "") or request.GET.get("copy", "")
    if copied and find_tariff(code=copied) is None:
        raise Http404(_("There is no tariff %(code)s.") % {"code": copied})
    form = BeginForm(request.POST or None, copied=copied)
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        if find_tariff(code=told["code"].strip()) is not None:
            form.add_error(
                "code", _("There is a tariff of this code. Open it and begin a draft of its next edition.")
            )
        else:
            try:
                draft = begin_draft(
                    code=told["code"],
                    title=told["title"],
                    document=_first_text(request, told["start"], told["code"].strip()),
                    actor=request.user,
                    now=now(),
                )
                return redirect("office:draft", draft_id=draft.pk)
            except MainsError as error:
                form.add_error("code", error_text(error))
    crumbs = [Crumb(_("Tariffs"), reverse("office:tariffs")), Crumb(_("New tariff"))]
    return render(request, "office/tariffs/new.html", {"form": form, "copied": copied, "crumbs": crumbs})


def _first_text(request: OfficeRequest, start: str, code: str) -> str:
    """The starter filled in, or the copied document under its new code."""
    from mains.tariffs.values.document_text import set_text

    if start.startswith("copy:"):
        source = find_tariff(code=start.removeprefix("copy:"))
        assert source is not None, "The form offers only tariffs that exist."
        return set_text(source.document, ("tariff",), code)
    return starter_text(
        starter=start,
        code=code,
        currency=currency_of_utility() or "EUR",
        valid_from=request.today.replace(day=1),
    )


@require_POST
@needs(Permission.DRAFT_TARIFFS)
def draft_of_tariff(request: OfficeRequest, code: str) -> HttpResponse:
    """Begin a draft of the next edition of a tariff."""
    require_everywhere(request, Permission.DRAFT_TARIFFS)
    found = find_tariff(code=code)
    if found is None:
        raise Http404(_("There is no tariff %(code)s.") % {"code": code})
    title = request.POST.get("title", "").strip() or _("Draft of %(name)s") % {"name": found.name}
    draft = begin_draft(code=code, title=title, document=found.document, actor=request.user, now=now())
    return redirect("office:draft", draft_id=draft.pk)


@needs(Permission.SEE_TARIFF_DRAFTS)
def draft(request: OfficeRequest, draft_id: int) -> HttpResponse:
    """The form view of the document as last saved."""
    found = open_draft(request, draft_id)
    return _form_page(request, found, text=found.document, version=_number(request, "version"))


@require_POST
@needs(Permission.DRAFT_TARIFFS)
def form(request: OfficeRequest, draft_id: int) -> HttpResponse:
    """The form with an entry more or less, or another version of it; nothing is stored."""
    found = open_draft(request, draft_id)
    text, problem = typed_document(request)
    operation, version = request.POST.get("do", ""), _number(request, "version")
    if not problem:
        try:
            text = apply_operation(text, operation, request.POST.dict())
            # A new version stands last, and is what the person wants to fill in.
            version = NEWEST if operation.startswith("add-version") else version
        except MainsError as error:
            problem = error_text(error)
    return _form_page(request, found, text=text, problem=problem, version=version)


def typed_document(request: HttpRequest) -> tuple[str, str]:
    """The document with what was typed into the fields, and what prevented a field from being put in."""
    text = request.POST.get("document", "").replace("\r\n", "\n")
    values = {name: value for name, value in request.POST.items() if name.startswith(PREFIX)}
    if not values:
        return text, ""
    try:
        return with_fields(text, {name: str(value) for name, value in values.items()}), ""
    except MainsError as error:
        return text, error_text(error)


def _form_page(
    request: OfficeRequest, found: DraftRecord, *, text: str, version: int | None, problem: str = ""
) -> HttpResponse:
    page: FormPage | None = None
    unreadable = ""
    try:
        page = read_form(text, version=version, today=request.today)
    except MainsError as error:
        unreadable = error_text(error)
    context = draft_context(request, found, current="draft") | checked_context(text, code=found.code)
    context |= {
        "page": page,
        "unreadable": unreadable,
        "problem": problem,
        "text": text,
        "is_changed": text != found.document,
        "revision": _number(request, "revision") or found.revision,
        "heading_settings": HEADING_SETTINGS,
        "component_settings": COMPONENT_SETTINGS,
    }
    template = "office/tariffs/_form.html" if request.htmx else "office/tariffs/form.html"
    return render(request, template, context)


def _number(request: OfficeRequest, name: str) -> int | None:
    told = request.POST.get(name) or request.GET.get(name, "")
    return int(told) if told.isdecimal() and len(told) < 10 else None


@needs(Permission.SEE_TARIFF_DRAFTS)
def draft_text(request: OfficeRequest, draft_id: int) -> HttpResponse:
    """The text view of the document as last saved."""
    found = open_draft(request, draft_id)
    return _text_page(request, found, text=found.document, revision=found.revision)


def _text_page(
    request: OfficeRequest, found: DraftRecord, *, text: str, revision: int, status: int = 200, **more: Any
) -> HttpResponse:
    context = draft_context(request, found, current="draft_text") | checked_context(text, code=found.code)
    context |= {"text": text, "revision": revision, "is_changed": text != found.document} | more
    return render(request, "office/tariffs/text.html", context, status=status)


@require_POST
@needs(Permission.SEE_TARIFF_DRAFTS)
def check(request: OfficeRequest, draft_id: int) -> HttpResponse:
    """The faults of what is typed, and the document that it makes; nothing is stored."""
    found = open_draft(request, draft_id)
    text, problem = typed_document(request)
    context = checked_context(text, code=found.code) | {"problem": problem, "draft": found}
    return render(request, "office/tariffs/_faults.html", context)


@require_POST
@needs(Permission.DRAFT_TARIFFS)
def save(request: OfficeRequest, draft_id: int) -> HttpResponse:
    """Store what is typed; when somebody saved since, both versions are shown and nothing is lost."""
    require_everywhere(request, Permission.DRAFT_TARIFFS)
    found = open_draft(request, draft_id)
    if "document" not in request.POST:
        return redirect("office:draft", draft_id=draft_id)
    text, problem = typed_document(request)
    view = "draft_text" if request.POST.get("view") == "text" else "draft"
    if problem:
        return _form_page(request, found, text=text, problem=problem, version=_number(request, "version"))
    try:
        save_draft(
            draft_id=draft_id,
            revision=_number(request, "revision") or 0,
            document=text,
            actor=request.user,
            now=now(),
        )
    except UnableToSaveDraft as error:
        if error.code != "draft-conflict":
            return _text_page(request, found, text=text, revision=0, status=400, problem=error_text(error))
        both = text_differences(found.document, text)
        return _text_page(
            request, found, text=text, revision=found.revision, status=409, conflict=both or [""]
        )
    messages.success(request, _("The draft is saved."))
    address = reverse(f"office:{view}", args=[draft_id])
    version = request.POST.get("version", "")
    return redirect(f"{address}?version={version}" if view == "draft" and version.isdecimal() else address)
