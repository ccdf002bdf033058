"""What if: a draft tariff over the utility, started, watched and read in the browser. Nothing is posted."""

from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mains.base.formats import month_inside_text, month_text, number_text
from mains.base.wording import error_text, translate_message
from mains.billing.actions.whatif import cancel_whatif, start_whatif
from mains.billing.queries.records import latest_month
from mains.billing.queries.whatif.records import WhatIf, find_whatif, list_whatifs
from mains.billing.values import WhatIfStatus
from mains.customers.values import Category
from mains.kernel.errors import MainsError
from mains.reporting.queries.whatif import (
    PartChange,
    changes_of_accounts,
    changes_of_units,
    titles_of_components,
)
from mains.reporting.queries.whatif_files import WhatIfTables, whatif_csv, whatif_xlsx
from mains.staff.values import Permission
from mains.tariffs.queries.drafts import DraftRecord
from mains.tariffs.queries.records import currency_of_utility, list_tariff_names
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.clock import now
from mains.web.office.parts import Crumb
from mains.web.office.views.tariffs.opening import open_draft
from mains.web.office.views.turnover import parse_month
from mains.web.office.whatif_pictures import (
    money_classes_chart,
    parts_chart,
    percent_classes_chart,
    share_of,
)

BYTES_MAX = 512 * 1024
OPEN = (WhatIfStatus.WAITING, WhatIfStatus.RUNNING)


class WhatIfForm(forms.Form):
    """Which tariff, the draft in its place, and the months."""

    replaces = forms.ChoiceField(label=gettext_lazy("Tariff to replace"))
    file = forms.FileField(
        label=gettext_lazy("Draft as a file"),
        required=False,
        help_text=gettext_lazy("A tariff document, YAML."),
    )
    text = forms.CharField(
        label=gettext_lazy("or as text"),
        required=False,
        strip=False,
        widget=forms.Textarea({"rows": 8, "spellcheck": "false", "class": "font-monospace"}),
    )
    month_from = forms.CharField(label=gettext_lazy("From"), widget=forms.TextInput({"type": "month"}))
    month_to = forms.CharField(
        label=gettext_lazy("To"),
        widget=forms.TextInput({"type": "month"}),
        help_text=gettext_lazy("Months that are not billed yet are computed on forecast use."),
    )

    def __init__(self, *args: Any, draft: DraftRecord | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.draft = draft
        if draft is not None:
            del self.fields["file"], self.fields["text"]
        chosen = self.fields["replaces"]
        assert isinstance(chosen, forms.ChoiceField)
        chosen.choices = [
            (code, f"{name} ({code})") for code, name in list_tariff_names(language=get_language() or "en")
        ]

    def clean_file(self) -> Any:
        """The file, unless it is no document."""
        file = self.cleaned_data["file"]
        if file and file.size > BYTES_MAX:
            raise forms.ValidationError(_("The file is larger than 512 KB; a tariff document is not."))
        return file

    def clean(self) -> dict[str, Any]:
        """The months as dates, and the draft from either field."""
        data = super().clean() or {}
        for name in ("month_from", "month_to"):
            month = parse_month(data.get(name, ""))
            if month is None:
                self.add_error(name, _("Write the month as 2021-05."))
            data[name] = month
        if self.draft is not None:
            return data
        upload = data.get("file")
        data["document"] = upload.read().decode("utf-8", errors="replace") if upload else data.get("text", "")
        data["name"] = upload.name if upload else _("draft")
        if not data["document"].strip():
            self.add_error("text", _("Choose a file or paste the draft."))
        return data


@needs(Permission.RUN_BILLING, Permission.DRAFT_TARIFFS)
def whatifs(request: OfficeRequest) -> HttpResponse:
    """The earlier ones, and the form that starts another; `draft` in the address names one of the tariff editor."""
    usual = latest_month() or request.today.replace(day=1)
    draft = _draft(request)
    form = WhatIfForm(
        request.POST or None,
        request.FILES or None,
        draft=draft,
        initial={
            "replaces": draft.code if draft else "",
            "month_from": f"{usual:%Y-%m}",
            "month_to": f"{usual:%Y-%m}",
        },
    )
    problem: list[str] = []
    if request.method == "POST" and form.is_valid():
        try:
            started = _start(request, form.cleaned_data, draft)
        except MainsError as error:
            problem = (error_text(error) if error.code.startswith("whatif") else str(error)).splitlines()
        else:
            return redirect("office:whatif", whatif_id=started.pk)
    context = {"form": form, "problem": problem, "rows": list_whatifs(scope=request.scope)}
    context["draft"] = draft
    return render(request, "office/whatifs.html", context)


def _draft(request: OfficeRequest) -> DraftRecord | None:
    """The draft of the tariff editor that the address or the form names, as last saved."""
    told = request.POST.get("draft") or request.GET.get("draft", "")
    if not told:
        return None
    draft_id = int(told) if told.isdecimal() and len(told) < 18 else 0
    return open_draft(request, draft_id)


def _start(request: OfficeRequest, data: dict[str, Any], draft: DraftRecord | None) -> WhatIf:
    return start_whatif(
        documents=[] if draft else [(data["name"], data["document"])],
        drafts=[draft] if draft else [],
        month_from=data["month_from"],
        month_to=data["month_to"],
        scope=request.scope,
        now=now(),
        replaces=data["replaces"],
        created_by_id=request.user.pk,
    )


@needs(Permission.RUN_BILLING, Permission.DRAFT_TARIFFS)
def whatif(request: OfficeRequest, whatif_id: int) -> HttpResponse:
    """Its progress, asked for again every second by the page itself, or its result."""
    found = _find(request, whatif_id)
    if request.htmx:
        answer = render(request, "office/partials/whatif_progress.html", {"whatif": found})
        if found.status not in OPEN:
            answer["HX-Refresh"] = "true"
        return answer
    context = {
        "whatif": found,
        "is_open": found.status in OPEN,
        "may_see_drafts": Permission.SEE_TARIFF_DRAFTS in request.rights.permissions,
        "crumbs": [
            Crumb(_("What if"), reverse("office:whatifs")),
            Crumb(_months(found, request.LANGUAGE_CODE)),
        ],
    }
    if found.result:
        context |= _shown(request, found, found.result)
    return render(request, "office/whatif.html", context)


@require_POST
@needs(Permission.RUN_BILLING, Permission.DRAFT_TARIFFS)
def cancel(request: OfficeRequest, whatif_id: int) -> HttpResponse:
    """Stop one that waits or runs."""
    found = _find(request, whatif_id)
    if cancel_whatif(whatif_id=found.pk, now=now()):
        messages.success(request, _("The what-if was cancelled."))
    return redirect("office:whatif", whatif_id=found.pk)


@needs(Permission.RUN_BILLING, Permission.DRAFT_TARIFFS)
def whatif_csv_file(request: OfficeRequest, whatif_id: int) -> HttpResponse:
    """Revenue by part and the accounts that change most, as CSV."""
    return _file(request, whatif_id, "csv")


@needs(Permission.RUN_BILLING, Permission.DRAFT_TARIFFS)
def whatif_xlsx_file(request: OfficeRequest, whatif_id: int) -> HttpResponse:
    """The same as a spreadsheet."""
    return _file(request, whatif_id, "xlsx")


def _file(request: OfficeRequest, whatif_id: int, kind: str) -> HttpResponse:
    found = _find(request, whatif_id)
    if not found.result:
        raise Http404(_("This what-if has no result."))
    make, mime = {
        "csv": (whatif_csv, "text/csv; charset=utf-8"),
        "xlsx": (whatif_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    }[kind]
    answer = HttpResponse(make(_tables(request, found, found.result)), content_type=mime)
    answer["Content-Disposition"] = f'attachment; filename="what-if-{found.pk}.{kind}"'
    return answer


def _find(request: OfficeRequest, whatif_id: int) -> WhatIf:
    found = find_whatif(whatif_id=whatif_id, scope=request.scope)
    if found is None:
        raise Http404(_("There is no such what-if that you may see."))
    return found


def _months(found: WhatIf, language: str) -> str:
    first, last = (month_text(month, language=language) for month in (found.month_from, found.month_to))
    return first if first == last else f"{first} – {last}"


def _tables(
    request: OfficeRequest, found: WhatIf, result: dict[str, Any], *, whole: bool = True
) -> WhatIfTables:
    titles = titles_of_components(
        documents=[draft["document"] for draft in found.drafts], language=request.LANGUAGE_CODE
    )
    seen = request.rights.scope(Permission.SEE_ACCOUNTS)
    return WhatIfTables(
        parts=[
            (_("Months"), [_part(row, row["month"][:7]) for row in result["months"]]),
            (_("Classes"), [_part(row, _category(row["category"])) for row in result["classes"]]),
            (
                _("Units"),
                changes_of_units(
                    rows=result["units"], scope=request.scope, on_date=request.today, whole=whole
                ),
            ),
            (
                _("Components"),
                [_part(row, titles.get(row["component"], row["component"])) for row in result["components"]],
            ),
        ],
        worst=changes_of_accounts(rows=result["worst"], scope=seen),
        best=changes_of_accounts(rows=result["best"], scope=seen),
    )


def _part(row: dict[str, Any], name: str) -> PartChange:
    return PartChange(
        name,
        row.get("bills", 0),
        row["before_minor"],
        row["after_minor"],
        row.get("more", 0),
        row.get("less", 0),
    )


def _category(code: str) -> str:
    return str(Category(code).label) if code in Category.values else code


def _estimated_shares(result: dict[str, Any], language: str) -> list[str]:
    """For each month whose shares of common-house use are not its own: whence they are."""
    told = []
    for row in result["months"]:
        sources = [
            month_inside_text(date.fromisoformat(each), language=language)
            for each in row.get("shares_of", ())
        ]
        words = {
            "year_before": _("%(month)s: common-house use as in %(sources)s"),
            "average": _("%(month)s: common-house use as on the average of %(sources)s"),
            "none": _("%(month)s: no common-house use, for no month was balanced yet"),
        }
        if row.get("shares") in words:
            month = month_text(date.fromisoformat(row["month"]), language=language)
            told.append(words[row["shares"]] % {"month": month, "sources": ", ".join(sources)})
    return told


def _by_intervals_of_year_before(result: dict[str, Any], language: str) -> list[str]:
    """For each month to come: how many bills rest on intervals of a year before."""
    told = []
    for row in result["months"]:
        count = row.get("as_year_before", 0)
        words = ngettext("%(month)s: %(count)s bill", "%(month)s: %(count)s bills", count)
        if count:
            month = month_text(date.fromisoformat(row["month"]), language=language)
            told.append(words % {"month": month, "count": number_text(count, language=language)})
    return told


def _shown(request: OfficeRequest, found: WhatIf, result: dict[str, Any]) -> dict[str, Any]:
    tables = _tables(request, found, result, whole=False)
    months, classes, units, components = (parts for _title, parts in tables.parts)
    currency = currency_of_utility()
    change = result["after_minor"] - result["before_minor"]
    return {
        "result": result,
        "currency": currency,
        "change_minor": change,
        "refusal": translate_message(result["refused"][0]["message"]) if result["refused"] else "",
        "share": share_of(change, result["before_minor"]),
        "is_forecast": any(row["is_projected"] for row in result["months"]),
        "estimated_shares": _estimated_shares(result, request.LANGUAGE_CODE),
        "by_intervals_of_year_before": _by_intervals_of_year_before(result, request.LANGUAGE_CODE),
        "percentiles": [(p, minor) for p, minor in result["percentiles"].items()],
        "charts": [
            money_classes_chart(result=result, currency=currency),
            percent_classes_chart(result=result),
            parts_chart(
                key="whatif-classes",
                title=_("Revenue by class"),
                label=_("Class"),
                parts=classes,
                currency=currency,
            ),
            parts_chart(
                key="whatif-units",
                title=_("Revenue by unit"),
                label=_("Unit"),
                parts=units,
                currency=currency,
            ),
        ],
        "months": months,
        "components": components,
        "worst": tables.worst,
        "best": tables.best,
    }
