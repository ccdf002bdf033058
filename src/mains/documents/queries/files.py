"""Kept files: where they lie, their bytes, and small pictures of them without anything but the picture."""

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageOps

from mains.base.places import home_folder
from mains.base.rows import fetch_rows
from mains.documents.values import PIXELS_MAX, FileKind
from mains.kernel.errors import MainsError

SMALL_EDGE_PIXELS = 640
INCOMING = "incoming"
"""Where files lie while they arrive; what a killed process leaves there is swept away."""

_BLOCK = 1024 * 1024
_QUALITY = 80
_FORMATS = {FileKind.JPEG: "JPEG", FileKind.PNG: "PNG", FileKind.WEBP: "WEBP"}


class UnableToOpenFile(MainsError):
    """The bytes are gone or damaged, or it is no picture that can be drawn."""


def files_folder() -> Path:
    """Where files lie: a part of every backup."""
    return home_folder() / "files"


def path_of(sha256: str) -> Path:
    """The place of a file's bytes."""
    return files_folder() / sha256[:2] / sha256


def small_path_of(sha256: str) -> Path:
    """The place of its small picture, which can be made again."""
    return files_folder() / "small" / sha256[:2] / f"{sha256}.jpg"


def kinds_of_files(*, hashes: Sequence[str]) -> dict[str, FileKind]:
    """The kinds of the files that are kept, by hash."""
    if not hashes:
        return {}
    statement = "SELECT sha256, kind FROM documents_storedfile WHERE sha256 = ANY(%(hashes)s)"
    return dict(fetch_rows(_kind, statement, {"hashes": list(hashes)}))


def _kind(sha256: str, code: str) -> tuple[str, FileKind]:
    return sha256, FileKind(code)


def open_file(*, sha256: str) -> BinaryIO:
    """The file's bytes from the beginning, after they were held against the hash. Raises UnableToOpenFile."""
    try:
        file = path_of(sha256).open("rb")
    except OSError as error:
        raise _unable(
            "file-missing",
            "The file is not in its place.",
            sha256,
            "Bring it back from a backup of MAINS_HOME/files.",
        ) from error
    found = hashlib.sha256()
    while block := file.read(_BLOCK):
        found.update(block)
    if found.hexdigest() != sha256:
        file.close()
        raise _unable(
            "file-damaged", "The file is not what it was when it was kept.", sha256,
            "Bring it back from a backup of MAINS_HOME/files.",
        )  # fmt: skip
    file.seek(0)
    return file


def read_small_picture(*, sha256: str, kind: FileKind, edge_pixels: int = SMALL_EDGE_PIXELS) -> bytes:
    """A JPEG of at most so many pixels a side, upright, without place, camera or remarks. Raises UnableToOpenFile."""
    path = small_path_of(sha256)
    if edge_pixels == SMALL_EDGE_PIXELS and path.exists():
        return path.read_bytes()
    with open_file(sha256=sha256) as file:
        return draw_small(file, kind=kind, edge_pixels=edge_pixels)


def draw_small(file: BinaryIO, *, kind: FileKind, edge_pixels: int = SMALL_EDGE_PIXELS) -> bytes:
    """The small picture of an open file. Raises UnableToOpenFile."""
    try:
        with Image.open(file, formats=[_FORMATS[kind]]) as picture:
            if picture.width * picture.height > PIXELS_MAX:
                raise _too_large()
            picture.draft("RGB", (edge_pixels, edge_pixels))
            upright = ImageOps.exif_transpose(picture)
            upright.thumbnail((edge_pixels, edge_pixels))
            return _plain_jpeg(upright)
    except Image.DecompressionBombError as error:
        raise _too_large() from error
    except (OSError, SyntaxError, ValueError, KeyError) as error:
        raise _unable(
            "picture-unreadable", "The picture cannot be drawn.", "", "Take it again, or save it as JPEG."
        ) from error


def _too_large() -> UnableToOpenFile:
    message = f"The picture has more than {PIXELS_MAX // 10**6} million pixels."
    return _unable("picture-too-large", message, "", "Make it smaller.")


def _plain_jpeg(picture: Image.Image) -> bytes:
    """The pixels alone, painted onto white: what a file carries beside them stays behind."""
    with_holes = picture.convert("RGBA")
    plain = Image.new("RGB", picture.size, "white")
    plain.paste(with_holes, mask=with_holes.getchannel("A"))
    written = io.BytesIO()
    plain.save(written, "JPEG", quality=_QUALITY, optimize=True)
    return written.getvalue()


def _unable(code: str, message: str, sha256: str, remedy: str) -> UnableToOpenFile:
    return UnableToOpenFile(
        code=code, message=message, place=f"file {sha256[:12]}" if sha256 else "file", remedy=remedy
    )
