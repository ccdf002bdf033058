"""Photos of readings: the file as it came, and a small picture of it; only to those who see what it proves."""

from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase, HttpResponseNotModified
from django.utils.translation import gettext as _

from mains.base.wording import translate_message
from mains.documents.queries.files import UnableToOpenFile, open_file, read_small_picture
from mains.metering.queries.photos import PhotoRecord, find_photo
from mains.reporting.queries.worklists import find_held_reading
from mains.staff.values import Permission
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.views.meters import is_reading_seen

# Whatever a file contains, it runs and loads nothing when somebody opens it by itself.
FILE_POLICY = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"


@needs(Permission.SEE_ACCOUNTS)
def photo(request: OfficeRequest, photo_id: int) -> HttpResponseBase:
    """The file as it came. A picture opens in the browser; a document is saved, for a sandbox cannot show it."""
    found = _seen(request, photo_id)
    if request.headers.get("If-None-Match") == _mark(found):
        return _guarded(HttpResponseNotModified(), found)
    try:
        content = open_file(sha256=found.sha256)
    except UnableToOpenFile as error:
        raise Http404(translate_message(error.message)) from error
    answer = FileResponse(content, content_type=found.kind.value)
    way = "inline" if found.kind.is_picture else "attachment"
    answer["Content-Disposition"] = f'{way}; filename="{found.sha256[:12]}.{found.kind.ending}"'
    return _guarded(answer, found)


@needs(Permission.SEE_ACCOUNTS)
def small_photo(request: OfficeRequest, photo_id: int) -> HttpResponseBase:
    """A small picture without the place, the camera or remarks."""
    found = _seen(request, photo_id)
    if not found.kind.is_picture:
        raise Http404(_("There is no such photo that you may see."))
    if request.headers.get("If-None-Match") == _mark(found):
        return _guarded(HttpResponseNotModified(), found)
    try:
        content = read_small_picture(sha256=found.sha256, kind=found.kind)
    except UnableToOpenFile as error:
        raise Http404(translate_message(error.message)) from error
    return _guarded(HttpResponse(content, content_type="image/jpeg"), found)


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


def _mark(photo: PhotoRecord) -> str:
    return f'"{photo.sha256}"'


def _guarded(answer: HttpResponseBase, photo: PhotoRecord) -> HttpResponseBase:
    answer["Content-Security-Policy"] = FILE_POLICY
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cross-Origin-Resource-Policy"] = "same-origin"
    # Kept by the browser, but shown again only after the rights were looked at again.
    answer["Cache-Control"] = "private, no-cache"
    answer["ETag"] = _mark(photo)
    return answer
