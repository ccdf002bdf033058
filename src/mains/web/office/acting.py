"""What pages of money do alike: act and say what came of it, keep to people of the whole utility, read what addresses
ask for, hand over files."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from types import MappingProxyType

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from mains.base.wording import error_text
from mains.kernel.errors import MainsError
from mains.reporting.queries.statement_files import (
    StatementTable,
    statement_csv,
    statement_pdf,
    statement_xlsx,
)
from mains.web.office.access import OfficeRequest

SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMS: Mapping[str, tuple[Callable[[StatementTable], bytes], str]] = MappingProxyType(
    {
        "csv": (statement_csv, "text/csv; charset=utf-8"),
        "xlsx": (statement_xlsx, SPREADSHEET),
        "pdf": (statement_pdf, "application/pdf"),
    }
)
"""The forms in which a table is taken away: what writes it, and its type."""


def act_and_return(
    request: OfficeRequest, act: Callable[[], object], *, done: str, page: str
) -> HttpResponse:
    """Act, say what came of it, and go back to a page, named or by its address."""
    try:
        act()
    except MainsError as error:
        messages.error(request, error_text(error))
    else:
        messages.success(request, done)
    return redirect(page)


def sees_whole(request: OfficeRequest) -> bool:
    """Whether the person's right reaches the whole utility."""
    return request.scope.organisation_ids is None


def check_whole(request: OfficeRequest) -> None:
    """Books, settlements, collections and the like are those of the whole utility. Raises PermissionDenied."""
    if not sees_whole(request):
        raise PermissionDenied("This is for people of the whole utility.")


def day_of(text: str) -> date | None:
    """A day as the browser's field writes it."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def instant_of(text: str) -> datetime | None:
    """A local time as the browser's field writes it."""
    try:
        return timezone.make_aware(datetime.fromisoformat(text).replace(tzinfo=None))
    except (ValueError, OverflowError):
        return None


def is_key(text: str) -> bool:
    """Whether it can be the id of a row."""
    return text.isdecimal() and len(text) < 18


def file_response(content: bytes, name: str, kind: str) -> HttpResponse:
    """A file to keep."""
    response = HttpResponse(content, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def table_response(table: StatementTable, form: str, name: str) -> HttpResponse:
    """A table as the file of a form; not found where there is no such form."""
    if form not in FORMS:
        raise Http404(_("There is no such kind of file."))
    write, kind = FORMS[form]
    return file_response(write(table), f"{name}.{form}", kind)
