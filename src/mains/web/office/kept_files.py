"""How kept files go out: nothing in them runs, every opening asks for the rights anew. The caller has checked them."""

from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotModified,
)
from django.utils.translation import gettext as _

from mains.base.wording import translate_message
from mains.documents.queries.files import UnableToOpenFile, open_file, read_small_picture
from mains.documents.values import FileKind

# Whatever a file contains, it runs and loads nothing when somebody opens it by itself.
FILE_POLICY = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"


def whole_file(request: HttpRequest, *, sha256: str, kind: FileKind) -> HttpResponseBase:
    """The file as it came. A picture opens in the browser; anything else is saved, for a sandbox cannot show it."""
    if request.headers.get("If-None-Match") == _mark(sha256):
        return _guarded(HttpResponseNotModified(), sha256)
    try:
        content = open_file(sha256=sha256)
    except UnableToOpenFile as error:
        raise Http404(translate_message(error.message)) from error
    charset = "; charset=utf-8" if kind is FileKind.TEXT else ""
    answer = FileResponse(content, content_type=kind.value + charset)
    way = "inline" if kind.is_picture else "attachment"
    answer["Content-Disposition"] = f'{way}; filename="{sha256[:12]}.{kind.ending}"'
    return _guarded(answer, sha256)


def small_picture(request: HttpRequest, *, sha256: str, kind: FileKind) -> HttpResponseBase:
    """A small picture without the place, the camera or remarks."""
    if not kind.is_picture:
        raise Http404(_("There is no such photo that you may see."))
    if request.headers.get("If-None-Match") == _mark(sha256):
        return _guarded(HttpResponseNotModified(), sha256)
    try:
        content = read_small_picture(sha256=sha256, kind=kind)
    except UnableToOpenFile as error:
        raise Http404(translate_message(error.message)) from error
    return _guarded(HttpResponse(content, content_type="image/jpeg"), sha256)


def _mark(sha256: str) -> str:
    return f'"{sha256}"'


def _guarded(answer: HttpResponseBase, sha256: str) -> HttpResponseBase:
    answer["Content-Security-Policy"] = FILE_POLICY
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cross-Origin-Resource-Policy"] = "same-origin"
    # Kept by the browser, but shown again only after the rights were looked at again.
    answer["Cache-Control"] = "private, no-cache"
    answer["ETag"] = _mark(sha256)
    return answer
