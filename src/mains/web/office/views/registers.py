"""Payment registers: uploaded, checked whole, shown with their totals, then accepted; and money in suspense."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from mains.base.wording import error_text
from mains.integrations.bank_files.intake import take_bank_file
from mains.integrations.bank_files.reading import sniff
from mains.kernel.errors import MainsError
from mains.payments.actions.acceptance import accept_register
from mains.payments.actions.mapping import load_mapping, mapping_codes
from mains.payments.actions.staging import stage_register
from mains.payments.actions.suspense import identify_receipt
from mains.payments.queries.bank_files import may_see_banks
from mains.payments.queries.receipts import sum_suspense
from mains.payments.queries.registers import find_register, list_register_rows, list_registers
from mains.payments.values import place_of
from mains.reporting.actions.ageing import rebuild_ageing
from mains.staff.values import Permission
from mains.tariffs.queries.records import currency_of_utility
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.clock import now
from mains.web.office.parts import Crumb

PAGE = 100
BYTES_MAX = 64 * 1024 * 1024


class UploadForm(forms.Form):
    """A register file and how its columns are described."""

    file = forms.FileField(
        label=gettext_lazy("Register or statement"),
        help_text=gettext_lazy("Statements of banks (camt, MT940, 1C) are known by their content."),
    )
    mapping = forms.ChoiceField(label=gettext_lazy("Format of a register"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = self.fields["mapping"]
        assert isinstance(chosen, forms.ChoiceField)
        chosen.choices = [(code, code) for code in mapping_codes()]

    def clean_file(self) -> Any:
        """The file, unless it is larger than a register can be."""
        file = self.cleaned_data["file"]
        if file.size > BYTES_MAX:
            raise forms.ValidationError(_("The file is larger than 64 MB. Split the register."))
        return file


@needs(Permission.IMPORT_PAYMENTS)
def registers(request: OfficeRequest) -> HttpResponse:
    """Registers, latest first, with the form that takes another one."""
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        return _stage(request, form)
    return _registers_page(request, form)


def _stage(request: OfficeRequest, form: UploadForm) -> HttpResponse:
    upload = form.cleaned_data["file"]
    content = upload.read()
    try:
        if sniff(content):
            return _stage_statement(request, content, upload.name)
        staged = stage_register(
            content=content,
            file_name=upload.name,
            mapping=load_mapping(form.cleaned_data["mapping"]),
            now=now(),
            actor_id=request.user.pk,
        )
    except MainsError as error:
        form.add_error("file", error_text(error))
        return _registers_page(request, form)
    return redirect("office:register", register_id=staged.pk)


def _stage_statement(request: OfficeRequest, content: bytes, file_name: str) -> HttpResponse:
    """A statement concerns the whole utility, so a person of one branch may not send it."""
    if not may_see_banks(request.scope):
        raise PermissionDenied("A statement is sent by people of the whole utility.")
    file_id = take_bank_file(content=content, file_name=file_name, now=now(), actor_id=request.user.pk)
    return redirect("office:bank_file", file_id=file_id)


def _registers_page(request: OfficeRequest, form: UploadForm) -> HttpResponse:
    before = request.GET.get("before", "")
    found = list_registers(
        scope=request.scope,
        before_id=int(before) if before.isdecimal() and len(before) < 18 else None,
        limit=PAGE + 1,
    )
    context = {
        "registers": found[:PAGE],
        "form": form,
        "suspense": sum_suspense(),
        "currency": currency_of_utility(),
        "next_url": f"?before={found[PAGE - 1].id}" if len(found) > PAGE else "",
    }
    return render(request, "office/registers.html", context)


@needs(Permission.IMPORT_PAYMENTS)
def register(request: OfficeRequest, register_id: int) -> HttpResponse:
    """A register with its totals, its faults or its payments, and the button that accepts it."""
    found = find_register(register_id=register_id, scope=request.scope)
    if found is None:
        raise Http404(_("There is no such register."))
    after = request.GET.get("after", "")
    rows = list_register_rows(
        register_id=register_id,
        scope=request.scope,
        after_line=int(after) if after.isdecimal() and len(after) < 10 else 0,
        limit=PAGE + 1,
        unknown_only=request.GET.get("unknown") == "1",
    )
    context = {
        "register": found,
        "faults": [(fault, place_of(fault, file_name=found.file_name)) for fault in found.faults],
        "rows": rows[:PAGE],
        "is_unknown_only": request.GET.get("unknown") == "1",
        "sees_all": request.scope.organisation_ids is None,
        "currency": currency_of_utility(),
        "next_url": f"?after={rows[PAGE - 1].line}" if len(rows) > PAGE else "",
        "crumbs": [Crumb(_("Payments"), reverse("office:registers")), Crumb(found.file_name)],
    }
    return render(request, "office/register.html", context)


@require_POST
@needs(Permission.IMPORT_PAYMENTS)
def accept(request: OfficeRequest, register_id: int) -> HttpResponse:
    """Accept a checked register. It concerns the whole utility, so a person of one branch may not."""
    if request.scope.organisation_ids is not None:
        raise PermissionDenied("A register is accepted by people of the whole utility.")
    try:
        accepted = accept_register(register_id=register_id, now=now(), actor_id=request.user.pk)
    except MainsError as error:
        messages.error(request, error_text(error))
    else:
        rebuild_ageing(on_date=request.today, now=now())
        messages.success(
            request,
            _("Accepted: %(count)s payments, %(unknown)s of them to suspense.")
            % {"count": accepted.receipt_count, "unknown": accepted.suspense_count},
        )
    return redirect("office:register", register_id=register_id)


@require_POST
@needs(Permission.IMPORT_PAYMENTS)
def identify(request: OfficeRequest, receipt_id: int) -> HttpResponse:
    """Give money in suspense to the account that it belongs to."""
    try:
        identify_receipt(
            receipt_id=receipt_id,
            account_number=request.POST.get("account", "").strip(),
            business_date=request.today,
            now=now(),
            scope=request.scope,
            actor_id=request.user.pk,
        )
    except MainsError as error:
        messages.error(request, error_text(error))
    else:
        messages.success(request, _("The payment is on the account now."))
    return redirect("office:suspense")
