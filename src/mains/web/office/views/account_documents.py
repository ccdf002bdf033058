"""The documents of an account and of what belongs to it, and sending more."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mains.base.wording import error_text
from mains.documents.actions.archive import Described, file_document, title_of_file
from mains.documents.values import FILE_BYTES_MAX, Subject
from mains.kernel.errors import MainsError
from mains.reporting.queries.archive.documents import list_documents_of_account
from mains.reporting.queries.archive.subjects import list_missing, list_subjects
from mains.staff.values import Permission
from mains.web.office.access import OfficeRequest, is_unmasked, needs
from mains.web.office.clock import now
from mains.web.office.document_forms import ACCEPTED, UploadForm, kind_choices
from mains.web.office.uploads import was_cut
from mains.web.office.views.account import Book, book_page, open_book

FILES_MAX = 50


@dataclass(frozen=True)
class Outcome:
    """What became of one file: `text` says it, with its name as it was shown to the sender."""

    is_kept: bool
    text: str


@needs(Permission.SEE_ACCOUNTS)
def account_documents(request: OfficeRequest, number: str) -> HttpResponse:
    """What proves something of the account, and a place to drop more.

    Documents cannot be masked: who has to see masks may add some and sees none.
    """
    return _page(open_book(request, number))


@require_POST
@needs(Permission.RECORD_READINGS)
def add_documents(request: OfficeRequest, number: str) -> HttpResponseBase:
    """Keep the files that are sent, each by itself: one that is refused keeps no other out.

    A script that sends them one by one asks for JSON and gets what became of them.
    """
    book = open_book(request, number)
    if not book.may_record:
        raise PermissionDenied("This needs the permission record_readings.")
    form = _form(book, request)
    files = request.FILES.getlist("files")
    wants_data = request.headers.get("Accept") == "application/json"
    if was_cut(request):
        outcomes = [Outcome(is_kept=False, text=_("The files are too large together. Nothing was recorded."))]
    elif not form.is_valid():
        if not wants_data:
            return _page(book, form)
        outcomes = [
            Outcome(is_kept=False, text=" ".join(str(e) for errors in form.errors.values() for e in errors))
        ]
    elif not files or len(files) > FILES_MAX:
        outcomes = [Outcome(is_kept=False, text=_("Choose 1 to %(count)s files.") % {"count": FILES_MAX})]
    else:
        outcomes = [_kept(request, form, file) for file in files]
    if wants_data:
        status = 200 if all(one.is_kept for one in outcomes) else 422
        return JsonResponse({"texts": [one.text for one in outcomes]}, status=status)
    _say(request, outcomes)
    return redirect("office:account_documents", number=number)


def _kept(request: OfficeRequest, form: UploadForm, file: "UploadedFile[Any]") -> Outcome:
    told = form.cleaned_data
    name = title_of_file(file.name or "") or _("File")
    subject: Subject = form.subjects[told["subject"]]
    described = Described(
        title=told["title"] or name, kind_code=told["kind"], document_date=told["document_date"]
    )
    try:
        filed = file_document(
            chunks=file.chunks(), described=described, subjects=[subject], actor=request.user, now=now()
        )
    except MainsError as error:
        return Outcome(is_kept=False, text=f"{name}: {error_text(error)}")
    if filed.is_new:
        return Outcome(is_kept=True, text=_("%(name)s: kept.") % {"name": name})
    text = _("%(name)s: the archive has this file already; it is linked here too, under its own title.")
    return Outcome(is_kept=True, text=text % {"name": name})


def _say(request: OfficeRequest, outcomes: Sequence[Outcome]) -> None:
    kept = [one for one in outcomes if one.is_kept]
    if kept:
        text = ngettext("%(count)s file is kept.", "%(count)s files are kept.", len(kept))
        messages.success(request, text % {"count": len(kept)})
    for one in outcomes:
        if not one.is_kept:
            messages.error(request, one.text)


def _form(book: Book, request: OfficeRequest) -> UploadForm:
    subjects = list_subjects(account_id=book.account.id, sees_money=book.may_see_money)
    data = request.POST if request.method == "POST" else None
    return UploadForm(data, subjects=subjects, initial={"document_date": request.today}, auto_id="upload-%s")


def _page(book: Book, form: UploadForm | None = None) -> HttpResponse:
    account_id, is_shown = book.account.id, is_unmasked(book.request)
    language = (get_language() or "en").replace("zh-hans", "zh_Hans")
    return book_page(
        book,
        "office/account/documents.html",
        "account_documents",
        is_unmasked=is_shown,
        documents=list_documents_of_account(account_id=account_id, sees_money=book.may_see_money)
        if is_shown
        else [],
        kind_names=dict(kind_choices()),
        missing=list_missing(account_id=account_id, language=language),
        form=(form or _form(book, book.request)) if book.may_record else None,
        accepted=ACCEPTED,
        bytes_max=FILE_BYTES_MAX,
    )
