"""A limit on what is sent to a page, kept while it arrives: nothing larger reaches the disk."""

from collections.abc import Callable
from typing import Any

from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import HttpRequest, HttpResponse, HttpResponseBase

UPLOAD_BYTES_MAX = 32 * 1024 * 1024
"""All files of one request together; each use has its own, smaller limit."""

REQUEST_BYTES_MAX = 2 * UPLOAD_BYTES_MAX
"""What says of itself that it is larger is refused before any of it is read."""


def refuse_huge_requests(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: an upload of a gigabyte costs neither time nor memory. What is between the limits is read and thrown
    away, so that its sender is told on the page."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        told = request.META.get("CONTENT_LENGTH") or "0"
        if told.isascii() and told.isdecimal() and int(told[:20]) > REQUEST_BYTES_MAX:
            text = f"The request is larger than {REQUEST_BYTES_MAX // 1024**2} MB. Nothing was recorded.\n"
            return HttpResponse(text, status=413, content_type="text/plain; charset=utf-8")
        return get_response(request)

    return answer


class LimitedUploads(FileUploadHandler):
    """Stops taking files of a request that are too large together; `was_cut` tells the view."""

    def __init__(self, request: HttpRequest | None = None) -> None:
        super().__init__(request)
        self.taken = 0

    def receive_data_chunk(self, raw_data: bytes, _start: int) -> bytes:
        """Count what passes on to the handlers that keep it."""
        self.taken += len(raw_data)
        if self.taken > UPLOAD_BYTES_MAX:
            if self.request is not None:
                self.request.META["mains.upload_was_cut"] = True
            # The rest is read and thrown away, so that the sender gets an answer.
            raise StopUpload(connection_reset=False)
        return raw_data

    def file_complete(self, _file_size: int) -> Any:
        """Leave the file to the handlers that keep it."""
        return None


def was_cut(request: HttpRequest) -> bool:
    """Whether files of the request were too large and thrown away; ask after reading its form."""
    return bool(request.META.get("mains.upload_was_cut"))
