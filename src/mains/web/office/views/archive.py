"""The archive: search, one document with what it proves, filing, holds."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mains.base.wording import error_text
from mains.customers.queries.records import find_account
from mains.documents.actions.archive import (
    Described,
    describe_document,
    hold_document,
    link_document,
    release_hold,
    withdraw_link,
)
from mains.documents.values import Subject, SubjectKind
from mains.kernel.errors import MainsError
from mains.reporting.queries.archive.documents import (
    DocumentFilter,
    DocumentRecord,
    find_document,
    list_documents,
    list_links,
)
from mains.reporting.queries.archive.scope import ArchiveReader
from mains.staff.values import Permission
from mains.web.office.access import OfficeRequest, is_unmasked, needs
from mains.web.office.acting import act_and_return, day_of, is_key
from mains.web.office.clock import now
from mains.web.office.document_forms import DescriptionForm, kind_choices
from mains.web.office.kept_files import small_picture, whole_file
from mains.web.office.looking import note_opening
from mains.web.office.parts import Crumb

PAGE = 50


@needs(Permission.SEE_ACCOUNTS)
def archive(request: OfficeRequest) -> HttpResponse:
    """Documents by words, kind and date, latest first."""
    text, kind = request.GET.get("q", "").strip()[:200], request.GET.get("kind", "")
    after = request.GET.get("after", "")
    chosen = DocumentFilter(
        text=text,
        kind_code=kind,
        from_date=day_of(request.GET.get("from", "")),
        to_date=day_of(request.GET.get("to", "")),
        is_unfiled=request.GET.get("show") == "unfiled",
    )
    found = list_documents(
        reader=_reader(request), chosen=chosen, after_id=int(after) if is_key(after) else None, limit=PAGE + 1
    )
    kept = {name: request.GET[name] for name in ("q", "kind", "from", "to", "show") if request.GET.get(name)}
    context = {
        "documents": found[:PAGE],
        "chosen": chosen,
        "kinds": kind_choices(),
        "kind_names": dict(kind_choices()),
        "next_url": f"?{urlencode(kept | {'after': found[PAGE - 1].id})}" if len(found) > PAGE else "",
    }
    return render(request, "office/archive.html", context)


@needs(Permission.SEE_ACCOUNTS)
def document(request: OfficeRequest, document_id: int) -> HttpResponse:
    """One document: what it is, what it proves, who says so, and whether it is held."""
    found = _find(request, document_id)
    _note_opening(request, document_id)
    return _page(request, found)


@needs(Permission.SEE_ACCOUNTS)
def document_file(request: OfficeRequest, document_id: int) -> HttpResponseBase:
    """The file as it came."""
    found = _find_open(request, document_id)
    _note_opening(request, document_id)
    return whole_file(request, sha256=found.sha256, kind=found.file_kind)


@needs(Permission.SEE_ACCOUNTS)
def document_small(request: OfficeRequest, document_id: int) -> HttpResponseBase:
    """A small picture of it."""
    found = _find_open(request, document_id)
    return small_picture(request, sha256=found.sha256, kind=found.file_kind)


@require_POST
@needs(Permission.RECORD_READINGS)
def describe(request: OfficeRequest, document_id: int) -> HttpResponse:
    """Say anew what a document is."""
    found = _find_open(request, document_id)
    form = DescriptionForm(request.POST)
    if not form.is_valid():
        return _page(request, found, form)
    told = form.cleaned_data
    described = Described(title=told["title"], kind_code=told["kind"], document_date=told["document_date"])
    return act_and_return(
        request,
        lambda: describe_document(
            document_id=document_id, described=described, actor=request.user, now=now()
        ),
        done=_("The description is changed. What was said before is kept."),
        page=reverse("office:document", args=[document_id]),
    )


@require_POST
@needs(Permission.RECORD_READINGS)
def link(request: OfficeRequest, document_id: int) -> HttpResponse:
    """Link a document to an account of the person's units."""
    _find_open(request, document_id)
    number = request.POST.get("number", "").strip()[:40]
    account = find_account(number=number, scope=request.scope, on_date=request.today)
    if account is None:
        raise Http404(_("There is no account %(number)s that you may see.") % {"number": number})
    subject = Subject(SubjectKind.ACCOUNT, account.id)
    return act_and_return(
        request,
        lambda: link_document(document_id=document_id, subject=subject, actor=request.user, now=now()),
        done=_("The document is linked."),
        page=reverse("office:document", args=[document_id]),
    )


@require_POST
@needs(Permission.RECORD_READINGS)
def withdraw(request: OfficeRequest, document_id: int, link_id: int) -> HttpResponse:
    """Say why a document proves nothing of something after all. Without links it is for people of its inbox."""
    _find_open(request, document_id)
    if link_id not in {one.id for one in list_links(document_id=document_id, reader=_reader(request))}:
        raise Http404(_("There is no such link that you may see."))
    try:
        withdraw_link(link_id=link_id, reason=request.POST.get("reason", ""), actor=request.user, now=now())
    except MainsError as error:
        messages.error(request, error_text(error))
    else:
        messages.success(request, _("The link is withdrawn."))
    if find_document(document_id=document_id, reader=_reader(request)) is None:
        return redirect("office:archive")
    return redirect("office:document", document_id=document_id)


@require_POST
@needs(Permission.ADMINISTER)
def hold(request: OfficeRequest, document_id: int) -> HttpResponse:
    """Put a document on legal hold."""
    _find_open(request, document_id)
    return act_and_return(
        request,
        lambda: hold_document(
            document_id=document_id, reason=request.POST.get("reason", ""), actor=request.user, now=now()
        ),
        done=_("The document is on hold: it is not disposed of."),
        page=reverse("office:document", args=[document_id]),
    )


@require_POST
@needs(Permission.ADMINISTER)
def release(request: OfficeRequest, document_id: int) -> HttpResponse:
    """Lift the hold of a document."""
    _find_open(request, document_id)
    return act_and_return(
        request,
        lambda: release_hold(
            document_id=document_id, reason=request.POST.get("reason", ""), actor=request.user, now=now()
        ),
        done=_("The hold is lifted."),
        page=reverse("office:document", args=[document_id]),
    )


def _page(request: OfficeRequest, found: DocumentRecord, form: DescriptionForm | None = None) -> HttpResponse:
    initial = {"title": found.title, "kind": found.kind_code, "document_date": found.document_date}
    may_record = Permission.RECORD_READINGS in request.rights.permissions and found.disposed_at is None
    context: dict[str, Any] = {
        "document": found,
        "links": list_links(document_id=found.id, reader=_reader(request)),
        "kind_name": dict(kind_choices()).get(found.kind_code, found.kind_code),
        "form": (form or DescriptionForm(initial=initial)) if may_record else None,
        "may_hold": Permission.ADMINISTER in request.rights.permissions and found.disposed_at is None,
        "may_withdraw": may_record,
        "crumbs": [Crumb(_("Archive"), reverse("office:archive")), Crumb(found.title)],
    }
    return render(request, "office/document.html", context)


def _reader(request: OfficeRequest) -> ArchiveReader:
    """Documents cannot be masked: who has to see masks sees none. Raises PermissionDenied."""
    if not is_unmasked(request):
        raise PermissionDenied("Documents need the permissions see_names and see_contacts.")
    return ArchiveReader(accounts=request.scope, money=request.rights.scope(Permission.SEE_MONEY))


def _note_opening(request: OfficeRequest, document_id: int) -> None:
    """Who opens a document looks at the customers behind it."""
    links = list_links(document_id=document_id, reader=_reader(request))
    accounts = {link.account_id: link.account_number for link in links if link.superseded_at is None}
    for account_id, number in accounts.items():
        if account_id is not None:
            note_opening(request, account_id=account_id, number=number)


def _find(request: OfficeRequest, document_id: int) -> DocumentRecord:
    found = find_document(document_id=document_id, reader=_reader(request))
    if found is None:
        raise Http404(_("There is no such document that you may see."))
    return found


def _find_open(request: OfficeRequest, document_id: int) -> DocumentRecord:
    found = _find(request, document_id)
    if found.disposed_at is not None:
        raise Http404(_("The document was disposed of."))
    return found
