"""A month of interval data as a file."""

from datetime import date

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _

from mains.metering.queries.interval_records import intervals_csv
from mains.staff.values import Permission
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.views.account import open_book


@needs(Permission.SEE_ACCOUNTS)
def intervals_csv_file(request: OfficeRequest, number: str) -> HttpResponse:
    """The intervals of `?month=2024-03`, of days on which the account paid for the point, in the form in which files of
    them are sent."""
    book = open_book(request, number)
    try:
        month = date.fromisoformat(f"{request.GET.get('month') or request.today.strftime('%Y-%m')}-01")
    except ValueError:
        raise Http404(_("There is no such month.")) from None
    response = HttpResponse(intervals_csv(book.interval_days(month)), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="intervals-{number}-{month:%Y-%m}.csv"'
    return response
