"""Photos of readings: the file as it came, and a small picture of it; only to those who see what it proves."""

from django.http import Http404, HttpResponseBase
from django.utils.translation import gettext as _

from mains.metering.queries.photos import PhotoRecord, find_photo
from mains.reporting.queries.worklists import find_held_reading
from mains.staff.values import Permission
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.kept_files import small_picture, whole_file
from mains.web.office.views.meters import is_reading_seen


@needs(Permission.SEE_ACCOUNTS)
def photo(request: OfficeRequest, photo_id: int) -> HttpResponseBase:
    """The file as it came."""
    found = _seen(request, photo_id)
    return whole_file(request, sha256=found.sha256, kind=found.kind)


@needs(Permission.SEE_ACCOUNTS)
def small_photo(request: OfficeRequest, photo_id: int) -> HttpResponseBase:
    """A small picture of it."""
    found = _seen(request, photo_id)
    return small_picture(request, sha256=found.sha256, kind=found.kind)


def _seen(request: OfficeRequest, photo_id: int) -> PhotoRecord:
    found = find_photo(photo_id=photo_id)
    is_seen = False
    if found is not None and found.reading_id is not None:
        is_seen = is_reading_seen(request, found.reading_id)
    elif found is not None and found.exception_id is not None:
        is_seen = find_held_reading(exception_id=found.exception_id, scope=request.scope) is not None
    if found is None or not is_seen:
        raise Http404(_("There is no such photo that you may see."))
    return found
