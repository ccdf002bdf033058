"""What is held about a customer: handed out as one file, and erased as far as the law lets go."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from mains.base.wording import error_text
from mains.customers.queries.records import list_erasures
from mains.kernel.errors import MainsError
from mains.reporting.actions.erasure import erase_personal_data
from mains.reporting.queries.personal_data import find_erasable, personal_data_zip
from mains.staff.values import Permission
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.clock import now
from mains.web.office.views.account import book_page, open_book


@needs(Permission.HANDLE_PERSONAL_DATA)
def personal_data(request: OfficeRequest, number: str) -> HttpResponse:
    """What is held, what may be erased, what the law keeps."""
    book = open_book(request, number)
    customer_id = book.account.customer_id
    return book_page(
        book,
        "office/account/personal_data.html",
        "personal_data",
        erasable=find_erasable(customer_id=customer_id, on_date=request.today),
        erasures=list_erasures(customer_id=customer_id),
    )


@never_cache
@require_POST
@needs(Permission.HANDLE_PERSONAL_DATA)
def export(request: OfficeRequest, number: str) -> HttpResponse:
    """One ZIP with a PDF and every row as JSON. Posted, so that it is in the audit log."""
    book = open_book(request, number)
    content = personal_data_zip(customer_id=book.account.customer_id, now=now())
    answer = HttpResponse(content, content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="personal-data-{book.account.number}.zip"'
    return answer


@require_POST
@needs(Permission.HANDLE_PERSONAL_DATA)
def erase(request: OfficeRequest, number: str) -> HttpResponse:
    """Erase what the law lets go."""
    book = open_book(request, number)
    try:
        erase_personal_data(
            customer_id=book.account.customer_id,
            reason=request.POST.get("reason", ""),
            now=now(),
            actor_id=request.user.pk,
        )
    except MainsError as error:
        messages.error(request, error_text(error))
    else:
        messages.success(request, _("Erased; what the law keeps is listed below."))
    return redirect("office:personal_data", number=number)
